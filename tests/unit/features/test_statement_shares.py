"""Shares outstanding on one basis: newest document with both counts, splits around disclosures, lifetimes."""

from __future__ import annotations

import math
from datetime import date

import polars as pl
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.states import shares
from tests.unit.features.company_rows import CODE, market, series, statement_rows
from tests.unit.features.filed_results import SESSIONS, forecast, results, stated, year

STATE = shares.STATE
FY23 = year(date(2023, 4, 1))
Q1, Q2, Q3, Q4 = date(2023, 6, 30), date(2023, 9, 30), date(2023, 12, 31), date(2024, 3, 31)
SPLIT = date(2023, 10, 16)
"""Between the end of the second quarter and its disclosure."""


def _factors(day: date = SPLIT, factor: float = 0.5) -> pl.DataFrame:
    steps = {"session": [SESSIONS[0], day], "code": [CODE] * 2, "factor": [1.0, factor], "volume_factor": [1.0, factor]}
    return pl.DataFrame(steps)


def _net(*rows, **more):
    return [row["net_basis"] for row in stated(STATE, *rows, **more).values()]


def test_a_count_stands_on_the_basis_of_its_period_end():
    rows = [results(Q1, FY23, issued=1000, own=100), results(Q2, FY23, issued=1000, own=100)]
    assert _net(*rows, factors=_factors())[:2] == [900, 900]


def test_a_count_that_already_contains_the_split_stands_on_the_basis_of_its_disclosure():
    rows = [results(Q1, FY23, issued=1000, own=100), results(Q2, FY23, issued=2000, own=200)]
    assert _net(*rows, factors=_factors())[:2] == [900, 900]


def test_the_nearer_ratio_decides_when_the_count_moved_as_well():
    grown = [results(Q1, FY23, issued=1000, own=0), results(Q2, FY23, issued=2300, own=0)]
    assert _net(*grown, factors=_factors())[:2] == [1000, 1150]
    merged = [results(Q1, FY23, issued=1000, own=0), results(Q2, FY23, issued=1300, own=0)]
    assert _net(*merged, factors=_factors())[:2] == [1000, 1300]


def test_a_first_count_is_taken_on_its_period_end():
    assert _net(results(Q2, FY23, issued=2000, own=200), factors=_factors())[:1] == [1800]


def test_a_split_after_the_disclosure_divides_the_shares_of_the_day_only():
    rows = [results(Q1, FY23, issued=1000, own=100), results(Q3, FY23, issued=2000, own=100)]
    late = _factors(date(2023, 11, 20))
    assert _net(*rows, factors=late)[:2] == [900, 950]


def test_treasury_shares_left_blank_are_unknown_and_older_counts_do_not_come_back():
    blank = results(Q2, FY23, issued=1200, own=None)
    assert _net(results(Q1, FY23, issued=1000, own=100), blank) == [900, None]
    assert _net(blank) == []
    late = results(Q1, FY23, issued=1, own=0) | {"disclosed_date": date(2023, 11, 20)}
    newer = results(Q2, FY23, issued=1200, own=100)
    assert _net(results(Q1, FY23, issued=1000, own=100), newer, late) == [900, 1100, None]


def test_counts_hold_250_sessions_and_a_company_without_shares_has_none():
    found = stated(STATE, results(Q1, FY23, issued=1000, own=100))
    told = date(2023, 8, 9)
    assert list(found) == [told, tse_calendar().shift(told, 251)]
    assert found[told]["treasury_ratio"] == pytest.approx(0.1)
    assert found[tse_calendar().shift(told, 251)]["treasury_ratio"] is None
    everything_bought = stated(STATE, results(Q1, FY23, issued=1000, own=1000))[told]
    assert (everything_bought["net_basis"], everything_bought["treasury_ratio"]) == (None, 1)


def test_issuance_compares_two_sessions_on_one_split_basis():
    calendar = tse_calendar()
    rows = [
        results(Q1, FY23, issued=1000, own=0),
        results(Q1.replace(year=2024), year(date(2024, 4, 1)), issued=1900, own=0),
    ]
    first, last = date(2023, 8, 1), date(2024, 9, 30)
    split = date(2024, 2, 1)
    inputs = market(first, last, splits={(CODE, split): 0.5}, statements=statement_rows(*rows))
    found = series(inputs, "share_issuance_250d")
    told = date(2023, 8, 9)
    assert found[calendar.shift(told, 249)] == (None,)
    assert found[calendar.shift(told, 250)] == pytest.approx((math.log(0.95),))
    assert calendar.shift(told, 250) > split


def test_yields_are_totals_over_market_value_and_net_cash_counts_every_liability():
    said = {"np": 60, "op": 100, "sales": 1000, "cfo": 80, "ta": 2000, "eq": 900, "cash": 1400}
    full = results(Q4, FY23, issued=100, own=0, **said, **forecast(np=90, ahead=True))
    inputs = market(date(2024, 5, 8), date(2024, 5, 14), closes={CODE: [50.0] * 5}, statements=statement_rows(full))
    names = ("val_ep_ttm", "val_ep_fwd", "val_bp", "val_sp_ttm", "val_cfp_ttm", "val_ncash_mcap", "val_op_ev")
    expected = (60 / 5000, 90 / 5000, 900 / 5000, 1000 / 5000, 80 / 5000, 300 / 5000, 100 / (5000 - 300))
    assert series(inputs, *names)[date(2024, 5, 13)] == pytest.approx(expected)


def test_a_business_cheaper_than_its_cash_has_no_price():
    rich = results(Q4, FY23, issued=100, own=0, np=6, op=100, ta=9000, eq=8000, cash=7000)
    inputs = market(date(2024, 5, 8), date(2024, 5, 14), closes={CODE: [50.0] * 5}, statements=statement_rows(rich))
    assert series(inputs, "val_op_ev", "val_ncash_mcap")[date(2024, 5, 13)] == pytest.approx((None, 1.2))


def test_figures_in_dollars_are_not_set_against_a_value_in_yen():
    full = results(Q4, FY23, issued=100, own=0, np=60, op=100, sales=1000, eq=900, **forecast(np=90, ahead=True))
    rows = statement_rows(full | {"code": "62690"})
    inputs = market(date(2024, 5, 8), date(2024, 5, 14), closes={"62690": [50.0] * 5}, statements=rows)
    found = series(inputs, "val_ep_ttm", "val_ep_fwd", "val_bp", "fin_opm_ttm", code="62690")
    assert found[date(2024, 5, 13)] == pytest.approx((None, None, None, 0.1))
