"""Checks of single sources as small tables: what passes, what is found, and that silence is no consent."""

from __future__ import annotations

from datetime import date, datetime, time

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.investor_types import GROUPS
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from gogoku_pipeline.tables.due import newest_due, sessions_behind
from gogoku_pipeline.tables.quality import check_listing_covered
from gogoku_pipeline.tables.rejects import Conservation
from gogoku_pipeline.tables.source_quality import (
    check_breakdown,
    check_corrections,
    check_field_sets,
    check_fresh,
    check_investor_types,
    check_numbers_unique,
    expected_codes,
    field_sets,
)

TUESDAY, WEDNESDAY, THURSDAY = date(2024, 5, 7), date(2024, 5, 8), date(2024, 5, 9)


def breakdown(**changed):
    sides = {"long_sell": 5.0, "short_sell": 1.0, "margin_sell_new": 2.0, "margin_sell_close": 2.0}
    sides |= {"long_buy": 6.0, "margin_buy_new": 3.0, "margin_buy_close": 1.0}
    row = {f"{side}_{unit}": value for side, value in sides.items() for unit in ("jpy", "shares")}
    return pl.DataFrame([{"session": WEDNESDAY, "code": "72030"} | row | changed])


def test_sales_and_purchases_of_a_breakdown_are_one_sum():
    assert check_breakdown(breakdown()).passed
    found = check_breakdown(breakdown(long_buy_shares=7.0))
    assert (found.passed, found.severity, found.sample["gap_shares"].to_list()) == (False, "warn", [-1.0])


def flows(**changed):
    row = {"session": THURSDAY, "section": "TSEPrime", "published_date": THURSDAY}
    for _, name, _ in GROUPS:
        size = {"total": 12.0, "brokerage": 10.0, "proprietary": 2.0}.get(name, 1.0)
        row |= {f"{name}_sell_kjpy": size, f"{name}_buy_kjpy": size, f"{name}_balance_kjpy": 0.0}
        row[f"{name}_total_kjpy"] = 2 * size
    return pl.DataFrame([row | changed])


@pytest.mark.parametrize(
    ("changed", "sums"),
    [
        ({}, []),
        ({"foreigners_balance_kjpy": 1.0}, ["foreigners: balance"]),
        ({"foreigners_total_kjpy": 1.0}, ["foreigners: total"]),
        (
            {"proprietary_sell_kjpy": 3.0, "proprietary_total_kjpy": 5.0, "proprietary_balance_kjpy": -1.0},
            ["members: sell"],
        ),
        ({"banks_buy_kjpy": 2.0, "banks_total_kjpy": 3.0, "banks_balance_kjpy": 1.0}, ["customers: buy"]),
    ],
)
def test_totals_of_investor_types_are_sums_of_their_groups(changed, sums):
    assert check_investor_types(flows(**changed)).sample.get_column("sum", default=pl.Series([])).to_list() == sums


def listed(*codes_and_classes):
    rows = [{"session": WEDNESDAY, "code": code, "margin_class": kind} for code, kind in codes_and_classes]
    return pl.DataFrame(rows)


def test_each_cross_section_is_measured_against_the_issues_it_should_speak_of():
    market = listed(("10000", "1"), ("10010", "2"), ("10020", "3"))
    bars = pl.DataFrame(
        {"session": [WEDNESDAY] * 3, "code": ["10000", "10010", "10020"], "volume_shares": [5, 0, None]}
    )
    assert expected_codes("valuation", market)["code"].to_list() == ["10000", "10010", "10020"]
    assert expected_codes("margin_interest", market)["code"].to_list() == ["10000", "10010"]
    assert expected_codes("breakdown", market, bars)["code"].to_list() == ["10000"]
    held = pl.DataFrame({"session": [WEDNESDAY] * 2, "code": ["10000", "10010"]})
    assert check_listing_covered(held, expected_codes("margin_interest", market)).passed
    assert not check_listing_covered(held, expected_codes("valuation", market)).passed


def at(day, hour, minute=0):
    return datetime.combine(day, time(hour, minute), tzinfo=JST)


