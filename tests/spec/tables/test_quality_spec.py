"""Quality checks, by example: what each one lets pass and what it names."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from gogoku_pipeline.core.sessions import SessionCalendar, tse_calendar
from gogoku_pipeline.schema import calendar, daily_bars, listed_issues
from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import AVAILABLE_AT, SESSION, Table
from gogoku_pipeline.tables.price_quality import (
    check_adjustment,
    check_contradictions_few,
    check_jumps,
    check_prices_consistent,
)
from gogoku_pipeline.tables.quality import (
    check_calendar,
    check_conservation,
    check_listing_covered,
    check_rejects,
    check_schema,
    check_sessions_complete,
    check_unit_ranges,
)
from gogoku_pipeline.tables.rejects import Conservation

BARS = daily_bars.TABLE


@pytest.fixture
def closes(make_bars, sessions):
    """closes(100, None, 101): bars of one issue from the first session on."""

    def of(*prices, **columns):
        rows = [
            {"session": s, "close_jpy": c} | {name: values[n] for name, values in columns.items()}
            for n, (s, c) in enumerate(zip(sessions, prices, strict=False))
        ]
        return make_bars(*rows)

    return of


def test_a_frame_as_declared_passes_and_a_wrong_value_names_its_session_and_code(closes, sessions):
    assert check_schema(BARS, closes(100, 101)).passed
    result = check_schema(BARS, closes(100, -5, 101))
    assert not result.passed
    assert result.severity == "error"
    assert list(result.failures) == [sessions[1]]
    assert "first 10000" in result.failures[sessions[1]]
    assert set(result.sample["field"]) == {"open_jpy", "high_jpy", "low_jpy", "close_jpy", "turnover_jpy"}


def test_a_missing_column_and_a_lazy_frame_fail_as_a_whole(closes):
    assert list(check_schema(BARS, closes(100).drop("close_jpy")).failures) == [None]
    lazy = check_schema(BARS, closes(-100).lazy())
    assert not lazy.passed
    assert "could not run" in lazy.words


def test_a_check_without_rows_or_columns_to_look_at_fails(closes):
    nothing = closes()
    for result in (
        check_schema(BARS, nothing),
        check_prices_consistent(nothing),
        check_contradictions_few(nothing),
        check_jumps(nothing),
        check_adjustment(nothing),
        check_unit_ranges(BARS, nothing),
        check_conservation(BARS, nothing, []),
        check_rejects([]),
        check_sessions_complete(BARS, nothing, []),
        check_listing_covered(nothing, listed_issues.SNAPSHOT.empty()),
        check_calendar(calendar.TABLE.empty()),
        check_prices_consistent(closes(100).drop("high_jpy")),
        check_jumps(closes(100, 101).drop("adjustment_factor")),
    ):
        assert not result.passed
        assert "could not run" in result.words
        assert list(result.failures) == [None]


def test_stored_rows_are_the_rows_that_were_typed(closes, sessions):
    def counted(*rows):
        return [Conservation("daily_bars", s, n, n, 0, 0) for s, n in zip(sessions, rows, strict=False)]

    assert check_conservation(BARS, closes(100, 101), counted(1, 1)).passed
    result = check_conservation(BARS, closes(100, 101), counted(1, 2, 3))
    assert result.sample.rows() == [(sessions[1], 2, 1), (sessions[2], 3, 0)]


def test_rejects_alert_by_session(sessions):
    counts = [
        Conservation("daily_bars", sessions[0], 100, 100, 0, 0),
        Conservation("daily_bars", sessions[1], 100, 99, 1, 0),
    ]
    result = check_rejects(counts)
    assert (result.passed, result.severity, list(result.failures)) == (False, "warn", [sessions[1]])
    assert check_rejects(counts, at_most=0.01).passed


def test_a_session_without_rows_is_named(closes, sessions):
    assert check_sessions_complete(BARS, closes(100, None), sessions[:2]).passed
    assert list(check_sessions_complete(BARS, closes(100), sessions[:2]).failures) == [sessions[1]]


def test_the_calendars_agree_or_the_day_is_named(sessions):
    def theirs(*trades):
        return pl.DataFrame(
            {"date": sessions[:3], "is_session": trades}, schema={"date": pl.Date, "is_session": pl.Boolean}
        )

    ours = SessionCalendar(tuple(sessions[:3]))
    assert check_calendar(theirs(True, True, True), ours).passed
    assert list(check_calendar(theirs(True, False, True), ours).failures) == [sessions[1]]
    outage = pl.DataFrame({"date": [date(2020, 10, 1)], "is_session": [True]})
    assert check_calendar(outage, tse_calendar()).passed
    assert not check_calendar(outage.with_columns(is_session=pl.lit(value=False)), tse_calendar()).passed


def test_coverage_counts_listed_codes_that_have_a_row(make_bars, make_listed, sessions):
    listed = make_listed(*({"session": sessions[0], "code": f"{1000 + n}0"} for n in range(50)))
    bars = make_bars(*({"session": sessions[0], "code": f"{1000 + n}0"} for n in range(48)))
    result = check_listing_covered(bars, listed)
    assert (result.passed, result.counts["smallest_coverage"]) == (False, 0.96)
    assert check_listing_covered(bars, listed, at_least=0.96).passed


def test_a_value_beyond_its_unit_or_a_unit_nobody_knows_fails(closes):
    assert check_unit_ranges(BARS, closes(100, None)).passed
    result = check_unit_ranges(BARS, closes(100, 3, volume_shares=[1e13, 1]))
    assert result.sample.select("code", "field", "value").rows() == [
        ("10000", "volume_shares", 1e13),
        ("10000", "turnover_jpy", 1e15),
    ]
    strange = Table(
        "t", "A row.", (SESSION, Column("x", pl.Float64, "A number.", "furlongs"), AVAILABLE_AT), ("session",)
    )
    assert "units without a range" in check_unit_ranges(strange, strange.empty()).words


@pytest.mark.parametrize(
    ("changed", "passed"),
    [
        ({}, True),
        ({"high_jpy": 99.0}, False),
        ({"low_jpy": 101.0}, False),
        ({"open_jpy": None}, False),
        ({"volume_shares": 0.0}, False),
        ({"low_jpy": 0.0}, False),
        ({"close_jpy": None, "open_jpy": None, "high_jpy": None, "low_jpy": None, "volume_shares": None}, True),
        ({"close_jpy": None, "open_jpy": None, "high_jpy": None, "low_jpy": None, "volume_shares": 5.0}, False),
    ],
)
def test_four_prices_agree_with_each_other_and_with_the_volume(make_bars, sessions, changed, passed):
    assert check_prices_consistent(make_bars({"session": sessions[0], "close_jpy": 100.0} | changed)).passed is passed


@pytest.mark.parametrize(("crossed", "passed"), [(0, True), (2, True), (3, False), (200, False)])
def test_one_contradictory_bar_in_a_hundred_alerts_and_more_of_them_stop_the_day(make_bars, sessions, crossed, passed):
    rows = [{"session": sessions[0], "code": f"{1000 + n}0", "close_jpy": 100.0} for n in range(200)]
    rows = [row | ({"high_jpy": 99.0} if n < crossed else {}) for n, row in enumerate(rows)]
    bars = make_bars(*rows, {"session": sessions[1], "code": "10000", "close_jpy": 100.0})
    result = check_contradictions_few(bars)
    assert (result.passed, result.severity) == (passed, "error")
    assert list(result.failures) == ([] if passed else [sessions[0]])
    assert check_prices_consistent(bars).severity == "warn"
    assert check_prices_consistent(bars).passed is (crossed == 0)


@pytest.mark.parametrize(
    ("prices", "factors", "passed", "beyond"),
    [
        ((200, 280, 360, 440), (1, 1, 1, 1), True, 0),
        ((1000, 500, 505), (1, 0.5, 1), True, 0),
        ((1000, 650), (1, 1), True, 1),
        ((3000, 150), (1, 1), False, 1),
        ((1000, None, 1), (1, 1, 1), False, 0),
    ],
)
def test_jumps_are_measured_against_the_limit_table(closes, prices, factors, passed, beyond):
    result = check_jumps(closes(*prices, adjustment_factor=[float(f) for f in factors]))
    assert (result.passed, result.counts.get("beyond_limit", 0)) == (passed, beyond)
    assert result.severity == "warn"


def test_served_adjustment_agrees_whatever_the_day_of_the_fetch(closes):
    factors = [1.0, 1.0, 0.5, 1.0, 1.0]
    raw = [1003, 1021, 511, 520, 515]

    def judged(*served):
        return check_adjustment(closes(*raw, adjustment_factor=factors, served_adjusted_close_jpy=list(served)))

    assert judged(501.5, 510.5, 511.0, 520.0, 515.0).passed
    assert judged(1003.0, 1021.0, 511.0, 520.0, 515.0).passed
    assert judged(501.5, 1021.0, 511.0, 520.0, 515.0).passed
    missed = judged(501.5, 510.5, 511.0, 390.0, 515.0)
    assert not missed.passed
    assert missed.counts["failed"] == 2


def test_a_split_beyond_the_rows_shows_only_where_the_edition_changes(closes, sessions):
    """A file written before a later 1:2 split, then pages served after it: the split itself is not among the rows."""
    bars = closes(1000, 1010, 1020, 1030, served_adjusted_close_jpy=[1000.0, 1010.0, 510.0, 515.0])
    assert not check_adjustment(bars).passed
    served = dict(zip(sessions, ["bulk=a", "bulk=a", "", ""], strict=False))
    assert check_adjustment(bars, editions=served).passed
    inside = closes(1000, 1010, 1020, 1030, served_adjusted_close_jpy=[1000.0, 505.0, 510.0, 515.0])
    assert not check_adjustment(inside, editions=served).passed


def test_rounding_to_one_decimal_is_no_disagreement(closes):
    raw = [101, 103, 97, 99]
    served = [10.1, 10.3, 9.7, 9.9]
    assert check_adjustment(closes(*raw, served_adjusted_close_jpy=served)).passed
    assert check_adjustment(closes(*[7.0, 9.0, 8.0], served_adjusted_close_jpy=[2.3, 3.0, 2.7])).passed
    assert not check_adjustment(closes(*[700.0, 900.0], served_adjusted_close_jpy=[233.3, 301.0])).passed
