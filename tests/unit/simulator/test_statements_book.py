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
from gogoku_pipeline.simulator.companies import companies, dollar_reporter
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


@pytest.fixture(scope="module")
def long():
    """Into the years of the dollar, the later close and moved year ends."""
    return generate_market(MarketConfig(n_issues=60, n_sessions=900, start=date(2021, 6, 1), seed=11))


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


def test_cash_flows_explain_the_change_of_cash_over_a_year(rows):
    years = [row for row in _newest(_results(rows)) if row["CurPerType"] == "FY"]
    pairs = [
        (old, new)
        for old, new in zip(years[:-1], years[1:], strict=True)
        if old["Code"] == new["Code"] and old["NxtFYSt"] == new["CurFYSt"]
    ]
    assert len(pairs) > 100
    for old, new in pairs:
        change = sum(int(new[key]) for key in ("CFO", "CFI", "CFF"))
        assert int(new["CashEq"]) - int(old["CashEq"]) == change


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


def test_a_surprise_shows_against_last_year_and_against_the_company_s_own_forecast(wide):
    papers = archive(wide)
    told, book, calendar = papers.told, papers.book, papers.calendar
    alone = np.flatnonzero(told.is_result & (np.abs(told.news[told.issue, told.column] - told.surprise) < 1e-12))
    issue, column = told.issue[alone], told.column[alone]
    scale = papers.traits.margin_scale[issue] * book.sales[issue, column]
    against_last_year = (book.op[issue, column] - book.op[issue, column - 4]) / scale
    assert np.corrcoef(told.surprise[alone], against_last_year)[0, 1] > 0.75
    years = alone[(column == calendar.end[issue, column]) & papers.traits.guides[issue] & (told.rank[alone] > 0)]
    who, when = told.issue[years], told.column[years]
    totals = np.array([book.op[i, calendar.start[i, c] : c + 1].sum() for i, c in zip(who, when, strict=True)])
    miss = (totals - papers.plan.op[years - 1]) / (papers.traits.margin_scale[who] * book.sales[who, when])
    assert len(years) > 100
    assert np.corrcoef(told.surprise[years], miss)[0, 1] > 0.5


def test_a_revision_moves_the_forecast_in_the_direction_of_its_news(wide):
    papers = archive(wide)
    told, plan = papers.told, papers.plan
    lone = np.flatnonzero(~told.is_result & (told.rank > 0))
    moves = plan.op[lone] - plan.old_op[lone]
    loud = np.abs(told.surprise[lone]) > 1.0
    assert loud.sum() > 20
    assert (np.sign(moves) == np.sign(told.surprise[lone]))[loud].mean() > 0.75


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


def test_shares_are_counted_as_they_are_and_old_documents_never_change(wide, rows):
    checked = 0
    for event in wide.splits:
        split = wide.sessions[event.session].isoformat()
        told = [row for row in _results(rows) if row["Code"] == wide.codes[event.issue]]
        before = [float(row["ShOutFY"]) for row in told if row["DiscDate"] < split]
        after = [float(row["ShOutFY"]) for row in told if row["CurPerEn"] >= split]
        if sum(other.issue == event.issue for other in wide.splits) == 1 and before and after:
            assert {round(new * event.factor) for new in after} == {round(old) for old in before}
            checked += 1
    assert checked > 5
    middle = wide.sessions[300]
    early = _rows(wide, datetime.combine(middle, time(6), JST))
    assert early == [row for row in rows if row["DiscDate"] < middle.isoformat()]


def test_one_company_turns_to_dollars_and_nothing_says_so(long):
    code = dollar_reporter(long)
    told = [row for row in _results(_rows(long)) if row["Code"] == code and row["CurPerType"] == "1Q"]
    old = [float(row["Sales"]) for row in told if row["CurFYSt"] < "2022"]
    new = [float(row["Sales"]) for row in told if row["CurFYSt"] >= "2022"]
    assert old
    assert new
    assert max(new) < 0.02 * min(old)


def test_moved_year_ends_give_short_and_long_years_with_quarters_beyond_the_third(long):
    told = _results(_rows(long))
    years = {(row["Code"], row["CurFYSt"], row["CurFYEn"]) for row in told}
    months = {
        (int(end[:4]) * 12 + int(end[5:7])) - (int(start[:4]) * 12 + int(start[5:7])) + 1 for _, start, end in years
    }
    assert months == {9, 12, 15, 18}
    odd = [row for row in told if row["CurPerType"] in ("4Q", "5Q")]
    assert odd
    assert all(row["DocType"].startswith("OtherPeriod") for row in odd)


def test_reporting_rules_may_change_between_years_not_inside_one(long):
    years: dict[tuple[str, str], set[str]] = {}
    for row in _results(_rows(long)):
        years.setdefault((row["Code"], row["CurFYSt"]), set()).add(row["DocType"].rsplit("_", 1)[1])
    assert all(len(standards) == 1 for standards in years.values())


def test_the_same_market_tells_the_same_documents(rows):
    again = generate_market(MarketConfig.preset("small"))
    assert _rows(again) == rows
    assert companies(again).reports.sum() > 200
