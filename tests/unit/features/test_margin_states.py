"""Open margin positions: when they are known, on which basis, in which weeks, at which price."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

import polars as pl
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.states import margin, margin_week
from gogoku_pipeline.features.states.state import Known
from tests.unit.features.position_rows import balance, law_of_truncation, published
from tests.unit.features.short_rows import CUTOFF, bars, staged

DAYS = tse_calendar().between(date(2024, 4, 15), date(2024, 7, 31))
TURN = tse_calendar().between(date(2026, 9, 1), date(2026, 10, 16))
FRIDAYS = [date(2024, 4, 19), date(2024, 4, 26), date(2024, 5, 2), date(2024, 5, 10), date(2024, 5, 17)]


def known(*rows: dict, days: list[date] = DAYS, prices: pl.DataFrame | None = None) -> Known:
    staged_rows = staged(bars(days)) if prices is None else prices
    tables = {"margin_interest": published("margin_interest", rows)}
    return Known(tables, staged_rows, pl.DataFrame(), pl.Series("session", days), CUTOFF)


def test_balances_are_multiplied_by_the_volume_factor_of_their_own_date():
    split = [1.0] * len(DAYS)
    split[DAYS.index(date(2024, 4, 30))] = 0.5
    prices = staged(bars(DAYS, adjustment_factor=split))
    frame = margin.STATE.frame(known(balance(FRIDAYS[1], 300.0), balance(FRIDAYS[2], 640.0), prices=prices))
    assert frame["long_shares"].to_list() == [300.0, 320.0]
    assert frame["short_shares"].to_list() == [100.0, 50.0]


def test_a_balance_from_before_the_first_price_stands_on_the_basis_of_that_price():
    prices = staged(bars(DAYS[9:], adjustment_factor=[1.0] * 5 + [0.5] + [1.0] * (len(DAYS) - 15)))
    asked = known(balance(FRIDAYS[0], 300.0), balance(date(2024, 5, 10), 500.0), prices=prices)
    frame = margin.STATE.frame(asked)
    assert frame["release"].to_list() == [FRIDAYS[0], date(2024, 5, 10)]
    assert frame["long_shares"].to_list() == [300.0, 250.0]


def test_what_became_known_before_the_range_does_not_look_fresh_in_it():
    rows = (balance(FRIDAYS[0], 300.0), balance(FRIDAYS[1], 310.0))
    later = known(*rows, days=DAYS[DAYS.index(date(2024, 4, 25)) :], prices=staged(bars(DAYS)))
    assert margin.STATE.frame(later)["release"].to_list() == [FRIDAYS[1]]


def test_every_weekly_balance_is_a_release_of_the_week_end_view():
    frame = margin_week.STATE.frame(known(*(balance(day, 300.0) for day in FRIDAYS)))
    assert frame["release"].to_list() == FRIDAYS


def test_from_the_daily_regime_on_only_the_last_session_of_a_week_is_a_release_of_the_view():
    weekly = [balance(date(2026, 9, day), 300.0) for day in (4, 11, 18)]
    daily = [balance(day, 300.0) for day in TURN if date(2026, 9, 25) <= day <= date(2026, 10, 9)]
    frame = margin_week.STATE.frame(known(*weekly, *daily, days=TURN))
    assert frame["release"].to_list() == [
        *(date(2026, 9, day) for day in (4, 11, 18, 25)),
        *(date(2026, 10, day) for day in (2, 9)),
    ]
    every = margin.STATE.frame(known(*weekly, *daily, days=TURN))
    assert every.height == len(weekly) + len(daily)


def test_a_daily_balance_is_known_on_its_publication_date_where_it_has_one():
    rows = (
        balance(date(2026, 9, 25), 1.0, published_date=date(2026, 9, 28)),
        balance(date(2026, 9, 28), 2.0, published_date=date(2026, 9, 30)),
        balance(date(2026, 9, 30), 3.0),
    )
    frame = margin.STATE.frame(known(*rows, days=TURN))
    assert frame["known_session"].to_list() == [date(2026, 9, 28), date(2026, 9, 30), date(2026, 10, 1)]


@pytest.mark.parametrize(
    ("cutoff", "usable"),
    [(time(16, 0), date(2024, 5, 15)), (time(16, 30), date(2024, 5, 15)), (time(16, 31), date(2024, 5, 14))],
    ids=str,
)
def test_a_balance_delivered_at_the_hour_of_decision_is_too_late_for_it(cutoff, usable):
    asked = replace(known(balance(date(2024, 5, 10), 300.0)), cutoff=cutoff)
    assert margin.STATE.frame(asked)["known_session"].to_list() == [usable]


def test_a_week_costs_what_was_paid_since_the_balance_before():
    close = [100.0 + i for i in range(len(DAYS))]
    volume = [None if day == date(2024, 5, 9) else 10.0 * (1 + i % 3) for i, day in enumerate(DAYS)]
    prices = staged(bars(DAYS, close_jpy=close, volume_shares=volume))
    frame = margin_week.STATE.frame(known(*(balance(day, 300.0) for day in FRIDAYS), prices=prices))
    inside = [i for i, day in enumerate(DAYS) if date(2024, 5, 2) < day <= date(2024, 5, 10) and volume[i]]
    assert len(inside) == 3
    found = frame.filter(pl.col("release") == date(2024, 5, 10))
    assert found["week_turnover_jpy"].item() == pytest.approx(sum(close[i] * volume[i] for i in inside))
    assert found["week_volume"].item() == sum(volume[i] for i in inside)


def test_the_weeks_price_stands_on_the_basis_of_prices_through_split_and_rights_issue():
    at = DAYS.index(date(2024, 5, 7))
    for kind, shares in (("1", 20.0), ("3", 10.0)):
        factor = [0.5 if i == at else 1.0 for i in range(len(DAYS))]
        close = [100.0 if i < at else 50.0 for i in range(len(DAYS))]
        volume = [10.0 if i < at else shares for i in range(len(DAYS))]
        rights = [kind if i == at else None for i in range(len(DAYS))]
        changes = {"adjustment_factor": factor, "close_jpy": close, "volume_shares": volume, "ex_rights_type": rights}
        prices = staged(bars(DAYS, **changes))
        frame = margin_week.STATE.frame(known(*(balance(day, 300.0) for day in FRIDAYS), prices=prices))
        paid = frame["week_turnover_jpy"] / frame["week_volume"]
        assert paid.to_list() == pytest.approx([100.0] * len(FRIDAYS))


@pytest.mark.parametrize("state", [margin.STATE, margin_week.STATE], ids=lambda state: state.alias)
@pytest.mark.parametrize("cut", [date(2024, 5, 1), date(2024, 5, 13), date(2024, 5, 21)])
def test_balances_not_known_by_a_session_change_no_bit_of_it(state, cut):
    fridays = [
        date(2024, 4, 19),
        date(2024, 4, 26),
        date(2024, 5, 2),
        *pl.date_range(date(2024, 5, 10), date(2024, 6, 28), "7d", eager=True),
    ]
    rows = [balance(day, 300.0 + i, code=code) for i, day in enumerate(fridays) for code in ("10000", "20000")]
    prices = staged(bars(DAYS), bars(DAYS, code=["20000"] * len(DAYS)))
    law_of_truncation(state, known(*rows, prices=prices), "margin_interest", cut)
