"""Files and pages of the same days: one account of every row, one version in force, and what it superseded."""

from __future__ import annotations

import gzip
from datetime import date, timedelta

import polars as pl
import pytest

from gogoku_pipeline.core.errors import DataError, PartitionMissingError, PayloadError, SchemaError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.store import open_store
from gogoku_pipeline.tables.typed import typed_sessions, typed_whole
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

MAY = (date(2024, 5, 1), date(2024, 5, 31))
NEXT_DAY = LATER + timedelta(days=1)


@pytest.fixture
def store(tmp_path):
    return open_store(f"file://{tmp_path}/store")


def bar(day, n=0, **changed):
    return source_row("daily_bars", day, n, **changed)


def month_of_bars(**changed_last):
    sessions = tse_calendar().between(*MAY)
    rows = [bar(day, n) for day in sessions for n in range(4)]
    rows[-1] |= changed_last
    return sessions, rows


def test_the_sessions_of_a_file_add_up_to_its_rows_bad_ones_included(store):
    sessions, rows = month_of_bars()
    rows += [bar(MAY[0], Date="soon"), bar(date(2024, 6, 3)), bar(WEDNESDAY, 0), bar(WEDNESDAY, 9, O="much")]
    land_file(store, "daily_bars", MAY, as_csv("daily_bars", rows))
    typed = typed_sessions(store, "daily_bars", sessions)
    assert sum(count.raw_rows for count in typed.counts) == len(rows)
    by_session = {count.session: count for count in typed.counts}
    first = by_session[sessions[0]]
    assert (first.raw_rows, first.table_rows, first.rejected, first.duplicates) == (6, 4, 2, 0)
    wednesday = by_session[WEDNESDAY]
    assert (wednesday.raw_rows, wednesday.table_rows, wednesday.rejected, wednesday.duplicates) == (6, 4, 1, 1)
    assert typed.rejects.select("session", "field").rows() == [
        (sessions[0], "Date"),
        (sessions[0], "Date"),
        (WEDNESDAY, "O"),
    ]
    assert "'much' where a number belongs" in typed.rejects["reason"][-1]


def test_one_session_of_a_file_is_typed_as_the_whole_month_would(store):
    sessions, rows = month_of_bars()
    land_file(store, "daily_bars", MAY, as_csv("daily_bars", rows))
    whole = typed_sessions(store, "daily_bars", sessions)
    alone = typed_sessions(store, "daily_bars", [WEDNESDAY])
    assert alone.frame.equals(whole.frame.filter(pl.col("session") == WEDNESDAY))
    assert alone.counts == tuple(count for count in whole.counts if count.session == WEDNESDAY)
    assert alone.frame["available_at"].to_list() == [at(WEDNESDAY, 16, 30)] * 4


def test_a_file_that_says_what_the_pages_said_changes_nothing(store):
    for day in (WEDNESDAY, THURSDAY):
        land_answer(store, "daily_bars", day, [bar(day, n) for n in range(3)], fetched_at=at(day, 19))
    pages = typed_sessions(store, "daily_bars", [WEDNESDAY, THURSDAY])
    rows = [bar(day, n) for day in (WEDNESDAY, THURSDAY) for n in range(3)]
    land_file(store, "daily_bars", MAY, as_csv("daily_bars", rows))
    both = typed_sessions(store, "daily_bars", [WEDNESDAY, THURSDAY])
    assert both.frame.equals(pages.frame)
    assert both.superseded.is_empty()


