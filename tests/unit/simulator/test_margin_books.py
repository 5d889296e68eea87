"""Margin balances: two regimes, exact sums, raw shares, the planted crowding in the print; alerts in every form."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest
from jquantsapi import constants

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.schema.event_days import is_margin_day
from gogoku_pipeline.simulator.books import margin_alerts, margin_interest
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market

BEFORE = datetime(2026, 9, 27, 23, 59, tzinfo=JST)
EVER = datetime(2026, 11, 20, 23, 0, tzinfo=JST)
BALANCES = margin_alerts.BALANCES
REASONS = ["Restricted", "DailyPublication", "Monitoring", "RestrictedByJSF", "PrecautionByJSF", "UnclearOrSecOnAlert"]


@pytest.fixture(scope="module")
def turning():
    """A market through the change of 2026-09-28."""
    return generate_market(MarketConfig(n_issues=60, n_sessions=60, start=date(2026, 8, 3), seed=5))


@pytest.fixture(scope="module")
def wide():
    """Enough issues for ranks."""
    return generate_market(MarketConfig(n_issues=250, n_sessions=90, start=date(2020, 6, 1), seed=7))


def _instant(day, hour, minute=0):
    return datetime.combine(day, time(hour, minute), JST)


def _interest(market, now=EVER):
    frames = [margin_interest.BOOK.day(market, day, now) for day in market.sessions]
    return {frame["Date"][0]: frame for frame in frames if len(frame)}


def _alerts(market, now=EVER):
    return [row for day in market.sessions for row in margin_alerts.BOOK.day(market, day, now)]


def _first_printings(rows):
    first = {}
    for row in rows:
        first.setdefault((row["AppDate"], row["Code"]), row)
    return first


def test_balances_are_weekly_to_2026_09_24_and_daily_from_the_25th(turning):
    days = sorted(_interest(turning))
    weekly = [day for day in days if day <= "2026-09-24"]
    daily = [day for day in days if day > "2026-09-24"]
    assert all(is_margin_day(date.fromisoformat(day)) for day in weekly) and len(weekly) == 7
    assert daily == [day.isoformat() for day in turning.sessions if day >= date(2026, 9, 25)]


def test_a_request_sees_nine_keys_before_2026_09_28_and_sixteen_after(turning):
    day = date(2026, 9, 4)
    narrow = margin_interest.BOOK.day(turning, day, BEFORE)
    wide_rows = margin_interest.BOOK.day(turning, day, EVER)
    columns = list(constants.MKT_MARGIN_INTEREST_COLUMNS_V2)
    assert wide_rows.columns == columns
    assert narrow.columns == [key for key in columns if key != "PubDate" and not key.endswith("Val")]
    assert narrow.equals(wide_rows.select(narrow.columns))


def test_publication_dates_and_values_exist_in_the_daily_regime_only(turning):
    calendar = tse_calendar()
    for day, frame in _interest(turning).items():
        extra = frame.select("PubDate", pl.col("^.*Val$"))
        if day <= "2026-09-24":
            assert extra.null_count().sum_horizontal()[0] == 7 * frame.height
        else:
            assert extra.null_count().sum_horizontal()[0] == 0
            assert set(frame["PubDate"]) == {calendar.shift(date.fromisoformat(day), 1).isoformat()}
            assert (frame["LongVal"] > 0).any()


def test_total_is_negotiable_plus_standardized_in_shares_and_in_yen(turning):
    for frame in _interest(turning).values():
        for side in ("Shrt", "Long"):
            assert (frame[side + "Vol"] == frame[side + "NegVol"] + frame[side + "StdVol"]).all()
            total, parts = frame[side + "Val"], frame[side + "NegVal"] + frame[side + "StdVal"]
            assert (total.drop_nulls() == parts.drop_nulls()).all()


def test_issues_without_margin_have_no_rows_and_only_loan_issues_have_standardized_shorts(market):
    margin = dict(zip(market.codes, market.listings.margin, strict=True))
    for frame in _interest(market).values():
        assert (frame["IssType"] == frame["Code"].replace_strict(margin)).all()
        assert set(frame["IssType"]) == {"1", "2"}
        assert (frame.filter(pl.col("IssType") == "1")["ShrtStdVol"] == 0).all()
        assert frame["Code"].is_sorted()


def test_weeks_of_two_sessions_have_no_rows():
    year_end = generate_market(MarketConfig(n_issues=60, n_sessions=40, start=date(2017, 12, 1), seed=2))
    days = set(_interest(year_end))
    assert "2017-12-29" in days and "2018-01-05" not in days
    assert "2018-01-12" in days


@pytest.mark.parametrize(
    ("day", "published"), [(date(2026, 9, 4), date(2026, 9, 8)), (date(2026, 9, 25), date(2026, 9, 28))]
)
def test_balances_come_out_at_1630_of_their_day(turning, day, published):
    assert len(margin_interest.BOOK.day(turning, day, _instant(published, 16, 29))) == 0
    assert len(margin_interest.BOOK.day(turning, day, _instant(published, 16, 30))) > 20


def test_a_publication_date_leads_to_the_session_before_it():
    key, event_day = margin_interest.BOOK.other_days["published_date"]
    assert key == "PubDate"
    assert event_day(date(2026, 9, 28)) == date(2026, 9, 25)
    assert event_day(date(2026, 9, 25)) is None


def test_share_counts_jump_at_a_split(market):
    frames = _interest(market)
    jumps = 0
    for event in market.splits:
        code, day = market.codes[event.issue], market.sessions[event.session].isoformat()
        before = [frame for date_, frame in frames.items() if date_ < day]
        after = [frame for date_, frame in frames.items() if date_ >= day]
        if not before or not after:
            continue
        volumes = [frame.filter(pl.col("Code") == code)["LongVol"] for frame in (before[-1], after[0])]
        if all(len(volume) for volume in volumes) and volumes[0][0] > 0:
            jumps += 1
            per_share = volumes[1][0] * event.factor / volumes[0][0]
            assert 0.3 < per_share < 3.0
            assert abs(np.log(volumes[1][0] / volumes[0][0]) + np.log(event.factor)) < 1.0
    assert jumps > 0


def test_crowding_can_be_read_from_the_published_balances(wide):
    place_of = {day.isoformat(): place for place, day in enumerate(wide.sessions)}
    frames = _interest(wide)
    assert len(frames) > 12
    for day, frame in frames.items():
        place = place_of[day]
        issues = np.array([wide.codes.index(code) for code in frame["Code"]])
        stocks = wide.listings.is_stock[issues]
        outstanding = wide.listings.shares / wide.split_table.on_day(-1, place)
        ratio = frame["LongVol"].to_numpy() / outstanding[issues]
        planted = wide.history.crowding[place, issues]
        ranks = pl.DataFrame({"ratio": ratio[stocks], "planted": planted[stocks]})
        assert ranks.select(pl.corr("ratio", "planted", method="spearman")).item() > 0.9


def test_what_is_published_by_an_evening_is_what_the_market_knows(wide):
    for place in (30, 31, 33, 60):
        now = _instant(wide.sessions[place], 19)
        newest = [frame for frame in _interest(wide, now).values()][-1]
        issues = np.array([wide.codes.index(code) for code in newest["Code"]])
        at = wide.sessions.index(date.fromisoformat(newest["Date"][0]))
        assert (wide.crowding_known[place, issues] == wide.history.crowding[at, issues]).all()


def test_alerts_have_the_publishers_keys_and_forms(market):
    rows = _alerts(market)
    assert len(rows) > 200
    classes = set()
    for row in rows:
        assert list(row) == list(constants.DAILY_MARGIN_INTEREST_COLUMNS_V2) == list(margin_alerts.BOOK.keys)
        assert "Date" not in row and list(row["PubReason"]) == REASONS
        assert set(row["PubReason"].values()) <= {"0", "1"} and "1" in row["PubReason"].values()
        assert all(isinstance(row[name], float) for name in (*BALANCES, "SLRatio"))
        assert row["AppDate"] < row["PubDate"]
        classes.add(row["TSEMrgnRegCls"])
    assert classes <= {"001", "002", "003", "004", "005", "006", "101", "102"}
    assert {"001", "002", "003", "101", "102"} <= classes


def test_ratios_of_funds_are_stars_and_of_stocks_are_percent(market):
    funds = {code for code, fund in zip(market.codes, market.listings.is_fund, strict=True) if fund}
    rows = _alerts(market)
    assert any(row["Code"] in funds for row in rows) and any(row["Code"] not in funds for row in rows)
    for row in rows:
        ratios = (row["ShrtOutRatio"], row["LongOutRatio"])
        if row["Code"] in funds:
            assert ratios == ("*", "*")
        else:
            place = market.sessions.index(date.fromisoformat(row["AppDate"]))
            issue = market.codes.index(row["Code"])
            outstanding = market.listings.shares[issue] / market.split_table.on_day(-1, place)[issue]
            assert ratios[1] == pytest.approx(100.0 * row["LongOut"] / outstanding, abs=0.006)


def test_a_change_is_a_dash_on_the_first_day_and_a_difference_afterwards(market):
    first = _first_printings(_alerts(market))
    corrected = {(row["AppDate"], row["Code"]): row for row in _alerts(market)}
    days = {day.isoformat(): place for place, day in enumerate(market.sessions)}
    splits = {(market.sessions[event.session].isoformat(), market.codes[event.issue]) for event in market.splits}
    dashes = 0
    for (day, code), row in first.items():
        place = days[day]
        yesterday = corrected.get((market.sessions[place - 1].isoformat(), code)) if place else None
        changes = [row[name + "Chg"] for name in BALANCES]
        if yesterday is None:
            dashes += 1
            assert changes == ["-"] * 6
        elif (day, code) not in splits:
            assert changes == [row[name] - yesterday[name] for name in BALANCES]
    assert 0 < dashes < len(first)


def test_balances_of_alerts_are_those_of_the_week_end(market):
    truth = {(day, row["Code"]): row for day, frame in _interest(market).items() for row in frame.iter_rows(named=True)}
    newest = {(row["AppDate"], row["Code"]): row for row in _alerts(market)}
    shared = sorted(newest.keys() & truth.keys())
    assert len(shared) > 30
    for key in shared:
        for name in BALANCES:
            assert newest[key][name] == truth[key][name.replace("Out", "Vol")]


def test_corrections_are_appended_with_a_newer_publication_date(market):
    rows = _alerts(market)
    keys = [(row["PubDate"], row["Code"], row["AppDate"]) for row in rows]
    assert len(keys) == len(set(keys))
    first = _first_printings(rows)
    newer = [row for row in rows if row is not first[row["AppDate"], row["Code"]]]
    assert newer
    for row in newer:
        old = first[row["AppDate"], row["Code"]]
        assert row["PubDate"] > old["PubDate"] and row["LongOut"] != old["LongOut"]
        assert row["LongNegOut"] + row["LongStdOut"] == row["LongOut"]
        assert old["LongNegOut"] + old["LongStdOut"] == old["LongOut"]


def test_alerts_come_out_on_the_next_session_at_1630(market):
    day = next(day for day in market.sessions[20:] if margin_alerts.BOOK.day(market, day, EVER))
    assert len(margin_alerts.BOOK.day(market, day, _instant(day, 16, 29))) == 0
    rows = margin_alerts.BOOK.day(market, day, _instant(day, 16, 30))
    assert {row["PubDate"] for row in rows} == {day.isoformat()}
    assert market.sessions[market.sessions.index(day) - 1].isoformat() in {row["AppDate"] for row in rows}
    assert len(margin_alerts.BOOK.day(market, day + timedelta(days=400), EVER + timedelta(days=800))) == 0


def test_watched_issues_are_the_crowded_ones(wide):
    place = 60
    rows = margin_alerts.BOOK.day(wide, wide.sessions[place + 1], EVER)
    told = {row["Code"] for row in rows if row["TSEMrgnRegCls"] in ("003", "004", "005", "006")}
    assert told
    heat = wide.history.crowding[place]
    typical = np.median(heat[wide.listings.listed(place) & wide.listings.is_stock])
    assert all(heat[wide.codes.index(code)] > typical + 0.5 for code in told)
