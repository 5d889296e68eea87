"""Short selling, order types and session halves on a simulated market: plausible, explained where null, and true."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.null_budget import null_budget
from gogoku_pipeline.features.price_columns import price_columns
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.corrections import Corrections
from gogoku_pipeline.simulator.desk import ALL_BOOKS, Desk
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.positions import filings
from gogoku_pipeline.simulator.rules import PLANS
from gogoku_pipeline.simulator.shelf import Shelf
from gogoku_pipeline.store import open_store
from gogoku_pipeline.tables.prices import stage_prices
from gogoku_pipeline.tables.typed import typed_sessions
from gogoku_pipeline.tables.universe import UniverseConfig, build_universe
from gogoku_pipeline.tables.versions import publication_rule
from tests.unit.tables.raw_answers import land_answer

PARAMETER = {book.path: book.day_parameter for book in ALL_BOOKS}
FEATURES = [feature for feature in house().public if feature.group in ("short", "breakdown", "sessions")]
NAMES = [feature.name for feature in FEATURES]


@pytest.fixture(scope="module")
def market():
    return generate_market(MarketConfig(n_issues=40, n_sessions=80))


@pytest.fixture(scope="module")
def inputs(market, tmp_path_factory) -> FeatureInputs:
    """Every table typed from the answers of a desk that is asked long after the last session."""
    last = market.sessions[-1]
    clock = VirtualClock(datetime(last.year, last.month, last.day, 23, tzinfo=JST) + timedelta(days=3))
    corrections = Corrections()
    desk = Desk(market, clock, Shelf(market, corrections), corrections)
    tables = {}
    for name in ("daily_bars", "listed_issues", "short_ratio", "short_positions", "breakdown"):
        store, path = open_store(f"file://{tmp_path_factory.mktemp(name)}"), SOURCES[name].path
        for session in market.sessions:
            for day in publication_rule(TABLE_OF[name]).days_of(session):
                answer = desk.answer(path, {PARAMETER[path]: day.isoformat()}, PLANS["premium"])
                land_answer(store, name, day, answer.rows.decoded(), fetched_at=clock.now())
        tables[name] = typed_sessions(store, name, market.sessions).frame
    bars, days = tables["daily_bars"], list(market.sessions)
    universe = build_universe(
        bars, tables["listed_issues"], days, UniverseConfig(min_listed_sessions=20, min_median_turnover_jpy=0)
    )
    topix = pl.DataFrame({"session": days}).with_columns(close_points=1000.0, is_market_halt=False)
    return FeatureInputs(stage_prices(bars, extra=price_columns(NAMES)), universe, topix, tables=tables)


@pytest.fixture(scope="module")
def computed(inputs, market) -> pl.DataFrame:
    return compute(NAMES, inputs, start=market.sessions[0], end=market.sessions[-1])


def test_every_null_is_explained_by_the_inputs(computed, inputs):
    outside = [count for count in null_budget(computed, inputs) if not count.is_within]
    assert outside == []


@pytest.mark.parametrize("feature", FEATURES, ids=NAMES)
def test_every_value_lies_within_the_declared_bounds_and_some_exist(feature, computed):
    values = computed[feature.name].drop_nulls()
    assert len(values) > 0
    assert feature.at_least is None or values.min() >= feature.at_least - 1e-9
    assert feature.at_most is None or values.max() <= feature.at_most + 1e-6


def test_outstanding_positions_are_the_last_ones_the_holders_filed(computed, market):
    every, last = filings(market), len(market.sessions) - 1
    standing: dict[tuple[int, int], float] = {}
    for session, issue, holder, ratio in zip(every.session, every.issue, every.holder, every.ratio, strict=True):
        if session <= last - 2:
            standing[int(issue), int(holder)] = ratio / 1e4 if ratio >= 50 else 0.0
    truth: dict[str, float] = {}
    for (issue, _), ratio in standing.items():
        truth[market.codes[issue]] = truth.get(market.codes[issue], 0.0) + ratio
    today = computed.filter(pl.col("session") == market.sessions[-1])
    sums = dict(today.select("code", "ssp_sum").iter_rows())
    assert sum(value > 0 for value in sums.values()) > 5
    assert sums == {code: pytest.approx(truth.get(code, 0.0), abs=1e-7) for code in sums}


def test_the_market_ratio_lies_among_those_of_its_sectors(computed):
    for _, day in computed.drop_nulls("shr_mkt_ratio").group_by("session"):
        assert 0.1 < day["shr_mkt_ratio"][0] < 0.6
        assert day["shr_sec_ratio"].min() <= day["shr_mkt_ratio"][0] <= day["shr_sec_ratio"].max()


def test_the_morning_and_the_afternoon_make_up_the_day(computed, inputs):
    both = computed.join(inputs.prices, on=["session", "code"]).drop_nulls(["am_ret", "pm_ret", "lunch_gap"])
    whole = (1 + both["am_ret"]) * (1 + both["lunch_gap"]) * (1 + both["pm_ret"]) - 1
    day = both["pm_close_jpy"] / both["am_open_jpy"] - 1
    assert (whole - day).abs().max() < 1e-6
