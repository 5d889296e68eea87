"""Typing raw landings: what becomes a row, what becomes a reject, and since when a row is known."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import DataError, PartitionMissingError, PayloadError, SchemaError
from gogoku_pipeline.schema import calendar, daily_bars, listed_issues, topix
from gogoku_pipeline.store import CommitInfo, RawPage
from gogoku_pipeline.tables.rejects import REJECTS, Conservation, unseen_rejects
from gogoku_pipeline.tables.typed import typed_sessions, typed_whole

TUESDAY, WEDNESDAY, THURSDAY = date(2024, 5, 7), date(2024, 5, 8), date(2024, 5, 9)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=JST)


def count(typed) -> tuple[int, ...]:
    (only,) = typed.counts
    return only.raw_rows, only.table_rows, only.rejected, only.duplicates


def test_a_bar_keeps_its_values_and_is_known_from_half_past_four(store, land, bar):
    land("daily_bars", WEDNESDAY, [bar(O=3480.0, UL="1", Vo=7, MktCap=None, ExRT="1", AdjFactor=0.5)])
    typed = typed_sessions(store, "daily_bars", [WEDNESDAY])
    assert typed.frame.schema == daily_bars.TABLE.polars_schema
    halves = [None] * sum(column.name.startswith(("morning_", "afternoon_")) for column in daily_bars.TABLE.columns)
    assert typed.frame.row(0) == (
        *(WEDNESDAY, "72030", 3480.0, 3500.0, 3500.0, 3500.0, True, False, 7.0, 350000.0, 0.5, 3500.0, None, "1"),
        *halves,
        at(WEDNESDAY, 16, 30),
    )
    assert count(typed) == (1, 1, 0, 0)
    assert typed.rejects.equals(REJECTS.empty())
    assert typed.warnings == ()


def test_pages_of_one_fetch_are_one_session_sorted_by_code(store, land, bar):
    land("daily_bars", WEDNESDAY, [bar(code="90000"), bar(code="20000")], [bar(code="13010")])
    assert typed_sessions(store, "daily_bars", [WEDNESDAY]).frame["code"].to_list() == ["13010", "20000", "90000"]


def test_a_day_without_trade_is_a_row_of_nulls(store, land, bar):
    nulls = dict.fromkeys(("O", "H", "L", "C", "Vo", "Va", "AdjO", "AdjH", "AdjL", "AdjC", "AdjVo", "MktCap"))
    land("daily_bars", WEDNESDAY, [bar(**nulls)])
    frame = typed_sessions(store, "daily_bars", [WEDNESDAY]).frame
    assert frame.select("close_jpy", "volume_shares", "adjustment_factor").row(0) == (None, None, 1.0)


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"O": "3500.0"}, "O", "str '3500.0' where a JSON number belongs"),
        ({"C": True}, "C", "bool 'True' where a JSON number belongs"),
        ({"Vo": ""}, "Vo", "str '' where a JSON number belongs"),
        ({"H": -1.0}, "H", "below 0"),
        ({"H": float("inf")}, "H", "not a finite number"),
        ({"H": float("nan")}, "H", "not a finite number"),
        ({"AdjFactor": 0.0}, "AdjFactor", "a factor that is not positive"),
        ({"AdjFactor": None}, "AdjFactor", "null where a JSON number belongs"),
        ({"UL": 1}, "UL", 'int \'1\' where "0" or "1" belongs'),
        ({"UL": "2"}, "UL", '\'2\' where "0" or "1" belongs'),
        ({"LL": None}, "LL", "null where"),
        ({"ExRT": "4"}, "ExRT", "none of 1, 2, 3"),
        ({"AdjC": "x"}, "AdjC", "where a JSON number belongs"),
        ({"Code": "7203"}, "Code", "'7203' is no issue code"),
        ({"Code": 72030}, "Code", "int '72030' where text belongs"),
        ({"Date": "2024-05-07"}, "Date", "in the answer for 2024-05-08"),
        ({"Date": "20240508"}, "Date", "'20240508' is no date"),
        ({"Date": "2024-02-31"}, "Date", "is no date"),
        ({"Date": None}, "Date", "null where a date belongs"),
    ],
)
def test_a_value_of_another_kind_sends_its_row_to_the_rejects(store, land, bar, changed, field, words):
    wrong = bar() | changed
    land("daily_bars", WEDNESDAY, [bar(code="13010"), wrong])
    typed = typed_sessions(store, "daily_bars", [WEDNESDAY])
    assert typed.frame["code"].to_list() == ["13010"]
    assert count(typed) == (2, 1, 1, 0)
    (reject,) = typed.rejects.iter_rows(named=True)
    assert (reject["session"], reject["source"], reject["field"], reject["row_number"]) == (
        WEDNESDAY,
        "daily_bars",
        field,
        1,
    )
    assert words in reject["reason"]
    assert repr(json.loads(reject["row_json"])) == repr(dict(sorted(wrong.items())))


def test_a_row_without_a_key_and_with_two_wrong_fields_names_both(store, land, bar):
    broken = bar(O="x")
    del broken["C"]
    land("daily_bars", WEDNESDAY, [bar(code="13010"), broken])
    (reject,) = typed_sessions(store, "daily_bars", [WEDNESDAY]).rejects.iter_rows(named=True)
    assert reject["field"] == "O,C"
    assert "C: the key is absent" in reject["reason"]


def test_a_renamed_field_stops_everything_and_names_the_likely_new_one(store, land, bar):
    renamed = bar()
    renamed["AdjustmentFactor"] = renamed.pop("AdjFactor")
    land("daily_bars", WEDNESDAY, [renamed])
    with pytest.raises(SchemaError, match="without AdjFactor, similar: AdjustmentFactor"):
        typed_sessions(store, "daily_bars", [WEDNESDAY])


def test_a_new_field_is_a_warning_and_stays_in_the_landing(store, land, bar):
    land("daily_bars", WEDNESDAY, [bar(MO=3490.0, VWAP=3499.5, Shoe=1)])
    typed = typed_sessions(store, "daily_bars", [WEDNESDAY])
    assert typed.warnings == ("daily_bars: 2 undeclared fields stay in the raw landing: VWAP, Shoe",)
    assert typed.frame.height == 1


def test_identical_repetitions_are_counted_and_contradictions_refused(store, land, bar):
    land("daily_bars", WEDNESDAY, [bar(), bar(code="13010")], [bar()])
    assert count(typed_sessions(store, "daily_bars", [WEDNESDAY])) == (3, 2, 0, 1)
    land("daily_bars", THURSDAY, [bar(THURSDAY), bar(THURSDAY, C=1.0)])
    with pytest.raises(DataError, match="two different rows"):
        typed_sessions(store, "daily_bars", [THURSDAY])


def test_the_newest_complete_landing_wins_and_the_change_is_known_from_its_fetch(store, land, bar):
    later = at(THURSDAY, 8)
    land("daily_bars", WEDNESDAY, [bar(code="13010"), bar(code="72030"), bar(code="90000")])
    land("daily_bars", WEDNESDAY, [bar(code="13010"), bar(code="72030", C=1.0)], [bar(code="99990")], fetched_at=later)
    land("daily_bars", WEDNESDAY, [bar(code="13010", C=9.0)], [], fetched_at=at(THURSDAY, 9), last=False)
    frame = typed_sessions(store, "daily_bars", [WEDNESDAY]).frame
    known = later + timedelta(seconds=2)
    assert frame.select("code", "close_jpy", "available_at").rows() == [
        ("13010", 3500.0, at(WEDNESDAY, 16, 30)),
        ("72030", 1.0, known),
        ("99990", 3500.0, known),
    ]


def test_a_repoll_that_changes_nothing_or_only_the_served_adjustment_is_no_revision(store, land, bar):
    land("daily_bars", WEDNESDAY, [bar()])
    land("daily_bars", WEDNESDAY, [bar()], fetched_at=at(THURSDAY, 8))
    land("daily_bars", WEDNESDAY, [bar(AdjC=1750.0)], fetched_at=at(THURSDAY, 9))
    frame = typed_sessions(store, "daily_bars", [WEDNESDAY]).frame
    assert frame.select("served_adjusted_close_jpy", "available_at").row(0) == (1750.0, at(WEDNESDAY, 16, 30))


def test_a_row_changed_and_changed_back_is_known_from_the_last_change(store, land, bar):
    for hour, close in ((7, 1.0), (8, 2.0), (9, 1.0), (10, 1.0)):
        land(
            "daily_bars", WEDNESDAY, [bar(C=close, Vo=float(hour) if hour > 9 else 9.0)], fetched_at=at(THURSDAY, hour)
        )
    frame = typed_sessions(store, "daily_bars", [WEDNESDAY], known_at=at(THURSDAY, 9, 30)).frame
    assert frame["available_at"].to_list() == [at(THURSDAY, 9) + timedelta(seconds=1)]


def test_known_at_rebuilds_the_table_as_it_was_known_then(store, land, bar):
    land("daily_bars", WEDNESDAY, [bar(C=1.0)])
    land("daily_bars", WEDNESDAY, [bar(C=2.0)], fetched_at=at(THURSDAY, 8))
    then = typed_sessions(store, "daily_bars", [WEDNESDAY], known_at=at(THURSDAY, 7)).frame
    assert then.select("close_jpy", "available_at").row(0) == (1.0, at(WEDNESDAY, 16, 30))
    with pytest.raises(PartitionMissingError):
        typed_sessions(store, "daily_bars", [WEDNESDAY], known_at=at(WEDNESDAY, 18))


def test_typing_is_a_pure_function_of_the_landings(store, land, bar):
    land("daily_bars", WEDNESDAY, [bar(), bar(code="13010", O="x")])
    assert typed_sessions(store, "daily_bars", [WEDNESDAY]).frame.equals(
        typed_sessions(store, "daily_bars", [WEDNESDAY]).frame
    )


def test_sessions_without_a_complete_landing_are_named(store, land, bar):
    land("daily_bars", TUESDAY, [bar(TUESDAY)])
    land("daily_bars", WEDNESDAY, [bar()], last=False)
    land("daily_bars", THURSDAY, [bar(THURSDAY)], params={"date": "2024-05-09", "code": "7203"})
    with pytest.raises(PartitionMissingError, match="2 sessions: 2024-05-08, 2024-05-09"):
        typed_sessions(store, "daily_bars", [TUESDAY, WEDNESDAY, THURSDAY])
    assert typed_sessions(store, "daily_bars", []).frame.equals(daily_bars.TABLE.empty())


def test_equal_answers_of_two_sessions_do_not_hide_each_other(store, land):
    land("daily_bars", TUESDAY, [])
    land("daily_bars", WEDNESDAY, [])
    typed = typed_sessions(store, "daily_bars", [TUESDAY, WEDNESDAY])
    assert typed.frame.equals(daily_bars.TABLE.empty())
    assert [c.session for c in typed.counts] == [TUESDAY, WEDNESDAY]


def test_the_preview_of_the_listing_is_not_used(store, land, listed):
    land("listed_issues", WEDNESDAY, [listed(CoName="preview")], fetched_at=at(TUESDAY, 18))
    with pytest.raises(PartitionMissingError):
        typed_sessions(store, "listed_issues", [WEDNESDAY])
    land("listed_issues", WEDNESDAY, [listed(CoName="final", ProdCat="")], fetched_at=at(WEDNESDAY, 9))
    frame = typed_sessions(store, "listed_issues", [WEDNESDAY]).frame
    assert frame.schema == listed_issues.SNAPSHOT.polars_schema
    assert frame.select("name", "product_category", "available_at").row(0) == ("final", None, at(WEDNESDAY, 8))


def points(day: date, *values: float) -> dict[str, object]:
    o, h, low, c = values if len(values) == 4 else values * 4
    return {"Date": day.isoformat(), "O": o, "H": h, "L": low, "C": c}


def test_topix_repeating_its_previous_close_is_a_halt(store, land):
    days = [date(2020, 9, 30), date(2020, 10, 1), date(2020, 10, 2)]
    land("topix", None, [points(days[0], 1600, 1640, 1590, 1625.5), points(days[1], 1625.5), points(days[2], 1609)])
    typed = typed_sessions(store, "topix", days)
    assert typed.frame["is_market_halt"].to_list() == [False, True, False]
    assert typed.frame.schema == topix.TABLE.polars_schema
    assert typed_sessions(store, "topix", days[1:2]).frame["is_market_halt"].to_list() == [True]


def test_topix_alone_on_the_outage_is_a_halt_by_the_calendar(store, land):
    land("topix", None, [points(date(2020, 10, 1), 1625.5), points(date(2020, 10, 2), 1609)])
    assert typed_sessions(store, "topix", [date(2020, 10, 1)]).frame["is_market_halt"].to_list() == [True]


def test_a_later_range_call_adds_dates_and_revises_rows(store, land):
    land("topix", None, [points(TUESDAY, 10), points(WEDNESDAY, 11)], fetched_at=at(WEDNESDAY, 17))
    land(
        "topix", None, [points(WEDNESDAY, 12), points(THURSDAY, 13)], fetched_at=at(THURSDAY, 17), params={"from": "x"}
    )
    frame = typed_sessions(store, "topix", [TUESDAY, WEDNESDAY, THURSDAY]).frame
    assert frame.select("close_points", "available_at").rows() == [
        (10.0, at(TUESDAY, 16, 30)),
        (12.0, at(THURSDAY, 17) + timedelta(seconds=1)),
        (13.0, at(THURSDAY, 16, 30)),
    ]
    with pytest.raises(PartitionMissingError, match="2024-05-10"):
        typed_sessions(store, "topix", [date(2024, 5, 10)])


def refuse(store, fetched_at):
    store.raw.land(
        RawPage(
            source="topix",
            params={"from": "2008-05-07"},
            event_date=None,
            payload=b'{"message": "This API is not available on your subscription."}',
            row_count=0,
            page_number=1,
            pagination_key_next=None,
            url="https://example.invalid/topix",
            status=403,
            fetched_at=fetched_at,
            field_names=(),
            fetch_id=f"walk-{fetched_at:%Y%m%d%H}",
            run_id="test",
        )
    )


def test_topix_outside_the_plan_is_empty_with_a_warning(store):
    refuse(store, at(WEDNESDAY, 17))
    typed = typed_sessions(store, "topix", [TUESDAY, WEDNESDAY])
    assert typed.frame.equals(topix.TABLE.empty()) and typed.frame.schema == topix.TABLE.polars_schema
    assert typed.warnings == ("topix: not in the plan, switched off",)
    assert typed.counts == tuple(Conservation("topix", day, 0, 0, 0, 0) for day in (TUESDAY, WEDNESDAY))
    with pytest.raises(PartitionMissingError):
        typed_sessions(store, "topix", [TUESDAY], known_at=at(WEDNESDAY, 16))


def test_topix_that_never_landed_or_was_landed_empty_is_missing_and_not_switched_off(store, land):
    with pytest.raises(PartitionMissingError):
        typed_sessions(store, "topix", [TUESDAY])
    refuse(store, at(TUESDAY, 17))
    land("topix", None, [], fetched_at=at(WEDNESDAY, 17))
    with pytest.raises(PartitionMissingError):
        typed_sessions(store, "topix", [TUESDAY])


def test_a_plan_downgraded_later_keeps_its_topix_and_misses_the_rest(store, land):
    land("topix", None, [points(TUESDAY, 10)], fetched_at=at(TUESDAY, 17))
    refuse(store, at(WEDNESDAY, 17))
    typed = typed_sessions(store, "topix", [TUESDAY])
    assert (typed.frame["close_points"].to_list(), typed.warnings) == ([10.0], ())
    with pytest.raises(PartitionMissingError, match="2024-05-08"):
        typed_sessions(store, "topix", [WEDNESDAY])


def test_topix_of_an_unfinished_session_is_not_used(store, land):
    land("topix", None, [points(TUESDAY, 10), points(WEDNESDAY, 11)], fetched_at=at(WEDNESDAY, 12))
    with pytest.raises(PartitionMissingError, match="2024-05-08"):
        typed_sessions(store, "topix", [TUESDAY, WEDNESDAY])


def test_an_unreadable_date_in_a_range_call_is_rejected_under_the_first_day_of_the_answer(store, land):
    land("topix", None, [points(TUESDAY, 10), points(TUESDAY, 11) | {"Date": "n/a"}], fetched_at=at(THURSDAY, 17))
    typed = typed_sessions(store, "topix", [TUESDAY])
    assert typed.rejects.select("session", "field").rows() == [(TUESDAY, "Date")]
    assert count(typed) == (2, 1, 1, 0)


def test_the_calendar_knows_its_sessions_a_year_ahead(store, land):
    divisions = {"2024-05-06": "0", "2024-05-07": "1", "2008-01-04": "2", "2024-09-23": "3", "2024-05-08": "9"}
    land("calendar", None, [{"Date": day, "HolDiv": division} for day, division in divisions.items()])
    typed = typed_whole(store, "calendar")
    assert typed.frame.schema == calendar.TABLE.polars_schema
    assert typed.frame.select("date", "is_session").rows() == [
        (date(2008, 1, 4), True),
        (date(2024, 5, 6), False),
        (date(2024, 5, 7), True),
        (date(2024, 9, 23), False),
    ]
    assert typed.frame["available_at"].to_list()[1] == at(date(2023, 3, 31), 0)
    assert typed.rejects["field"].to_list() == ["HolDiv"]


def test_a_page_of_another_shape_is_refused(store, land, bar):
    land("daily_bars", WEDNESDAY, [bar(), 5])
    with pytest.raises(PayloadError, match="landed page"):
        typed_sessions(store, "daily_bars", [WEDNESDAY])


def test_lost_rows_are_an_error_by_construction():
    with pytest.raises(DataError, match="3 raw rows"):
        Conservation("daily_bars", WEDNESDAY, raw_rows=3, table_rows=1, rejected=1, duplicates=0)


def test_typed_frames_and_rejects_can_be_stored_and_rejects_only_once(store, land, bar):
    land("daily_bars", WEDNESDAY, [bar(), bar(code="13010", O="x")])
    commit = CommitInfo(run_id="test", code_version="0")
    typed = typed_sessions(store, "daily_bars", [WEDNESDAY])
    store.tables.write_sessions(daily_bars.TABLE, typed.frame, [WEDNESDAY], commit=commit)
    for _ in range(2):
        kept = store.tables.scan(REJECTS).collect()
        store.tables.append(REJECTS, unseen_rejects(typed.rejects, kept), commit=commit)
    assert store.tables.scan(REJECTS).collect().equals(typed.rejects)
    assert store.tables.scan(daily_bars.TABLE).collect().equals(typed.frame)
    assert typed.rejects.select(pl.col("available_at").dt.date()).item() == WEDNESDAY


def test_a_source_of_the_present_that_had_nothing_to_say_is_an_empty_table_with_a_warning(store):
    typed = typed_whole(store, "morning_bars")
    assert typed.frame.is_empty()
    assert typed.warnings == ("morning_bars: had nothing published whenever it was asked",)
    with pytest.raises(PartitionMissingError, match="no complete landing"):
        typed_whole(store, "investor_types")
