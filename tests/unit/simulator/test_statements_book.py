"""Laws of the statement summaries: forms, identities, sums over the year, guidance, news, corrections, editions."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np
import pytest
from jquantsapi import constants

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.schema.statements import DOCUMENT_TYPES
from gogoku_pipeline.simulator.announcements import announcements
from gogoku_pipeline.simulator.books import statements
from gogoku_pipeline.simulator.companies import companies
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.filings import archive
from gogoku_pipeline.simulator.market import generate_market

FLOWS = ("Sales", "OP", "OdP", "NP")


def _every_day(market):
    first, last = market.sessions[0], market.sessions[-1]
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _rows(market, now=None):
    now = now or datetime.combine(market.sessions[-1] + timedelta(days=9), time(12), JST)
    return [row for day in _every_day(market) for row in statements.BOOK.day(market, day, now)]


def _results(rows):
    return [row for row in rows if "FinancialStatements" in row["DocType"]]


def _newest(rows):
    """Newest version of each reported period, in order of the period."""
    newest = {(row["Code"], row["CurPerEn"]): row for row in rows}
    return [newest[key] for key in sorted(newest)]


@pytest.fixture(scope="module")
def wide():
    return generate_market(MarketConfig.preset("small"))


@pytest.fixture(scope="module")
def rows(wide):
    return _rows(wide)


def test_every_row_has_the_official_keys_in_order_and_only_text(rows):
    assert list(statements.BOOK.keys) == constants.FIN_SUMMARY_COLUMNS_V2
    assert all(list(row) == constants.FIN_SUMMARY_COLUMNS_V2 for row in rows)
    assert all(type(value) is str for row in rows for value in row.values())


def test_every_value_has_a_form_the_schema_knows(rows):
    readers = {"text_number": float, "date": date.fromisoformat, "time": time.fromisoformat}
    for field in SOURCES["statements"].fields:
        read = readers.get(field.kind)
        values = {row[field.name] for row in rows} - set(field.marks)
        if field.kind == "truth":
            assert values <= {"true", "false"}
        elif read is not None:
            assert all(read(value) is not None for value in values)
        else:
            assert all(values)
    assert {row["DocType"] for row in rows} <= set(DOCUMENT_TYPES)
    assert all(len(row["DiscNo"]) == 14 and row["DiscNo"].isdigit() for row in rows)
    assert len({row["DiscNo"] for row in rows}) == len(rows)


def test_a_day_is_in_the_order_of_its_numbers(wide):
    now = datetime.combine(wide.sessions[-1] + timedelta(days=9), time(12), JST)
    for day in wide.sessions:
        numbers = [row["DiscNo"] for row in statements.BOOK.day(wide, day, now)]
        assert numbers == sorted(numbers)


def test_balance_sheets_and_per_share_figures_agree(rows):
    results = _results(rows)
    assert len(results) > 1000
    for row in results:
        equity, assets = float(row["Eq"]), float(row["TA"])
        assert abs(float(row["EqAR"]) * assets - equity) <= 0.0005001 * assets
        assert float(row["NP"]) / float(row["AvgSh"]) == pytest.approx(float(row["EPS"]), abs=0.0051)
        if row["BPS"] and row["TrShFY"]:
            shares = float(row["ShOutFY"]) - float(row["TrShFY"])
            assert equity / shares == pytest.approx(float(row["BPS"]), abs=0.0051)
    assert sum(bool(row["BPS"]) for row in results) > 0.4 * len(results)


def test_figures_add_up_over_the_fiscal_year_and_begin_again_with_the_next(wide, rows):
    book, calendar = archive(wide).book, archive(wide).calendar
    right = {(row["Code"], row["CurPerEn"]): row for row in rows if "FinancialStatements" in row["DocType"]}
    before: dict[str, dict[str, str]] = {}
    grown = begun = 0
    for (code, _), row in sorted(right.items()):
        old = before.get(code)
        if old is not None and old["CurFYSt"] == row["CurFYSt"]:
            assert float(row["Sales"]) > float(old["Sales"])
            grown += 1
        elif old is not None and row["CurPerType"] == "1Q" and old["CurPerType"] == "FY":
            assert float(row["Sales"]) < float(old["Sales"])
            assert row["CurFYSt"] == (date.fromisoformat(old["CurFYEn"]) + timedelta(days=1)).isoformat()
            begun += 1
        before[code] = row
    assert grown > 500
    assert begun > 200
    told = announcements(wide)
    for event in np.flatnonzero(told.is_result)[::7]:
        issue, column = told.issue[event], told.column[event]
        row = right[(wide.codes[issue], calendar.period_end(issue, column).isoformat())]
        first = calendar.start[issue, column]
        assert float(row["Sales"]) == book.sales[issue, first : column + 1].sum()


def test_cash_flows_come_with_half_and_full_years_only(rows):
    with_flows = {row["CurPerType"] for row in _results(rows) if row["CFO"]}
    assert with_flows == {"2Q", "FY"}
    assert all(row["CFI"] and row["CFF"] and row["CashEq"] for row in rows if row["CFO"])


def test_forecasts_of_the_year_stand_on_quarters_and_move_to_the_next_year_with_the_full_year(rows):
    this_year = ("FSales", "FOP", "FNP", "FEPS", "FDivAnn", "FDivFY")
    next_year = ("NxFSales", "NxFOP", "NxFNp", "NxFEPS", "NxFDivAnn", "NxFDivFY")
    results = _results(rows)
    for row in results:
        blank = this_year if row["CurPerType"] == "FY" else next_year
        assert not any(row[key] for key in blank)
        assert bool(row["NxtFYSt"]) == (row["CurPerType"] == "FY")
    for label, key in (("1Q", "FNP"), ("FY", "NxFNp")):
        filled = [bool(row[key]) for row in results if row["CurPerType"] == label]
        assert 0.85 < sum(filled) / len(filled) < 1.0


def test_revision_documents_say_who_they_are_and_what_is_forecast_and_nothing_else(rows):
    identity = set(constants.FIN_SUMMARY_COLUMNS_V2[:12])
    revisions = [row for row in rows if row["DocType"].endswith("ForecastRevision")]
    assert {row["DocType"] for row in revisions} == {"EarnForecastRevision", "DividendForecastRevision"}
    for row in revisions:
        told = {key for key, value in row.items() if value} - identity
        kind = "FDiv" if row["DocType"] == "DividendForecastRevision" else "F"
        assert told
        assert all(key.startswith(kind) for key in told)
        assert row["DocType"] == "DividendForecastRevision" or not any(key.startswith("FDiv") for key in told)


def test_a_correction_is_a_new_document_and_the_old_one_stays(rows):
    versions: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in _results(rows):
        versions.setdefault((row["Code"], row["CurPerEn"]), []).append(row)
    twice = [pair for pair in versions.values() if len(pair) > 1]
    assert len(twice) >= 10
    for old, new in twice:
        assert old["DiscNo"] < new["DiscNo"]
        assert old["DiscDate"] <= new["DiscDate"]
        assert old["DocType"] == new["DocType"]
        assert old["NP"] != new["NP"]
        assert old["Sales"] == new["Sales"]
        assert float(new["NP"]) == pytest.approx(float(old["NP"]), rel=0.08)
    assert any(old["DiscDate"] == new["DiscDate"] for old, new in twice)
    assert any(date.fromisoformat(new["DiscDate"]).weekday() == 5 for _, new in twice)


def test_some_companies_file_several_documents_on_one_day(rows):
    days = [(row["Code"], row["DiscDate"]) for row in rows]
    assert len(days) - len(set(days)) > 50


def test_a_few_numbers_were_registered_before_the_day_of_disclosure(rows):
    early = [row for row in rows if row["DiscNo"][:8] != row["DiscDate"].replace("-", "")]
    assert 0 < len(early) < 0.06 * len(rows)
    assert all(row["DiscNo"][:8] < row["DiscDate"].replace("-", "") for row in early)


def test_ordinary_profit_is_blank_outside_japanese_rules_and_parent_figures_come_with_the_year(rows):
    results = _results(rows)
    kinds = {row["DocType"].split("_", 1)[1] for row in results}
    assert {"Consolidated_JP", "Consolidated_IFRS", "NonConsolidated_JP"} <= kinds
    assert all(bool(row["OdP"]) == row["DocType"].endswith("_JP") for row in results)
    parents = [row for row in results if row["NCSales"]]
    groups = [row for row in results if row["CurPerType"] == "FY" and "_Consolidated" in row["DocType"]]
    assert all(row["CurPerType"] == "FY" and "_Consolidated" in row["DocType"] for row in parents)
    assert 0.4 < len(parents) / len(groups) < 0.9


def test_the_preliminary_edition_is_part_of_the_final_one(wide):
    late = gaps = 0
    for day in _every_day(wide):
        nothing = statements.BOOK.day(wide, day, datetime.combine(day, time(17, 59), JST))
        first = statements.BOOK.day(wide, day, datetime.combine(day, time(18, 0), JST))
        night = statements.BOOK.day(wide, day, datetime.combine(day + timedelta(days=1), time(0, 29), JST))
        final = statements.BOOK.day(wide, day, datetime.combine(day + timedelta(days=1), time(0, 30), JST))
        assert list(nothing) == []
        assert list(first) == list(night)
        whole = {row["DiscNo"]: row for row in final}
        for row in first:
            assert "" < row["DiscTime"] <= "17:30:00"
            differing = {key for key, value in row.items() if value != whole[row["DiscNo"]][key]}
            assert all(row[key] == "" for key in differing)
            gaps += bool(differing)
        late += len(final) - len(first)
        shown = {row["DiscNo"] for row in first}
        assert all(row["DiscTime"] == "" or row["DiscTime"] > "17:30:00" for row in final if row["DiscNo"] not in shown)
    assert late > 0
    assert gaps > 0


def test_a_live_stream_shows_each_document_from_its_minute_on(wide):
    busy = max(wide.sessions, key=lambda day: len(archive(wide).documents.on(day)))
    timed = statements.rows_with_minutes(wide, busy)
    for hour in (11, 14, 16, 23):
        now = datetime.combine(busy, time(hour, 17), JST)
        seen = {row["DiscNo"] for row in statements.rows_live(wide, busy, now)}
        assert seen == {row["DiscNo"] for minute, row in timed if minute <= hour * 60 + 17}


def test_the_same_market_tells_the_same_documents(rows):
    again = generate_market(MarketConfig.preset("small"))
    assert _rows(again) == rows
    assert companies(again).reports.sum() > 200
