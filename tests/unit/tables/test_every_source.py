"""Every source of the register, typed from pages and from files by the same road."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from gogoku_pipeline.core.errors import SchemaError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.schema.columns import PLANS
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from gogoku_pipeline.store import CommitInfo, open_store
from gogoku_pipeline.tables.quality import check_schema, check_unit_ranges
from gogoku_pipeline.tables.typed import typed_sessions, typed_whole
from gogoku_pipeline.tables.versions import publication_rule
from tests.unit.tables.raw_answers import (
    LATER,
    THURSDAY,
    WEDNESDAY,
    as_csv,
    as_parquet,
    land_answer,
    land_file,
    source_row,
)

BY_DAY = [name for name, source in SOURCES.items() if source.axis == "day"]
COMMIT = CommitInfo(run_id="test", code_version="0")


@pytest.fixture
def store(tmp_path):
    return open_store(f"file://{tmp_path}/store")


def session_with_days(name: str) -> tuple[date, list[date]]:
    """A session whose partition has event days: Wednesday, for weekly balances a Tuesday."""
    rule = publication_rule(TABLE_OF[name])
    sessions = tse_calendar().between(WEDNESDAY, WEDNESDAY + timedelta(days=10))
    return next((session, rule.days_of(session)) for session in sessions if rule.days_of(session))


@pytest.mark.parametrize("name", BY_DAY)
def test_a_row_says_the_same_from_a_page_a_csv_file_and_a_parquet_file(name, tmp_path):
    session, days = session_with_days(name)
    rows = [source_row(name, days[-1], n) for n in range(3)]
    frames = []
    for form in ("json", "csv", "parquet"):
        store = open_store(f"file://{tmp_path}/{form}")
        for day in days:
            land_answer(store, name, day, rows if day == days[-1] and form == "json" else [])
        if form == "csv":
            land_file(store, name, (days[-1], days[-1]), as_csv(name, rows), fetched_at=LATER + timedelta(days=1))
        if form == "parquet" and not any(field.kind == "object" for field in SOURCES[name].fields):
            after = LATER + timedelta(days=1)
            land_file(store, name, (days[-1], days[-1]), as_parquet(rows), fetched_at=after, media="parquet")
        typed = typed_sessions(store, name, [session])
        assert typed.rejects.rows() == []
        frames.append(typed.frame.drop("available_at"))
    assert frames[0].height == 3
    assert frames[1].equals(frames[0])
    assert frames[2].is_empty() or frames[2].equals(frames[0])


@pytest.mark.parametrize("name", list(SOURCES))
def test_every_source_types_into_its_declared_table_and_can_be_stored(store, name):
    source, table = SOURCES[name], TABLE_OF[name]
    if source.axis == "day":
        session, days = session_with_days(name)
        for day in days:
            land_answer(store, name, day, [source_row(name, day, 1), source_row(name, day, 2 + day.day)])
        typed = typed_sessions(store, name, [session])
        store.tables.write_sessions(table, typed.frame, [session], commit=COMMIT)
        assert set(typed.frame["session"]) == {session}
    else:
        rows = [source_row(name, WEDNESDAY, n) for n in range(1 if "Code" not in str(source.key) else 3)]
        land_answer(store, name, None, rows)
        typed = typed_whole(store, name)
        store.tables.write_whole(table, typed.frame, commit=COMMIT)
    assert typed.frame.height > 0
    assert typed.frame.schema == table.polars_schema
    assert [count.rejected for count in typed.counts] == [0] * len(typed.counts)
    assert check_schema(table, typed.frame).passed
    if any(column.unit for column in table.columns):
        assert check_unit_ranges(table, typed.frame).words.endswith("all well")
    assert store.tables.scan(table).collect().equals(typed.frame)


@pytest.mark.parametrize("name", BY_DAY)
def test_what_the_plan_lacks_or_the_publisher_added_later_may_be_absent_from_every_row(store, name):
    source = SOURCES[name]
    session, days = session_with_days(name)
    lowest = PLANS.index(source.lowest_plan)
    spare = [field.name for field in source.fields if field.optional or PLANS.index(field.plan) > lowest]
    row = {key: value for key, value in source_row(name, days[-1]).items() if key not in spare}
    for day in days:
        land_answer(store, name, day, [row] if day == days[-1] else [])
    typed = typed_sessions(store, name, [session])
    assert typed.frame.height == 1
    columns = [column.name for column in TABLE_OF[name].columns if column.source in spare]
    assert [typed.frame[column].to_list() for column in columns] == [[None]] * len(columns)


@pytest.mark.parametrize("name", list(SOURCES))
def test_a_field_missing_from_every_row_stops_the_session_by_name(store, name):
    source = SOURCES[name]
    gone = next(
        field.name
        for field in reversed(source.fields)
        if not field.optional and field.plan == "free" and field.name != source.event
    )
    session, days = session_with_days(name) if source.axis == "day" else (WEDNESDAY, [None])
    row = source_row(name, days[-1] or WEDNESDAY)
    renamed = f"{gone}{gone}" if len(gone) < 3 else f"{gone}New"
    row[renamed] = row.pop(gone)
    for day in days:
        land_answer(store, name, day, [row] if day == days[-1] else [])
    with pytest.raises(SchemaError, match=f"without {gone}, similar: {renamed}") as caught:
        typed_sessions(store, name, [session]) if source.axis == "day" else typed_whole(store, name)
    assert str(days[-1] or "2024-06-01") in str(caught.value)


def test_reasons_inside_an_object_become_claims_and_an_absent_one_is_unknown(store):
    land_answer(store, "margin_alerts", WEDNESDAY, [source_row("margin_alerts", WEDNESDAY)])
    typed = typed_sessions(store, "margin_alerts", [WEDNESDAY])
    assert typed.frame.select("is_restricted", "is_daily_publication", "is_monitored").row(0) == (False, True, None)
    wrong = source_row("margin_alerts", THURSDAY, PubReason={"Restricted": "maybe"})
    land_answer(store, "margin_alerts", THURSDAY, [wrong])
    (reject,) = typed_sessions(store, "margin_alerts", [THURSDAY]).rejects.iter_rows(named=True)
    assert reject["field"] == "PubReason.Restricted"
    assert "'maybe'" in reject["reason"]


def test_a_value_outside_the_documents_is_kept_and_told(store):
    land_answer(store, "margin_alerts", WEDNESDAY, [source_row("margin_alerts", WEDNESDAY, TSEMrgnRegCls="777")])
    typed = typed_sessions(store, "margin_alerts", [WEDNESDAY])
    assert typed.frame["regulation_class"].to_list() == ["777"]
    assert "margin_alerts: TSEMrgnRegCls has undocumented values: 777" in typed.warnings


def test_a_saturday_disclosure_lies_in_mondays_partition(store):
    saturday, monday = date(2024, 5, 11), date(2024, 5, 13)
    for day in (saturday, date(2024, 5, 12), monday):
        land_answer(store, "statements", day, [source_row("statements", day, day.day)])
    typed = typed_sessions(store, "statements", [monday])
    assert typed.frame.select("session", "disclosed_date").unique().sort("disclosed_date").rows() == [
        (monday, saturday),
        (monday, date(2024, 5, 12)),
        (monday, monday),
    ]
    (count,) = typed.counts
    assert (count.session, count.raw_rows, count.table_rows) == (monday, 3, 3)


def test_a_capture_of_the_present_counts_from_its_fetch(store):
    land_answer(
        store, "earnings_calendar", None, [source_row("earnings_calendar", THURSDAY, Date="")], fetched_at=LATER
    )
    typed = typed_whole(store, "earnings_calendar")
    friday = date(2024, 5, 31)
    assert typed.frame.select("session", "announcement_date", "available_at").row(0) == (
        friday,
        None,
        LATER + timedelta(seconds=1),
    )
    assert typed.frame.filter(pl.col("code") == "10000").height == 1
