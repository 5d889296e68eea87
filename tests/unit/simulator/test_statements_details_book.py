"""Laws of the statement details: one object per set of results, its items agree with the summary and add up."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from jquantsapi import constants

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.simulator.books import statement_details, statements
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market


@pytest.fixture(scope="module")
def late():
    """Across October 2025, when cash flow items begin."""
    return generate_market(MarketConfig(n_issues=120, n_sessions=260, start=date(2025, 4, 1), seed=3))


@pytest.fixture(scope="module")
def pairs(late):
    """(details, summary) of every document with details."""
    now = datetime.combine(late.sessions[-1] + timedelta(days=9), time(12), JST)
    found = []
    for day in late.sessions:
        summaries = {row["DiscNo"]: row for row in statements.BOOK.day(late, day, now)}
        found += [(row, summaries[row["DiscNo"]]) for row in statement_details.BOOK.day(late, day, now)]
    return found


def _item(items, label):
    return next((int(float(items[key])) for key in (label, f"{label} (IFRS)") if key in items), None)


def test_rows_have_the_official_keys_and_an_object_of_texts(pairs):
    assert list(statement_details.BOOK.keys) == constants.FINS_FS_DETAILS_COLUMNS_V2
    assert len(pairs) > 300
    for row, summary in pairs:
        assert list(row) == constants.FINS_FS_DETAILS_COLUMNS_V2
        assert all(row[key] == summary[key] for key in ("DiscDate", "DiscTime", "Code", "DiscNo", "DocType"))
        assert all(type(label) is str and type(value) is str for label, value in row["FS"].items())
        assert row["FS"]["Amendment flag, DEI"] == "false"


def test_every_set_of_results_has_details_and_no_revision_has(late, pairs):
    now = datetime.combine(late.sessions[-1] + timedelta(days=9), time(12), JST)
    results = {
        row["DiscNo"]
        for day in late.sessions
        for row in statements.BOOK.day(late, day, now)
        if "FinancialStatements" in row["DocType"]
    }
    assert {row["DiscNo"] for row, _ in pairs} == results


def test_items_agree_with_the_summary(pairs):
    seen = 0
    for row, summary in pairs:
        items = row["FS"]
        if summary["DocType"].endswith("_US"):
            assert all(label.endswith(", DEI") for label in items)
            continue
        total = "Equity" if summary["DocType"].endswith("_IFRS") else "Net assets"
        wanted = {"Assets": "TA", total: "Eq", "Operating profit (loss)": "OP", "Profit (loss)": "NP"}
        assert all(_item(items, label) == int(summary[key]) for label, key in wanted.items())
        assert items["Current period end date, DEI"] == summary["CurPerEn"]
        seen += 1
    assert seen > 250


def test_subtotals_are_the_sums_of_their_parts(pairs):
    for row, summary in pairs:
        if summary["DocType"].endswith("_US"):
            continue
        items = row["FS"]
        assert _item(items, "Assets") == _item(items, "Current assets") + _item(items, "Non-current assets")
        assert _item(items, "Liabilities") == _item(items, "Current liabilities") + _item(
            items, "Non-current liabilities"
        )
        assert int(summary["Eq"]) == sum(
            _item(items, label) or 0 for label in ("Share capital", "Retained earnings", "Treasury shares")
        )


def test_the_set_of_labels_differs_from_row_to_row(pairs):
    sets = {frozenset(row["FS"]) for row, _ in pairs}
    assert len(sets) >= 6
    assert any("Net sales (IFRS)" in labels for labels in sets)
    assert any("Net sales" in labels for labels in sets)


def test_cash_flow_items_begin_in_october_2025(pairs):
    with_flows = [row["DiscDate"] for row, _ in pairs if any("operating activities" in label for label in row["FS"])]
    without = [row["DiscDate"] for row, summary in pairs if summary["CFO"] and row["DiscDate"] < "2025-10-01"]
    assert with_flows
    assert without
    assert min(with_flows) >= "2025-10-01"


def test_details_come_with_the_editions_of_the_summary(late):
    busy = max(late.sessions, key=lambda day: len(_final(late, day)))
    first = statement_details.BOOK.day(late, busy, datetime.combine(busy, time(18), JST))
    assert statement_details.BOOK.day(late, busy, datetime.combine(busy, time(17, 59), JST)) == []
    assert {row["DiscNo"] for row in first} <= {row["DiscNo"] for row in _final(late, busy)}
    live = statement_details.rows_of_day_live(late, busy, datetime.combine(busy, time(15, 45), JST))
    assert 0 < len(live) <= len(first)
    assert all(row["DiscTime"] <= "15:45:00" for row in live)


def _final(market, day):
    return statement_details.BOOK.day(market, day, datetime.combine(day + timedelta(days=1), time(0, 30), JST))
