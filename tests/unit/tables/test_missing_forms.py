"""Every way in which the service says "nothing": null where it is documented, a reject elsewhere, never a number.

The forms are the table of missing values of J-Quants V2: null, empty text, dash, star, absent key, empty list, 0.0.
"""

from __future__ import annotations

import json

import pytest

from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from gogoku_pipeline.tables.typed import typed_sessions
from tests.unit.tables.raw_answers import FRIDAY, WEDNESDAY, as_csv, land_answer, land_file, source_row

DOCUMENTED = [
    ("daily_bars", ("O", "H", "L", "C", "Vo", "Va", "MktCap", "ExRT"), None),
    ("indices", ("O", "H", "L"), None),
    ("valuation", ("EPS", "FwdEPS", "BPS", "ROE", "PER", "PBR", "MktCap"), None),
    ("margin_interest", ("PubDate", "ShrtVal", "LongVal"), None),
    ("statements", ("Sales", "OP", "EPS", "DivAnn", "NxFSales", "SigChgInC", "NCEq"), ""),
    ("dividends", ("DivRate", "PayDate", "DistAmt", "CommDivRate"), ""),
    ("dividends", ("DivRate", "PayDate", "DistAmt", "CommDivRate"), "-"),
    ("short_positions", ("PrevRptDate",), ""),
    ("futures", ("MO", "MC", "EO", "EC"), ""),
    ("margin_alerts", ("ShrtOutChg", "LongOutChg", "ShrtNegOutChg"), "-"),
    ("margin_alerts", ("ShrtOutRatio", "LongOutRatio", "SLRatio"), "*"),
    ("options", ("UndSSO",), "-"),
]
CASES = [(source, key, form) for source, keys, form in DOCUMENTED for key in keys]
FOREIGN = ["-", "*", "n/a", "", "0,5", "１２", True, [1.0]]


def columns(source, key):
    """The columns of a table that hold a response key."""
    return [column.name for column in TABLE_OF[source].columns if column.source == key]


def day_of(source):
    """A day on which the source has rows: balances are of the last session of a week."""
    return FRIDAY if source == "margin_interest" else WEDNESDAY


@pytest.mark.parametrize(("source", "key", "form"), CASES, ids=[f"{s} {k} {f!r}" for s, k, f in CASES])
def test_a_documented_form_of_nothing_is_null_in_a_page_and_in_a_file(store, source, key, form):
    day = day_of(source)
    session = TABLE_OF[source].rule.session_of(day)
    rows = [source_row(source, day, 0), source_row(source, day, 1, **{key: form})]
    land_answer(store, source, day, rows)
    pages = typed_sessions(store, source, [session])
    assert (pages.frame.height, pages.rejects.height) == (2, 0)
    (column,) = columns(source, key)
    assert sorted(value is None for value in pages.frame[column]) == [False, True]
    land_file(store, source, (day, day), as_csv(source, rows))
    again = typed_sessions(store, source, [session])
    assert again.frame.equals(pages.frame)
    assert again.superseded.is_empty()


@pytest.mark.parametrize("value", FOREIGN, ids=repr)
def test_a_form_of_nothing_where_none_is_documented_is_quarantined_whole(store, value):
    rows = [source_row("daily_bars", WEDNESDAY, n) for n in range(2)] + [
        source_row("daily_bars", WEDNESDAY, 2, C=value)
    ]
    land_answer(store, "daily_bars", WEDNESDAY, rows)
    typed = typed_sessions(store, "daily_bars", [WEDNESDAY])
    assert (typed.frame.height, typed.rejects.height) == (2, 1)
    assert typed.rejects["field"].to_list() == ["C"]
    assert json.loads(typed.rejects["row_json"][0]) == rows[2]


def test_derivatives_without_trades_are_zero_and_not_null(store):
    quiet = dict.fromkeys(("O", "H", "L", "C", "Vo", "Va"), 0.0)
    land_answer(store, "futures", WEDNESDAY, [source_row("futures", WEDNESDAY, 0, **quiet)])
    frame = typed_sessions(store, "futures", [WEDNESDAY]).frame
    held = [column for key in quiet for column in columns("futures", key)]
    assert frame.select(held).row(0) == (0.0,) * len(held)


def test_keys_a_plan_lacks_are_null_and_one_lost_from_a_single_row_is_quarantined(store):
    above = {field.name for field in SOURCES["daily_bars"].fields if field.plan == "premium"}
    rows = [
        {key: value for key, value in source_row("daily_bars", WEDNESDAY, n).items() if key not in above}
        for n in range(3)
    ]
    del rows[2]["C"]
    land_answer(store, "daily_bars", WEDNESDAY, rows)
    typed = typed_sessions(store, "daily_bars", [WEDNESDAY])
    assert above and (typed.frame.height, typed.rejects.height) == (2, 1)
    assert "absent" in typed.rejects["reason"][0]
    kept = [column for key in above for column in columns("daily_bars", key)]
    assert all(typed.frame[column].null_count() == 2 for column in kept)


def test_a_dash_that_is_a_class_of_its_own_stays_a_dash(store):
    land_answer(store, "listed_issues", WEDNESDAY, [source_row("listed_issues", WEDNESDAY, 0, ScaleCat="-")])
    frame = typed_sessions(store, "listed_issues", [WEDNESDAY]).frame
    assert frame[columns("listed_issues", "ScaleCat")[0]].to_list() == ["-"]


def test_an_item_a_company_does_not_report_stays_an_absent_key(store):
    rows = [source_row("statement_details", WEDNESDAY, n, FS={"Net sales": "1"} if n else {}) for n in range(2)]
    land_answer(store, "statement_details", WEDNESDAY, rows)
    frame = typed_sessions(store, "statement_details", [WEDNESDAY]).frame.sort("disclosure_number")
    assert frame["statement_json"].to_list() == ["{}", '{"Net sales":"1"}']


def test_an_empty_list_is_a_day_without_rows_where_that_may_be(store):
    land_answer(store, "dividends", WEDNESDAY, [])
    typed = typed_sessions(store, "dividends", [WEDNESDAY])
    assert (typed.frame.height, [count.raw_rows for count in typed.counts]) == (0, [0])
