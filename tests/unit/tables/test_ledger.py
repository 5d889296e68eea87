"""The ledger: what must be typed again, what a typing leaves behind, and series from outside by the same road."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gogoku_pipeline.core.clocks import VirtualClock
from gogoku_pipeline.core.errors import DataError, PartitionMissingError, SchemaError
from gogoku_pipeline.schema.external import USDJPY
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.store import open_store
from gogoku_pipeline.tables.corrections import CORRECTIONS
from gogoku_pipeline.tables.ledger import LEDGER, counts_of, newest_entries, record, retype, untyped
from gogoku_pipeline.tables.quality import check_conservation
from gogoku_pipeline.tables.rejects import REJECTS
from gogoku_pipeline.tables.typed import typed_external, typed_sessions, typed_whole
from tests.unit.tables.raw_answers import (
    FRIDAY,
    LATER,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    as_csv,
    as_parquet,
    at,
    land_answer,
    land_file,
    source_row,
)

BARS = TABLE_OF["daily_bars"]
WHO = {"run_id": "run-1", "code_version": "7"}


@pytest.fixture
def store(tmp_path):
    return open_store(f"file://{tmp_path}/store")


def bars(day, *closes):
    return [source_row("daily_bars", day, n, C=close) for n, close in enumerate(closes)]


def test_a_session_is_typed_once_and_again_only_when_something_new_landed(store):
    for day in (WEDNESDAY, THURSDAY):
        land_answer(store, "daily_bars", day, bars(day, 1.0, 2.0), fetched_at=at(day, 19))
    assert untyped(store, "daily_bars") == [WEDNESDAY, THURSDAY]
    done = retype(store, "daily_bars", **WHO)
    assert (done.sessions, done.rows, done.corrections) == ((WEDNESDAY, THURSDAY), 4, 0)
    assert untyped(store, "daily_bars") == []
    land_answer(store, "daily_bars", THURSDAY, bars(THURSDAY, 1.0, 2.0), fetched_at=at(FRIDAY, 7))
    assert untyped(store, "daily_bars") == [], "the same answer again is no news"
    land_answer(store, "daily_bars", THURSDAY, bars(THURSDAY, 1.0, 9.0), fetched_at=at(FRIDAY, 19))
    assert untyped(store, "daily_bars") == [THURSDAY]
    again = retype(store, "daily_bars", **WHO)
    assert (again.sessions, again.rows, again.corrections) == ((THURSDAY,), 2, 1)
    assert store.tables.scan(BARS).collect()["close_jpy"].to_list() == [1.0, 2.0, 1.0, 9.0]
    assert retype(store, "daily_bars", **WHO).sessions == ()


def test_a_file_over_a_month_asks_for_all_its_sessions(store):
    land_answer(store, "daily_bars", WEDNESDAY, bars(WEDNESDAY, 1.0), fetched_at=at(WEDNESDAY, 19))
    retype(store, "daily_bars", **WHO)
    month = (date(2024, 5, 1), date(2024, 5, 10))
    rows = [row for day in (1, 2, 7, 8, 9, 10) for row in bars(date(2024, 5, day), 1.0)]
    land_file(store, "daily_bars", month, as_csv("daily_bars", rows))
    assert untyped(store, "daily_bars") == [date(2024, 5, day) for day in (1, 2, 7, 8, 9, 10)]
    assert retype(store, "daily_bars", **WHO).corrections == 0
    assert untyped(store, "daily_bars") == []


def test_typing_twice_leaves_rejects_and_corrections_once_and_two_lines_in_the_ledger(store):
    land_answer(store, "daily_bars", WEDNESDAY, bars(WEDNESDAY, 1.0, "much"), fetched_at=at(WEDNESDAY, 19))
    land_answer(store, "daily_bars", WEDNESDAY, bars(WEDNESDAY, 2.0, "much"), fetched_at=at(THURSDAY, 7))
    clock = VirtualClock(at(THURSDAY, 8))
    for hour in (8, 9):
        clock.advance_to(at(THURSDAY, hour))
        record(store, typed_sessions(store, "daily_bars", [WEDNESDAY]), **WHO, clock=clock)
    assert store.tables.scan(REJECTS).collect()["field"].to_list() == ["C"]
    correction = store.tables.scan(CORRECTIONS).collect().row(0, named=True)
    assert (correction["table"], correction["columns"], correction["run_id"]) == (BARS.name, "close_jpy", "run-1")
    assert store.tables.scan(CORRECTIONS).collect().height == 1
    assert store.tables.scan(LEDGER).collect()["typed_at"].to_list() == [at(THURSDAY, 8), at(THURSDAY, 9)]
    entry = newest_entries(store, "daily_bars").row(0, named=True)
    assert (entry["typed_at"], entry["rejected"], entry["superseded"]) == (at(THURSDAY, 9), 1, 1)


def test_conservation_is_checked_against_the_ledger_without_typing_again(store):
    land_answer(store, "daily_bars", WEDNESDAY, bars(WEDNESDAY, 1.0, 2.0), fetched_at=at(WEDNESDAY, 19))
    with pytest.raises(PartitionMissingError, match="ledger of daily_bars"):
        counts_of(store, "daily_bars", [WEDNESDAY])
    retype(store, "daily_bars", **WHO)
    counts = counts_of(store, "daily_bars", [WEDNESDAY])
    stored = store.tables.scan(BARS).collect()
    assert counts == typed_sessions(store, "daily_bars", [WEDNESDAY]).counts
    assert check_conservation(BARS, stored, counts).passed
    assert not check_conservation(BARS, stored.head(1), counts).passed


def test_a_session_waits_until_each_of_its_days_is_landed(store):
    saturday, sunday, monday = date(2024, 5, 11), date(2024, 5, 12), date(2024, 5, 13)
    for day in (saturday, monday):
        land_answer(store, "statements", day, [source_row("statements", day, day.day)])
    assert untyped(store, "statements") == []
    with pytest.raises(PartitionMissingError, match="2024-05-13"):
        typed_sessions(store, "statements", [monday])
    land_answer(store, "statements", sunday, [])
    assert untyped(store, "statements") == [monday]
    assert retype(store, "statements", **WHO).rows == 2


def test_event_logs_without_rows_are_typed_as_empty_sessions(store):
    land_answer(store, "short_positions", WEDNESDAY, [])
    assert retype(store, "short_positions", **WHO).sessions == (WEDNESDAY,)
    assert store.tables.sessions(TABLE_OF["short_positions"]) == [WEDNESDAY]
    assert untyped(store, "short_positions") == []


def test_ranges_are_typed_again_where_something_changed(store):
    def points(day, value):
        return {"Date": day.isoformat()} | dict.fromkeys("OHLC", value)

    land_answer(store, "topix", None, [points(TUESDAY, 1.0), points(WEDNESDAY, 2.0)], fetched_at=at(WEDNESDAY, 19))
    assert retype(store, "topix", **WHO).sessions == (TUESDAY, WEDNESDAY)
    later = [points(WEDNESDAY, 2.0), points(THURSDAY, 3.0)]
    land_answer(store, "topix", None, later, fetched_at=at(THURSDAY, 19), params={"from": "2024-05-08"})
    assert retype(store, "topix", **WHO).sessions == (WEDNESDAY, THURSDAY)
    assert store.tables.scan(TABLE_OF["topix"]).collect()["close_points"].to_list() == [1.0, 2.0, 3.0]
    assert untyped(store, "topix") == []


def test_a_table_without_sessions_is_written_whole_and_only_when_it_changed(store):
    rows = [{"Date": "2024-05-06", "HolDiv": "0"}, {"Date": "2024-05-07", "HolDiv": "1"}]
    land_answer(store, "calendar", None, rows)
    assert retype(store, "calendar", **WHO).rows == 2
    assert retype(store, "calendar", **WHO).sessions == ()
    land_answer(
        store, "calendar", None, [*rows, {"Date": "2024-05-08", "HolDiv": "1"}], fetched_at=LATER.replace(month=7)
    )
    assert retype(store, "calendar", **WHO).rows == 3
    assert typed_whole(store, "calendar").frame["is_session"].to_list() == [False, True, True]


def rates(*pairs):
    return as_parquet([{"date": day.isoformat(), "rate_jpy_per_usd": rate} for day, rate in pairs])


def test_a_series_from_outside_is_typed_by_the_same_laws(store):
    covers = (WEDNESDAY, FRIDAY)
    first = rates((WEDNESDAY, 155.5), (THURSDAY, 155.6), (THURSDAY, 155.6), (FRIDAY, -1.0))
    land_file(store, "ext_usdjpy", covers, first, media="parquet")
    typed = typed_external(store, USDJPY)
    assert typed.frame.schema == USDJPY.table.polars_schema
    assert typed.frame.select("session", "rate_jpy_per_usd", "available_at").rows() == [
        (WEDNESDAY, 155.5, at(THURSDAY, 7)),
        (THURSDAY, 155.6, at(FRIDAY, 7)),
    ]
    assert [(c.session, c.raw_rows, c.rejected, c.duplicates) for c in typed.counts] == [
        (WEDNESDAY, 1, 0, 0),
        (THURSDAY, 2, 0, 1),
        (FRIDAY, 1, 1, 0),
    ]
    revised = rates((WEDNESDAY, 155.5), (THURSDAY, 150.0), (FRIDAY, 155.7))
    land_file(store, "ext_usdjpy", covers, revised, media="parquet", fetched_at=LATER + timedelta(days=1))
    known = LATER + timedelta(days=1, seconds=1)
    again = typed_external(store, USDJPY)
    assert again.frame["available_at"].to_list() == [at(THURSDAY, 7), known, known]
    assert again.superseded["change"].to_list() == ["changed", "added"]
    assert retype(store, "ext_usdjpy", **WHO).rows == 3


def test_an_unknown_source_and_a_contradicting_file_are_refused(store):
    with pytest.raises(SchemaError, match="source 'ext_gold'"):
        typed_whole(store, "ext_gold")
    land_file(store, "ext_usdjpy", (WEDNESDAY, WEDNESDAY), rates((WEDNESDAY, 1.0), (WEDNESDAY, 2.0)), media="parquet")
    with pytest.raises(DataError, match="two different rows"):
        typed_external(store, USDJPY)
