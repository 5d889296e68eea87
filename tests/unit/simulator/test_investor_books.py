"""Investor types: identities of every row, sections of their time, corrections, and the planted flow in the print."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np
import pytest
from jquantsapi import constants

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.simulator.books.investor_types import APPENDED_FROM, BOOK, GROUPS
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.ledgers_investors import TYPES
from gogoku_pipeline.simulator.ledgers_orders import turnover
from gogoku_pipeline.simulator.market import generate_market

EVER = datetime(2026, 11, 1, tzinfo=JST)
SIDES = ("Sell", "Buy", "Tot", "Bal")


@pytest.fixture(scope="module")
def later_market():
    """From before the reorganisation of 2022 to after the rule of 2023 that corrections are appended."""
    return generate_market(MarketConfig(n_issues=60, n_sessions=520, start=date(2022, 2, 1), seed=11))


def _rows(market, now=EVER):
    days = [*market.sessions, *(market.sessions[-1] + timedelta(days=n) for n in range(1, 15))]
    return [row for day in days for row in BOOK.day(market, day, now)]


def _first_printings(rows):
    seen = {}
    for row in rows:
        seen.setdefault((row["Section"], row["StDate"]), row)
    return list(seen.values())


def test_every_identity_holds_to_the_thousand_yen(later_market):
    rows = _rows(later_market)
    assert len(rows) > 400
    for row in rows:
        assert list(row) == list(constants.EQ_INVESTOR_TYPES_COLUMNS_V2) == list(BOOK.keys)
        for group in GROUPS:
            assert row[group + "Tot"] == row[group + "Sell"] + row[group + "Buy"]
            assert row[group + "Bal"] == row[group + "Buy"] - row[group + "Sell"]
            assert min(row[group + "Sell"], row[group + "Buy"]) >= 0
        for side in SIDES:
            assert row["Tot" + side] == row["Prop" + side] + row["Brk" + side]
            assert row["Brk" + side] == sum(row[name + side] for name in TYPES if name != "Prop")
            assert isinstance(row["Tot" + side], float) and row["Tot" + side].is_integer()
    assert any(row["TotBal"] != 0 for row in rows)


def test_sections_change_with_the_reorganisation_and_the_whole_goes_on(later_market):
    for row in _rows(later_market):
        old = row["EnDate"] < "2022-04-04"
        wanted = {"TSE1st", "TSE2nd", "TSEMothers", "TSEJASDAQ"} if old else {"TSEPrime", "TSEStandard", "TSEGrowth"}
        assert row["Section"] in wanted | {"TokyoNagoya"}
    first = _first_printings(_rows(later_market))
    per_week = {
        start: {row["Section"] for row in first if row["StDate"] == start} for start in {r["StDate"] for r in first}
    }
    assert {len(sections) for sections in per_week.values()} == {4, 5}


def test_totals_follow_the_turnover_of_the_week(later_market):
    market = later_market
    yen = {day: turnover(market, place)[market.listings.is_stock].sum() for place, day in enumerate(market.sessions)}
    first = [row for row in _first_printings(_rows(market)) if row["Section"] == "TokyoNagoya"]
    for row in first:
        start, end = date.fromisoformat(row["StDate"]), date.fromisoformat(row["EnDate"])
        week = sum(value for day, value in yen.items() if start <= day <= end) / 1000.0
        assert row["TotTot"] / 2.0 == pytest.approx(week, rel=0.15)


def test_a_week_comes_out_on_the_fourth_session_after_it_at_18(market):
    rows = _first_printings(_rows(market))
    published = {row["EnDate"]: date.fromisoformat(row["PubDate"]) for row in rows}
    flows = market.flows
    for end, out in zip(flows.week_end, flows.published, strict=True):
        if out < len(market.sessions):
            assert published[market.sessions[end].isoformat()] == market.sessions[out]
    day = market.sessions[int(flows.published[3])]
    assert len(BOOK.day(market, day, datetime.combine(day, time(17, 59), JST))) == 0
    assert len(BOOK.day(market, day, datetime.combine(day, time(18, 0), JST))) == 5


def test_foreigners_balance_tells_the_planted_flow(later_market):
    market = later_market
    z = {
        market.sessions[end].isoformat(): value
        for end, value in zip(market.flows.week_end, market.flows.z, strict=True)
    }
    rows = _first_printings(_rows(market))
    main = [row for row in rows if row["Section"] in ("TSE1st", "TSEPrime")]
    assert len(main) > 90
    share = np.array([row["FrgnBal"] / row["FrgnTot"] for row in main])
    planted = np.array([z[row["EnDate"]] for row in main])
    assert (np.argsort(share) == np.argsort(planted)).all()
    assert (np.sign(share) == np.sign(planted)).all()
    whole = [row for row in rows if row["Section"] == "TokyoNagoya"]
    share = np.array([row["FrgnBal"] / row["TotTot"] for row in whole])
    assert np.corrcoef(share, planted)[0, 1] > 0.95


def test_corrections_are_appended_from_2023_04_03_on_and_overwrote_before(later_market):
    rows = _rows(later_market)
    keys = [(row["Section"], row["StDate"], row["EnDate"], row["PubDate"]) for row in rows]
    assert len(keys) == len(set(keys))
    first = {(row["Section"], row["StDate"]): row for row in _first_printings(rows)}
    newer = [row for row in rows if row["PubDate"] != first[row["Section"], row["StDate"]]["PubDate"]]
    assert newer and all(row["PubDate"] >= APPENDED_FROM.isoformat() for row in newer)
    for row in newer:
        old = first[row["Section"], row["StDate"]]
        changed = {key for key in row if row[key] != old[key]}
        assert row["PubDate"] > old["PubDate"] and {"PubDate", "IndBuy", "OthFinBuy"} <= changed
        assert row["FrgnBal"] == old["FrgnBal"]


def test_an_early_correction_changes_the_row_in_place_without_a_mark(later_market):
    changed = 0
    for day in later_market.sessions[:250]:
        at_once = BOOK.day(later_market, day, datetime.combine(day, time(18, 0), JST))
        much_later = BOOK.day(later_market, day, EVER)
        changed += at_once != much_later
        assert [row["PubDate"] for row in at_once] == [row["PubDate"] for row in much_later]
    assert changed > 0