def test_a_later_file_corrects_removes_and_adds_and_each_is_kept(store):
    land_answer(store, "daily_bars", WEDNESDAY, [bar(WEDNESDAY, n) for n in range(3)], fetched_at=at(WEDNESDAY, 19))
    rows = [bar(WEDNESDAY, 0), bar(WEDNESDAY, 1, C=1.0, Vo=2.0, AdjC=7.0), bar(WEDNESDAY, 5)]
    land_file(store, "daily_bars", MAY, as_csv("daily_bars", rows))
    known = LATER + timedelta(seconds=1)
    typed = typed_sessions(store, "daily_bars", [WEDNESDAY])
    assert typed.frame.select("code", "close_jpy", "available_at").rows() == [
        ("10000", 10.5, at(WEDNESDAY, 16, 30)),
        ("10010", 1.0, known),
        ("10050", 15.5, known),
    ]
    found = typed.superseded.sort("key_json").select("change", "columns", "known_from", "superseded_at").rows()
    assert found == [
        ("changed", "close_jpy,volume_shares", at(WEDNESDAY, 16, 30), known),
        ("removed", "", at(WEDNESDAY, 16, 30), known),
        ("added", "", None, known),
    ]
    assert [count.superseded for count in typed.counts] == [3]


def test_the_oldest_fetch_comes_first_whatever_its_form(store):
    land_file(store, "daily_bars", MAY, as_csv("daily_bars", [bar(WEDNESDAY, C=1.0)]), fetched_at=LATER)
    land_answer(store, "daily_bars", WEDNESDAY, [bar(WEDNESDAY, C=2.0)], fetched_at=NEXT_DAY)
    assert typed_sessions(store, "daily_bars", [WEDNESDAY]).frame["close_jpy"].to_list() == [2.0]
    then = typed_sessions(store, "daily_bars", [WEDNESDAY], known_at=LATER + timedelta(hours=1))
    assert then.frame["close_jpy"].to_list() == [1.0]


def test_a_file_without_rows_of_a_day_takes_nothing_away_where_days_are_never_empty(store):
    land_answer(store, "daily_bars", WEDNESDAY, [bar(WEDNESDAY)], fetched_at=at(WEDNESDAY, 19))
    land_file(store, "daily_bars", MAY, as_csv("daily_bars", [bar(TUESDAY)]))
    assert typed_sessions(store, "daily_bars", [WEDNESDAY]).frame.height == 1
    land_answer(store, "short_positions", WEDNESDAY, [source_row("short_positions", WEDNESDAY)])
    report = source_row("short_positions", TUESDAY)
    land_file(store, "short_positions", MAY, as_csv("short_positions", [report]), fetched_at=NEXT_DAY)
    assert typed_sessions(store, "short_positions", [WEDNESDAY]).frame.is_empty()


def test_a_row_that_an_appended_log_no_longer_shows_is_carried_on(store):
    notices = [source_row("dividends", WEDNESDAY, n) for n in range(2)]
    land_answer(store, "dividends", WEDNESDAY, notices, fetched_at=at(THURSDAY, 7))
    land_answer(store, "dividends", WEDNESDAY, notices[:1], fetched_at=at(FRIDAY, 7))
    typed = typed_sessions(store, "dividends", [WEDNESDAY])
    (count,) = typed.counts
    assert typed.frame["reference_number"].to_list() == ["x0", "x1"]
    assert (count.raw_rows, count.carried, count.table_rows) == (1, 1, 2)
    assert typed.superseded.is_empty()


def test_what_the_early_file_lacks_is_known_by_its_rule_and_what_it_should_have_had_by_its_fetch(store):
    early = [source_row("statements", WEDNESDAY, 1, DiscTime="15:00")]
    land_answer(store, "statements", WEDNESDAY, early, fetched_at=at(WEDNESDAY, 19))
    late = source_row("statements", WEDNESDAY, 2, DiscTime="20:00")
    forgotten = source_row("statements", WEDNESDAY, 3, DiscTime="14:00")
    land_answer(store, "statements", WEDNESDAY, [*early, late, forgotten], fetched_at=at(THURSDAY, 7))
    typed = typed_sessions(store, "statements", [WEDNESDAY])
    fetch = at(THURSDAY, 7) + timedelta(seconds=1)
    assert typed.frame.select("disclosure_number", "available_at").rows() == [
        ("x1", at(WEDNESDAY, 18)),
        ("x2", at(THURSDAY, 0, 30)),
        ("x3", fetch),
    ]
    assert typed.superseded.select("change", "superseded_at").rows() == [("added", fetch)]
    provisional = typed_sessions(store, "statements", [WEDNESDAY], known_at=at(WEDNESDAY, 20))
    assert provisional.frame["disclosure_number"].to_list() == ["x1"]


