"""Declaring a field once, and the page that tells of it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from gogoku_pipeline.core.errors import ApiError, NotAvailableError
from gogoku_pipeline.schema import daily_bars, dividends, earnings_calendar, margin_alerts, margin_interest
from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.columns import SourceField
from gogoku_pipeline.schema.docs import render_table
from gogoku_pipeline.schema.kept import Form, columns_of, fields_of, kept
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF, TABLES
from gogoku_pipeline.schema.rules_page import render_rules
from gogoku_pipeline.schema.warnings import WARNINGS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "tables.md"


def line_of(table, column: str) -> str:
    return next(line for line in render_table(table).splitlines() if line.startswith(f"| `{column}` |"))


def test_a_column_is_nullable_exactly_where_its_field_may_be_empty():
    plain = kept("A", "a_jpy", Form("number", at_least=0), "A.", "JPY")
    assert plain.field == SourceField("A", "number") and not plain.column.nullable
    assert plain.column.at_least == 0 and plain.column.unit == "JPY" and plain.column.source == "A"
    for form in (Form("number", nullable=True), Form("number", marks=("-",)), Form("number", optional=True)):
        row = kept("A", "a_jpy", form, "A.", "JPY")
        assert row.column.nullable and row.field.may_be_empty


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("text", pl.String()),
        ("number", pl.Float64()),
        ("text_number", pl.Float64()),
        ("date", pl.Date()),
        ("time", pl.String()),
        ("flag", pl.Boolean()),
        ("truth", pl.Boolean()),
        ("object", pl.String()),
    ],
)
def test_a_kind_has_one_type(kind, dtype):
    assert kept("A", "a", Form(kind), "A.").column.dtype == dtype


def test_a_closed_list_quarantines_and_an_open_list_only_reports():
    row = kept("A", "a", Form("text"), "A.")
    assert row.among("1", "2").column.allowed == ("1", "2") and not row.among("1").column.expected
    assert row.expecting("1").column.expected == ("1",) and not row.expecting("1").column.allowed
    assert dividends.TABLE.column("status").allowed == ("1", "2", "3")
    assert not TABLE_OF["statements"].column("document_type").allowed


def test_date_and_code_become_the_columns_every_table_shares():
    rows = (kept("Date", "session", Form("date"), "S."), kept("X", "x", Form("text"), "X."))
    assert [field.name for field in fields_of(rows)] == ["Date", "X"]
    assert [column.name for column in columns_of(rows)] == ["x"]


def test_the_page_shows_what_may_stand_in_place_of_a_value_and_from_which_plan():
    assert 'DivRate ("-", "")' in line_of(dividends.TABLE, "dividend_jpy")
    assert "MktCap (null, no key)" in line_of(daily_bars.TABLE, "market_cap_mjpy")
    assert "MO (null, no key, premium plan)" in line_of(daily_bars.TABLE, "morning_open_jpy")
    assert "PubReason.Restricted" in line_of(margin_alerts.TABLE, "is_restricted")
    assert "others are kept and reported" in line_of(margin_alerts.TABLE, "regulation_class")
    assert "and 33 more" in line_of(TABLE_OF["statements"], "document_type")


def test_the_page_names_the_field_behind_session_and_code():
    assert line_of(daily_bars.TABLE, "session").endswith("| Date |")
    assert line_of(margin_interest.TABLE, "session").endswith("|  |")
    assert line_of(margin_interest.TABLE, "application_date").endswith("| Date |")
    assert line_of(margin_interest.TABLE, "code").endswith("| Code |")


def test_the_page_says_how_a_source_is_asked():
    assert "`/markets/margin-interest`, standard plan, from 2012-02-10, asked day by day" in render_table(
        margin_interest.TABLE
    )
    assert "free plan, only the present is served" in render_table(earnings_calendar.TABLE)
    assert "left in the raw landing: `AdjO`" in render_table(daily_bars.TABLE)


def test_the_publication_rules_stand_on_the_page_one_line_per_source():
    section = render_rules()
    assert section in PAGE.read_text()
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    assert [line.split("`")[1] for line in lines] == list(RULES)
    assert all(rule.words in line for line, rule in zip(lines, RULES.values(), strict=True))
    assert all(len(line.split(" | ")) == 7 for line in lines)
    assert "27:00" in next(line for line in lines if "`futures`" in line)


def test_every_field_and_every_warning_of_a_source_is_on_the_page():
    page = PAGE.read_text()
    for name, source in SOURCES.items():
        section = render_table(TABLE_OF[name])
        assert section in page
        assert all(field.name in section for field in source.fields), name
        assert source.path in section and TABLE_OF[name].warnings or name == "calendar"


def test_no_warning_is_declared_and_never_shown():
    shown = {code for table in TABLES.values() for code in table.warnings}
    assert set(WARNINGS) == shown


def test_not_available_is_an_answer_of_the_service_with_its_status():
    problem = NotAvailableError("morning_bars", got="210", want="rows", remedy="Ask after 12:00.", status=210)
    assert isinstance(problem, ApiError) and problem.status == 210
