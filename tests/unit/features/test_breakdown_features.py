"""Order types of the auction: shares of what traded, both sides of the same sum, and what is null."""

from __future__ import annotations

from datetime import date, time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.states.breakdown import STATE
from tests.unit.features.short_rows import bars, inputs, known, staged, typed

DAYS = tse_calendar().between(date(2024, 1, 4), date(2024, 4, 26))
POINTWISE = ["bd_cash_net", "bd_margin_new_net", "bd_short_share", "bd_nomargin_short_share", "bd_margin_share"]
SELLS = ("long_sell_jpy", "short_sell_jpy", "margin_sell_new_jpy", "margin_sell_close_jpy")
BUYS = ("long_buy_jpy", "margin_buy_new_jpy", "margin_buy_close_jpy")


def row(day: date, sells: tuple[float, ...], buys: tuple[float, ...], code: str = "10000") -> dict:
    return {"session": day, "code": code} | dict(zip(SELLS + BUYS, sells + buys, strict=True))


def computed(names: list[str], *rows: dict, days: list[date] = DAYS) -> pl.DataFrame:
    prices = staged(bars(days), bars(days).with_columns(code=pl.lit("20000")))
    given = inputs(prices, breakdown=typed("breakdown", *rows))
    return compute(names, given, start=days[0], end=days[-1])


def series(frame: pl.DataFrame, name: str, code: str = "10000") -> list[float | None]:
    return frame.filter(pl.col("code") == code)[name].to_list()


def test_every_share_is_of_the_yen_that_traded():
    frame = computed(POINTWISE, row(DAYS[0], (50, 20, 10, 20), (40, 45, 15)))
    assert frame.filter(pl.col("code") == "10000").select(POINTWISE).row(0) == tuple(
        pytest.approx(value) for value in (-0.1, 0.35, 0.3, 0.2, 0.45)
    )
    assert frame.filter(pl.col("code") == "20000").select(POINTWISE).null_count().row(0) == (len(DAYS),) * 5


def test_a_session_without_auction_trade_has_no_shares_but_counts_in_sums():
    nothing = row(DAYS[0], (0, 0, 0, 0), (0, 0, 0))
    rows = [row(day, (50, 20, 10, 20), (40, 45, 15)) for day in DAYS[1:5]]
    frame = computed([*POINTWISE, "bd_margin_new_net_5d"], nothing, *rows)
    assert frame.select(POINTWISE).row(0) == (None,) * 5
    assert series(frame, "bd_margin_new_net_5d")[:5] == [None, None, None, pytest.approx(0.35), pytest.approx(0.35)]


def test_sums_weigh_sessions_by_what_traded_and_want_four_of_five_and_fifteen_of_twenty():
    small, large = row(DAYS[0], (10, 0, 0, 0), (0, 10, 0)), row(DAYS[0], (90, 0, 0, 0), (90, 0, 0))
    rows = [(small if i % 2 else large) | {"session": day} for i, day in enumerate(DAYS[:20]) if i != 3]
    frame = computed(["bd_margin_new_net_5d", "bd_cash_net_20d"], *rows)
    week = series(frame, "bd_margin_new_net_5d")
    assert week[:4] == [None] * 4
    assert week[4] == pytest.approx(10 / 280)
    month = series(frame, "bd_cash_net_20d")
    assert month[:15] == [None] * 15
    assert month[19] == pytest.approx(-90 / 990)
    assert month[24] is not None and month[25] is None


def test_short_selling_of_a_week_is_judged_against_a_quarter():
    rows = [row(day, (80, 20, 0, 0) if i < 60 else (50, 50, 0, 0), (100, 0, 0)) for i, day in enumerate(DAYS)]
    change = series(computed(["bd_short_share_chg_5_60"], *rows), "bd_short_share_chg_5_60")
    assert change[43] is None
    assert change[44] == pytest.approx(0.0, abs=1e-7)
    assert change[64] == pytest.approx(0.5 - (55 * 0.2 + 5 * 0.5) / 60)


def test_the_market_adds_yen_of_the_universe_and_not_shares():
    rows = (row(DAYS[0], (900, 0, 0, 0), (800, 100, 0)), row(DAYS[0], (50, 0, 50, 0), (100, 0, 0), code="20000"))
    frame = computed(["bd_mkt_margin_new_net"], *rows)
    assert series(frame, "bd_mkt_margin_new_net")[0] == pytest.approx(50 / 1000)
    assert series(frame, "bd_mkt_margin_new_net")[1] is None


def test_rows_delivered_after_the_hour_of_decision_are_not_there():
    table, prices = typed("breakdown", row(DAYS[0], (1, 0, 0, 0), (1, 0, 0))), staged(bars(DAYS))
    assert STATE.frame(known(prices, time(18), breakdown=table)).height == 0
    assert STATE.frame(known(prices, time(18, 1), breakdown=table)).height == 1


yen = st.integers(0, 10**9)


@settings(max_examples=30, deadline=None)
@given(st.tuples(yen, yen, yen, yen), st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_what_is_sold_is_bought_so_the_popular_net_is_only_the_closing_of_margin(sells, cuts):
    total = sum(sells)
    low, high = sorted(round(cut * total) for cut in cuts)
    buys = (low, high - low, total - high)
    frame = computed(POINTWISE, row(DAYS[0], sells, buys), days=DAYS[:2])
    cash, new, short, professional, _ = frame.select(POINTWISE).row(0)
    if total == 0:
        assert cash is None
        return
    popular = cash + new - professional
    assert popular == pytest.approx((sells[3] - buys[2]) / total, abs=3e-7)
    assert short >= professional