def test_a_repeat_after_the_final_hour_confirms_what_was_said_before_it(store):
    listing = [source_row("listed_issues", WEDNESDAY)]
    land_answer(store, "listed_issues", WEDNESDAY, listing, fetched_at=at(TUESDAY, 18))
    with pytest.raises(PartitionMissingError):
        typed_sessions(store, "listed_issues", [WEDNESDAY])
    land_answer(store, "listed_issues", WEDNESDAY, listing, fetched_at=at(WEDNESDAY, 9))
    assert typed_sessions(store, "listed_issues", [WEDNESDAY]).frame["available_at"].to_list() == [at(WEDNESDAY, 8)]


def test_a_row_missing_from_a_repeated_answer_is_late(store):
    first = [source_row("statements", WEDNESDAY, 1, DiscTime="15:00")]
    land_answer(store, "statements", WEDNESDAY, first, fetched_at=at(WEDNESDAY, 19))
    land_answer(store, "statements", WEDNESDAY, first, fetched_at=at(THURSDAY, 7))
    late = source_row("statements", WEDNESDAY, 2, DiscTime="20:00")
    land_answer(store, "statements", WEDNESDAY, [*first, late], fetched_at=at(FRIDAY, 7))
    typed = typed_sessions(store, "statements", [WEDNESDAY])
    assert typed.frame["available_at"].to_list() == [at(WEDNESDAY, 18), at(FRIDAY, 7) + timedelta(seconds=1)]


def test_a_contradiction_in_a_file_stops_its_own_session_only(store):
    sessions, rows = month_of_bars()
    land_file(store, "daily_bars", MAY, as_csv("daily_bars", [*rows, bar(WEDNESDAY, 0, C=1.0)]))
    with pytest.raises(DataError, match="two different rows"):
        typed_sessions(store, "daily_bars", [WEDNESDAY])
    others = [session for session in sessions if session != WEDNESDAY]
    assert typed_sessions(store, "daily_bars", others).frame.height == 4 * len(others)
    land_answer(store, "daily_bars", WEDNESDAY, [bar(WEDNESDAY)], fetched_at=NEXT_DAY)
    healed = typed_sessions(store, "daily_bars", sessions)
    assert healed.frame.filter(pl.col("session") == WEDNESDAY).height == 1
    assert any("is left out" in words for words in healed.warnings)


def test_a_parquet_column_of_another_type_is_retyped_and_stops(store):
    land_file(store, "daily_bars", MAY, as_parquet([bar(WEDNESDAY, Code=10000)]), media="parquet")
    with pytest.raises(SchemaError, match="field Code: got a column of type Int64"):
        typed_sessions(store, "daily_bars", [WEDNESDAY])


def test_flows_corrected_by_a_further_row_keep_both(store):
    week = {"StDate": "2024-04-22", "EnDate": "2024-04-26", "Section": "TSEPrime"}
    first = source_row("investor_types", THURSDAY, **week, FrgnSell=100.0)
    again = source_row("investor_types", FRIDAY, **week, FrgnSell=120.0)
    land_answer(store, "investor_types", None, [first], fetched_at=at(THURSDAY, 19))
    land_answer(store, "investor_types", None, [first, again], fetched_at=at(FRIDAY, 19))
    typed = typed_whole(store, "investor_types")
    assert typed.frame.select("session", "foreigners_sell_kjpy", "available_at").rows() == [
        (THURSDAY, 100.0, at(THURSDAY, 18)),
        (FRIDAY, 120.0, at(FRIDAY, 18)),
    ]
    assert typed_sessions(store, "investor_types", [WEDNESDAY, THURSDAY]).frame.height == 1
    with pytest.raises(PartitionMissingError, match="2024-05-13"):
        typed_sessions(store, "investor_types", [date(2024, 5, 13)])


