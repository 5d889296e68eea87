"""Reports of large short positions: when they must be filed, what they say, how they chain, when they are disclosed."""

from __future__ import annotations

from datetime import date, datetime, time

import numpy as np
import polars as pl
import pytest
from jquantsapi import constants

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.simulator.books.short_positions import BOOK
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market

EVER = datetime(2026, 11, 1, tzinfo=JST)
HOLDER = ["Code", "SSName", "DICName", "FundName"]


@pytest.fixture(scope="module")
def large():
    return generate_market(MarketConfig(n_issues=250, n_sessions=160, start=date(2020, 6, 1), seed=7))


@pytest.fixture(scope="module")
def reports(large):
    frames = [BOOK.day(large, day, EVER) for day in large.sessions]
    return pl.concat([frame for frame in frames if len(frame)])


def test_reports_have_the_publishers_columns_in_order(reports):
    assert reports.columns == list(constants.SHORT_SELLING_POSITIONS_COLUMNS_V2) == list(BOOK.keys)
    assert reports.null_count().sum_horizontal()[0] == 0
    assert len(reports) > 300


def test_a_report_comes_out_two_sessions_after_its_calculation_at_1730(large, reports):
    days = {day.isoformat(): place for place, day in enumerate(large.sessions)}
    for disclosed, calculated in reports.select("DiscDate", "CalcDate").unique().iter_rows():
        assert days[disclosed] - days[calculated] == 2
    day = large.sessions[2]
    assert len(BOOK.day(large, day, datetime.combine(day, time(17, 29), JST))) == 0
    assert len(BOOK.day(large, day, datetime.combine(day, time(17, 30), JST))) > 0
    key, event_day = BOOK.other_days["calc_date"]
    assert key == "CalcDate" and event_day(large.sessions[0]) == day


def test_ratios_have_four_decimals_and_agree_with_the_shares(large, reports):
    ratio = reports["ShrtPosToSO"].to_numpy()
    assert np.allclose(ratio * 1e4, np.rint(ratio * 1e4), atol=1e-6)
    days = {day.isoformat(): place for place, day in enumerate(large.sessions)}
    for row in reports.head(400).iter_rows(named=True):
        place, issue = days[row["CalcDate"]], large.codes.index(row["Code"])
        outstanding = large.listings.shares[issue] / large.split_table.on_day(-1, place)[issue]
        assert row["ShrtPosShares"] == pytest.approx(row["ShrtPosToSO"] * outstanding, abs=1.0)
        assert row["ShrtPosUnits"] == np.floor(row["ShrtPosShares"] / 100.0)


def test_reports_are_filed_when_a_step_of_a_tenth_of_a_percent_is_crossed(reports):
    chained = reports.filter(pl.col("PrevRptDate") != "")
    steps = [np.floor(chained[name].to_numpy() * 1e3 + 1e-6).clip(4) for name in ("ShrtPosToSO", "PrevRptRatio")]
    assert (steps[0] != steps[1]).all()
    first = reports.filter(pl.col("PrevRptDate") == "")
    assert (first["ShrtPosToSO"] >= 0.005).all() and (first["PrevRptRatio"] == 0.0).all()


def test_every_report_names_the_one_before_it(reports):
    unique = reports.unique(subset=["CalcDate", *HOLDER], maintain_order=True).sort(*HOLDER, "CalcDate")
    chain = unique.with_columns(
        date_before=pl.col("CalcDate").shift().over(HOLDER).fill_null(""),
        ratio_before=pl.col("ShrtPosToSO").shift().over(HOLDER).fill_null(0.0),
    )
    assert (chain["PrevRptDate"] == chain["date_before"]).all()
    assert (chain["PrevRptRatio"] == chain["ratio_before"]).all()
    after_exit = chain.filter((pl.col("ratio_before") < 0.005) & (pl.col("date_before") != ""))
    assert (after_exit["ShrtPosToSO"] >= 0.005).all()


def test_some_holders_leave_the_band_some_are_individuals_and_some_reports_come_twice(reports):
    assert (reports["ShrtPosToSO"] < 0.005).sum() > 10
    lone = reports.filter(pl.col("SSName") == "個人")
    assert len(lone) > 0 and (lone["SSAddr"] == "").all()
    assert (reports["DICName"] == "").any() and (reports["FundName"] != "").any()
    repeated = len(reports) - len(reports.unique())
    assert 0 < repeated < 0.03 * len(reports)
    assert len(reports.unique()) == len(reports.unique(subset=["DiscDate", "CalcDate", *HOLDER]))


def test_shorts_build_up_in_losers_and_crowded_issues(large, reports):
    place_of = {day.isoformat(): place for place, day in enumerate(large.sessions)}
    moves, pulls = [], []
    for row in reports.filter(pl.col("PrevRptDate") != "").iter_rows(named=True):
        now, before, issue = place_of[row["CalcDate"]], place_of[row["PrevRptDate"]], large.codes.index(row["Code"])
        if before < 60:
            continue
        crowd = large.history.crowding[now, issue] - large.history.crowding[before, issue]
        quarter = [large.history.relative[p, issue] - large.history.relative[p - 60, issue] for p in (now, before)]
        moves.append(row["ShrtPosToSO"] - row["PrevRptRatio"])
        pulls.append(0.0015 * crowd - 0.004 * (quarter[0] - quarter[1]))
    assert len(moves) > 100
    assert np.corrcoef(moves, pulls)[0, 1] > 0.3


def test_two_markets_of_one_configuration_file_the_same_reports(market):
    again = generate_market(market.config)
    for day in market.sessions[2:40:6]:
        one, other = BOOK.day(market, day, EVER), BOOK.day(again, day, EVER)
        assert len(one) == len(other) and (len(one) == 0 or one.equals(other))
