"""Laws of the companies behind the statements: news in figures and forecasts, shares, currencies, odd years, rules."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.simulator.books import statements
from gogoku_pipeline.simulator.companies import dollar_reporter
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.filings import Filing, archive
from gogoku_pipeline.simulator.market import generate_market


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


def test_a_company_s_first_subsidiaries_turn_it_consolidated_for_good():
    market = generate_market(MarketConfig(n_issues=400, n_sessions=900, start=date(2021, 6, 1), seed=5))
    papers = archive(market)
    scopes: dict[str, list[str]] = {}
    for place in np.argsort(papers.documents.day, kind="stable").tolist():
        filing = Filing(papers, place)
        if filing.is_results:
            told = scopes.setdefault(filing.code, [])
            scope = filing.document_type.split("_")[1]
            if told[-1:] != [scope]:
                told.append(scope)
    single, group = "NonConsolidated", "Consolidated"
    assert {tuple(told) for told in scopes.values()} == {(single,), (group,), (single, group)}