def test_weekly_margin_balances_lie_on_the_session_they_are_published_on(store):
    friday, tuesday = date(2024, 5, 10), date(2024, 5, 14)
    land_answer(store, "margin_interest", friday, [source_row("margin_interest", friday, PubDate=None)])
    typed = typed_sessions(store, "margin_interest", [date(2024, 5, 13), tuesday])
    assert typed.frame.select("session", "application_date", "available_at").rows() == [
        (tuesday, friday, at(tuesday, 16, 30))
    ]
    assert [count.table_rows for count in typed.counts] == [0, 1]
    assert TABLE_OF["margin_interest"].key == ("application_date", "code")


def test_a_file_written_before_the_page_was_fetched_does_not_take_a_correction_back(store):
    land_answer(store, "daily_bars", WEDNESDAY, [bar(WEDNESDAY, C=1.0)], fetched_at=at(WEDNESDAY, 19))
    land_answer(store, "daily_bars", WEDNESDAY, [bar(WEDNESDAY, C=2.0)], fetched_at=LATER)
    stale = as_csv("daily_bars", [bar(WEDNESDAY, C=1.0)])
    land_file(store, "daily_bars", MAY, stale, fetched_at=NEXT_DAY, last_modified=LATER - timedelta(hours=1))
    assert typed_sessions(store, "daily_bars", [WEDNESDAY]).frame["close_jpy"].to_list() == [2.0]
    fresh = as_csv("daily_bars", [bar(WEDNESDAY, C=3.0)])
    land_file(store, "daily_bars", MAY, fresh, fetched_at=NEXT_DAY, last_modified=LATER + timedelta(hours=1))
    typed = typed_sessions(store, "daily_bars", [WEDNESDAY])
    assert typed.frame.select("close_jpy", "available_at").row(0) == (3.0, NEXT_DAY + timedelta(seconds=1))


def packed(*lines):
    return gzip.compress("\r\n".join(lines).encode())


def test_quoted_empty_cells_blank_lines_and_a_byte_order_mark_change_nothing(store):
    row = {"Date": "2024-05-08", "S33": "0050", "SellExShortVa": "1.5", "ShrtWithResVa": "2", "ShrtNoResVa": "3"}
    body = packed("\ufeff" + ",".join(row), "", ",".join(f'"{cell}"' for cell in row.values()), "")
    land_file(store, "short_ratio", MAY, body)
    typed = typed_sessions(store, "short_ratio", [WEDNESDAY])
    assert typed.frame.select("sector33_code", "long_sell_jpy").rows() == [("0050", 1.5)]
    land_file(store, "short_ratio", MAY, packed(",".join(row), '2024-05-08,0050,"",2,3'), fetched_at=NEXT_DAY)
    (reject,) = typed_sessions(store, "short_ratio", [WEDNESDAY]).rejects.iter_rows(named=True)
    assert (reject["field"], reject["reason"]) == ("SellExShortVa", "SellExShortVa: null where a JSON number belongs")


def test_a_short_line_is_quarantined_and_a_long_one_refuses_the_file(store):
    header = "Date,S33,SellExShortVa,ShrtWithResVa,ShrtNoResVa"
    land_file(store, "short_ratio", MAY, packed(header, "2024-05-08,0050,1,2,3", "2024-05-08,1050,1"))
    typed = typed_sessions(store, "short_ratio", [WEDNESDAY])
    assert (typed.frame.height, typed.rejects["field"].to_list()) == (1, ["ShrtWithResVa,ShrtNoResVa"])
    land_file(store, "short_ratio", MAY, packed(header, "2024-05-08,0050,1,2,3,4"), fetched_at=NEXT_DAY)
    with pytest.raises(PayloadError, match="found more fields"):
        typed_sessions(store, "short_ratio", [WEDNESDAY])
