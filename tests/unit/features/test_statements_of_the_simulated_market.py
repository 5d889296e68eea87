"""Documents of simulated companies: the planted books are read back, and a plain recomputation agrees everywhere."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import defaultdict
from datetime import date, time, timedelta

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.states import guidance, shares, statements
from gogoku_pipeline.features.states.documents import documents
from gogoku_pipeline.features.states.state import Known
from gogoku_pipeline.simulator.accounts import accounts
from gogoku_pipeline.simulator.companies import companies, dollar_reporter
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.fiscal import fiscal_calendar
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.store import open_store
from tests.laws.features.small_sources import Library

BEGINS = date(2018, 1, 4)
SESSIONS = tse_calendar(BEGINS, date(2023, 12, 29)).sessions
EPOCH = date(1970, 1, 1).toordinal()


@pytest.fixture(scope="module")
def market():
    return generate_market(MarketConfig(n_issues=60, n_sessions=len(SESSIONS), start=BEGINS))


@pytest.fixture(scope="module")
def table(market, tmp_path_factory):
    store = open_store(f"file://{tmp_path_factory.mktemp('statements')}")
    return Library(market, store).of_days("statements", SESSIONS)


def _known(table):
    codes = table["code"].unique().sort()
    whole = pl.lit(1.0)
    factors = pl.DataFrame({"session": [SESSIONS[0]] * len(codes), "code": codes})
    events = factors.with_columns(factor=whole, volume_factor=whole)
    nothing = pl.DataFrame()
    return Known({"statements": table}, nothing, nothing, pl.Series("session", SESSIONS), time(19, 0), events)


@pytest.fixture(scope="module")
def known(table):
    return _known(table)


def _day(number):
    return date.fromordinal(EPOCH + int(number))


def test_quarters_and_years_are_those_of_the_planted_books(market, known):
    book, calendar, traits = accounts(market), fiscal_calendar(market), companies(market)
    in_yen = pl.col("code") != dollar_reporter(market)
    place = {code: issue for issue, code in enumerate(market.codes)}
    last = max(SESSIONS)
    columns = {
        (issue, calendar.period_end(issue, column)): column
        for issue in place.values()
        for column in range(calendar.end.shape[1])
        if traits.reports[issue] and calendar.period_end(issue, column) <= last
    }
    compared = defaultdict(int)
    stated = statements.STATE.frame(known).drop_nulls(["period_end", "known_session"])
    for row in stated.filter(in_yen).iter_rows(named=True):
        issue = place[row["code"]]
        column = columns[issue, _day(row["period_end"])]
        for name, first in (("sales_q", column), ("sales_q4", column - 4), ("sales_ttm", column - 3)):
            until = column - 4 if name == "sales_q4" else column
            if row[name] is not None:
                truth = float(book.sales[issue, first : until + 1].sum())
                assert row[name] == pytest.approx(truth, rel=1e-6, abs=3.0)
                compared[name] += 1
        if row["total_assets"] is not None:
            compared["balance"] += math.isclose(row["cash_total_assets"] or 0.0, row["total_assets"])
    assert min(compared.values()) > 400


def test_most_of_what_is_defined_is_known(known):
    told = statements.STATE.frame(known).filter(pl.col("known_session") > date(2021, 6, 1)).drop_nulls("period_end")
    empty = {name: told[name].null_count() / told.height for name in statements.RESULTS}
    assert {name for name, share in empty.items() if share > 0.12} == {"op_ytd", "op_ytd_before", "op_year_before"}
    assert empty["op_ytd"] == pytest.approx(0.25, abs=0.05)
    promised = guidance.STATE.frame(known).filter(pl.col("known_session") > date(2021, 6, 1)).drop_nulls("told")
    assert promised["net_250d"].null_count() == 0
    assert promised["net_250d"].min() < 0 < promised["net_250d"].max()
    counts = shares.STATE.frame(known).drop_nulls("net_basis")
    assert counts["treasury_ratio"].is_between(0, 0.3).all()


def test_nothing_depends_on_documents_usable_later_nor_on_the_order_of_rows(table):
    cut = date(2021, 8, 6)
    shown = table.filter(pl.col("disclosed_date") <= cut)
    mixed = table.sample(fraction=1.0, shuffle=True, seed=4)
    for state in (statements.STATE, guidance.STATE, shares.STATE):
        whole = state.frame(_known(table))
        assert state.frame(_known(mixed)).sort("code", "release").equals(whole.sort("code", "release"))
        part, same = (frame.filter(pl.col("known_session") <= cut) for frame in (state.frame(_known(shown)), whole))
        assert part.height > 300
        assert part.equals(same)


def test_a_plain_recomputation_says_the_same(known):
    wanted = ("sales_jpy", "total_assets_jpy")
    filed = documents(known, *wanted).filter("is_results").sort("code", "number", "order")
    stated = {
        (row["code"], int(row["known"])): row
        for row in statements.STATE.frame(known).iter_rows(named=True)
        if row["period_end"] is not None
    }
    checked = 0
    for code, mine in itertools.groupby(filed.iter_rows(named=True), key=lambda row: row["code"]):
        held = {}
        for number, group in itertools.groupby(mine, key=lambda row: row["number"]):
            for row in group:
                key = row["fiscal_year_start_date"], row["period_end_date"]
                if key not in held or held[key]["order"] < row["order"]:
                    held[key] = row
            if (code, number) not in stated:
                continue
            plain, kernel = _plain(held), stated[code, number]
            for name, value in plain.items():
                assert kernel[name] == (None if value is None else pytest.approx(value, rel=1e-9)), (code, name)
            checked += 1
    assert checked > 1000


def _plain(held):
    """Sales as 2.5 says it, from the newest versions of all periods, without arrays."""
    newest = max(held.values(), key=lambda row: (row["period_end_date"], row["fiscal_year_start_date"]))

    def basis(row):
        return row["document_type"].partition("_")[2], row["currency"]

    mine = {row["period_end_date"]: row for row in held.values() if basis(row) == basis(newest)}

    def total(end):
        """(chain, line) at a period end: the year to date and, as far as they are known, the years before."""
        row = mine[end]
        begins = row["fiscal_year_start_date"] - timedelta(days=1)
        before = mine.get(begins)
        if before is not None and before["fiscal_year_end_date"] == begins:
            chain, line = total(begins)
            return chain, line + row["sales_jpy"]
        return begins, row["sales_jpy"]

    points = defaultdict(dict)
    for end in mine:
        chain, line = total(end)
        points[chain].update({chain: 0.0, end: line})

    def year_ago(day):
        return (
            day.replace(year=day.year - 1, day=min(day.day, 28)) if day.month == 2 else day.replace(year=day.year - 1)
        )

    def near(days, day):
        return next((other for other in days if abs((other - day).days) <= 10), None)

    def quarter(end):
        line = points[total(end)[0]]
        before = max(day for day in line if day < end)
        return line[end] - line[before] if 75 <= (end - before).days <= 105 else None

    def twelve(end):
        line = points[total(end)[0]]
        before = near(line, year_ago(end))
        return (None, None) if before is None else (line[end] - line[before], before)

    def seasonal(end):
        before = near(mine, year_ago(end))
        now, then = quarter(end), None if before is None else quarter(before)
        return None if now is None or then is None else now - then

    end = newest["period_end_date"]
    ttm, before = twelve(end)
    window = [day for day in mine if end - timedelta(days=741) <= day < end]
    changes = [change for day in sorted(window) if (change := seasonal(day)) is not None]
    surprise = seasonal(end)
    known = surprise is not None and len(changes) >= 4
    ago = near(mine, year_ago(end))
    return {
        "sales_q": quarter(end),
        "sales_ttm": ttm,
        "sales_ttm_before": None if before is None or before not in mine else twelve(before)[0],
        "sue_sales": surprise / statistics.stdev(changes) if known else None,
        "total_assets_before": None if ago is None else mine[ago]["total_assets_jpy"],
    }


def test_planted_news_moves_standardised_profit(market, known):
    told = statements.STATE.frame(known).drop_nulls("sue_op")
    changes = np.sign((told["op_q"] - told["op_q4"]).to_numpy())
    assert np.array_equal(np.sign(told["sue_op"].to_numpy()), changes)
    assert told["sue_op"].std() == pytest.approx(1.3, abs=0.5)