@pytest.mark.parametrize(
    ("source", "now", "due"),
    [
        ("daily_bars", at(WEDNESDAY, 16, 29), TUESDAY),
        ("daily_bars", at(WEDNESDAY, 16, 30), WEDNESDAY),
        ("daily_bars", at(date(2024, 5, 12), 12), date(2024, 5, 10)),
        ("statements", at(WEDNESDAY, 19), TUESDAY),
        ("statements", at(THURSDAY, 0, 30), WEDNESDAY),
        ("index_options", at(WEDNESDAY, 19), TUESDAY),
        ("margin_interest", at(date(2024, 5, 13), 19), date(2024, 5, 8)),
        ("margin_interest", at(date(2024, 5, 14), 17), date(2024, 5, 14)),
        ("calendar", at(WEDNESDAY, 19), None),
    ],
)
def test_the_publication_clock_says_which_session_must_be_there(source, now, due):
    assert newest_due(RULES[source], now) == due


def test_a_table_behind_the_clock_is_told_with_its_lag():
    bars = TABLE_OF["daily_bars"]
    assert check_fresh(bars, WEDNESDAY, at(WEDNESDAY, 19)).passed
    assert sessions_behind(bars.rule, TUESDAY, at(THURSDAY, 19)) == 2
    late = check_fresh(bars, TUESDAY, at(THURSDAY, 19))
    assert (late.passed, late.severity, late.counts["sessions_behind"]) == (False, "warn", 2)
    assert check_fresh(bars, TUESDAY, at(THURSDAY, 19), tolerated=2).passed
    assert not check_fresh(bars, None, at(THURSDAY, 19)).passed
    assert sessions_behind(TABLE_OF["margin_interest"].rule, date(2024, 5, 14), at(date(2024, 5, 20), 19)) == 0


def test_corrections_of_the_newest_typing_are_told_by_session():
    counts = [Conservation("daily_bars", day, 5, 5, 0, 0, superseded=n) for day, n in ((TUESDAY, 0), (WEDNESDAY, 3))]
    found = check_corrections(counts)
    assert (found.passed, found.severity, set(found.failures)) == (False, "warn", {WEDNESDAY})
    assert found.counts["superseded"] == 3
    assert check_corrections(counts[:1]).passed


def answers(*fingerprints, media="json"):
    return pl.DataFrame(
        {
            "event_date": [date(2024, 5, 7 + n) for n in range(len(fingerprints))],
            "covers_from": pl.Series([None] * len(fingerprints), dtype=pl.Date),
            "fetched_at": [at(date(2024, 5, 7 + n), 19) for n in range(len(fingerprints))],
            "status": 200,
            "row_count": [0 if name == "" else 5 for name in fingerprints],
            "media": media,
            "schema_fingerprint": list(fingerprints),
        }
    )


def test_a_new_set_of_fields_is_a_warning_and_answers_without_rows_show_none():
    assert check_field_sets(answers("a", "", "a")).passed
    changed = answers("a", "a", "b")
    assert not check_field_sets(changed).passed
    assert field_sets(changed).select("schema_fingerprint", "first_day", "last_day", "answers").rows() == [
        ("a", TUESDAY, WEDNESDAY, 2),
        ("b", THURSDAY, THURSDAY, 1),
    ]
    assert "nothing to look at" in check_field_sets(answers("", "")).words
    assert not check_field_sets(answers("a", media="csv.gz")).passed


def test_a_document_number_stands_for_one_document_in_all_sessions():
    source, table = SOURCES["statements"], TABLE_OF["statements"]
    rows = pl.DataFrame({"session": [WEDNESDAY] * 2, "disclosure_number": ["1", "2"]})
    before = pl.DataFrame({"session": [TUESDAY], "disclosure_number": ["0"]})
    assert check_numbers_unique(source, table, rows, pl.concat([before, rows])).passed
    again = pl.DataFrame({"session": [TUESDAY], "disclosure_number": ["2"]})
    found = check_numbers_unique(source, table, rows, pl.concat([again, rows]))
    assert (found.passed, set(found.failures)) == (False, {TUESDAY, WEDNESDAY})
