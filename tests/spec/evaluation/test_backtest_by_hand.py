"""The backtest by hand, to the yen: tiny tables in, accounts out. Every figure here was computed on paper first."""

from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.evaluation.backtest.config import BacktestConfig, CostConfig
from gogoku_pipeline.evaluation.backtest.result import run_backtest
from tests.unit.evaluation.small_exchange import FREE, bar, frames, scored

A, B = "10010", "10020"
THU, FRI, MON, TUE, WED, THU2, FRI2 = tse_calendar(date(2024, 5, 9), date(2024, 5, 17)).sessions
ONE = replace(FREE, enter=1, leave=1, horizon_d=10)
"""One name, no costs, no cap, every session decides."""


def rows(table, *names):
    return table.select(names).rows()


def test_a_week_of_buying_in_parts_a_dividend_and_a_switch_costs_what_the_rules_say():
    """400 shares a session are 4 % of 10,000; sqrt(0.04) x 3 % makes 0.6 % impact; commission 10 bp; tick 1 yen."""
    costs = CostConfig((1e6,), (0.0010, 0.0005), unknown_volatility=0.03, dividend_tax=0.20315)
    config = replace(ONE, participation=0.04, drift_band=0.25, horizon_d=1, costs=costs)
    market = frames(
        [
            bar(THU, A, 1000, volume=1e4), bar(THU, B, 500, volume=1e4),
            bar(FRI, A, 1010, 1020, volume=1e4), bar(FRI, B, 500, volume=1e4),
            bar(MON, A, 990, 1000, volume=1e4), bar(MON, B, 500, volume=1e4),
            bar(TUE, A, 1005, 1000, volume=1e4), bar(TUE, B, 500, 510, volume=1e4),
        ],
        notices=[(A, "1", "1", "1", THU, "15:00:00", MON, 10.0)],
    )  # fmt: skip
    found = run_backtest(scored({THU: {A: 2, B: 1}, FRI: {A: 2, B: 1}, MON: {A: 1, B: 2}}), market, config)
    assert rows(found.trades, "session", "code", "shares", "price_jpy", "commission_jpy", "spread_jpy") == [
        (FRI, A, 400, 1010.0, 404.0, 200.0),
        (MON, A, 400, 990.0, 396.0, 200.0),
        (TUE, A, -400, 1005.0, 402.0, 200.0),
        (TUE, B, 400, 500.0, 200.0, 200.0),
    ]
    assert found.trades["impact_jpy"].to_list() == pytest.approx([2424, 2376, 2412, 1200])
    assert found.daily["cash_jpy"].to_list() == pytest.approx([1_000_000, 592_972, 197_187.4, 394_573.4])
    assert found.daily["equity_jpy"].to_list() == pytest.approx([1_000_000, 1_000_972, 997_187.4, 998_573.4])
    assert found.daily["dividends_jpy"].to_list() == pytest.approx([0, 0, 3_187.4, 0])
    assert rows(found.refused, "session", "reason", "orders", "jpy") == [
        (FRI, "participation", 1, 600_000.0),
        (MON, "participation", 1, 102_000.0),
        (TUE, "participation", 2, 400 * 1000.0 + 1500 * 500.0),
    ]


def test_a_short_sale_pays_the_lender_by_the_calendar_day_and_every_dividend():
    """Three days over a weekend at 3.65 % a year are 3 basis points of 1,050,000 yen."""
    costs = replace(CostConfig.free(), borrow_fee=0.0365)
    config = replace(ONE, side="long_short", costs=costs, horizon_d=2)
    market = frames(
        [
            bar(THU, A, 1000), bar(THU, B, 2000),
            bar(FRI, A, 1000), bar(FRI, B, 2000, 2100),
            bar(MON, A, 1050), bar(MON, B, 2000),
        ],
        notices=[(B, "1", "1", "1", THU, "15:00:00", MON, 20.0)],
    )  # fmt: skip
    found = run_backtest(scored({THU: {A: 2, B: 1}}), market, config)
    assert rows(found.trades, "code", "shares", "price_jpy") == [(A, 1000, 1000.0), (B, -500, 2000.0)]
    assert rows(found.daily, "long_jpy", "short_jpy", "cash_jpy") == [
        (0.0, 0.0, 1_000_000.0),
        (1_000_000.0, -1_050_000.0, 1_000_000.0),
        (1_050_000.0, -1_000_000.0, 989_685.0),
    ]
    assert found.daily["borrow_jpy"].to_list() == pytest.approx([0, 0, 315])
    assert found.daily["dividends_jpy"].to_list() == [0, 0, -10_000]
    assert found.daily["equity_jpy"].to_list() == [1_000_000, 950_000, 1_039_685]
    assert found.daily["gross_ret"][1:].to_list() == pytest.approx([-0.05, 1_040_000 / 950_000 - 1])


def test_what_cannot_be_borrowed_is_not_sold_short():
    market = frames([bar(day, code, 1000) for day in (THU, FRI, MON) for code in (A, B)], margin={B: "1"})
    config = replace(ONE, side="long_short")
    found = run_backtest(scored({THU: {A: 2, B: 1}}), market, config)
    assert found.trades["code"].to_list() == [A]


@pytest.mark.parametrize(
    ("factor", "rights", "after", "price", "cash_after"),
    [
        (0.5, "1", 600, 500, 700_000),
        (0.333333, "1", 900, 1000 / 3, 700_000),
        (10.0, "2", 30, 10_000, 700_000),
        (7.0, "2", 42, 7_000, 706_000),
        (0.9, "3", 300, 900, 730_000),
    ],
    ids=["1:2", "1:3", "10:1", "7:1 pays the fraction", "a right is sold"],
)
def test_an_ex_date_changes_shares_and_never_what_they_are_worth(factor, rights, after, price, cash_after):
    """300 shares of 1,000 yen and 700,000 yen; 300 / 7 = 42 shares and 6/7 of one, worth 7,000 yen each."""
    market = frames(
        [bar(day, code, 1000) for day in (THU, FRI) for code in (A, B)]
        + [bar(MON, A, None, factor=factor, rights=rights), bar(MON, B, 1000)]
    )
    config = replace(ONE, gross_long=0.3, horizon_d=2)
    found = run_backtest(scored({THU: {A: 2, B: 1}}), market, config)
    last = found.holdings.filter(session=MON)
    assert rows(last, "code", "shares") == [(A, after)]
    assert last["mark_jpy"][0] == pytest.approx(price)
    assert found.daily["cash_jpy"][-1] == pytest.approx(cash_after)
    assert found.daily["equity_jpy"].to_list() == pytest.approx([1_000_000] * 3)


def test_a_position_that_is_closed_goes_with_its_odd_lot():
    market = frames(
        [bar(day, code, 1000) for day in (THU, FRI) for code in (A, B)]
        + [bar(MON, A, 10_000, factor=10.0, rights="2"), bar(MON, B, 1000), bar(TUE, A, 10_500), bar(TUE, B, 1000)]
    )
    config = replace(ONE, gross_long=0.3)
    found = run_backtest(scored({THU: {A: 2, B: 1}, MON: {A: 1, B: 2}}), market, config)
    assert (TUE, A, -30, 10_500.0) in rows(found.trades, "session", "code", "shares", "price_jpy")


def test_what_leaves_the_exchange_ends_at_its_last_print():
    market = frames(
        [bar(THU, A, 1000), bar(FRI, A, 1000, 700), bar(MON, A, None)]
        + [bar(day, B, 1000) for day in (THU, FRI, MON, TUE, WED)]
    )
    found = run_backtest(scored({THU: {A: 2, B: 1}}), market, replace(ONE, horizon_d=4))
    assert rows(found.trades, "session", "code", "kind", "shares", "price_jpy") == [
        (FRI, A, "fill", 1000, 1000.0),
        (TUE, A, "delisted", -1000, 700.0),
    ]
    assert found.daily["cash_jpy"].to_list() == [1_000_000, 0, 0, 700_000, 700_000]


def test_nothing_is_bought_in_a_run_at_the_upper_limit():
    """200 -> 280 -> 360 -> 440 is the exchange's 80 yen a day; the first open below a limit is the first fill."""
    run = [bar(THU, A, 200), *(bar(day, A, price, up=True) for day, price in ((FRI, 280), (MON, 360), (TUE, 440)))]
    market = frames([*run, bar(WED, A, 430), *(bar(day, B, 1000) for day in (THU, FRI, MON, TUE, WED))])
    found = run_backtest(scored({THU: {A: 2, B: 1}}), market, ONE)
    assert rows(found.trades, "session", "shares", "price_jpy") == [(WED, 2300, 430.0)]
    assert rows(found.refused, "session", "reason") == [
        (FRI, "limit_up"), (MON, "limit_up"), (TUE, "limit_up"), (WED, "cash"),
    ]  # fmt: skip


def test_nothing_is_sold_in_a_run_at_the_lower_limit():
    """The way back, 440 -> 360 -> 280, holds a seller until an open above the limit; a buyer is served meanwhile."""
    falls = [bar(MON, A, 360, down=True), bar(TUE, A, 280, down=True), bar(WED, A, 201)]
    market = frames(
        [bar(THU, A, 440), bar(FRI, A, 440), *falls, *(bar(day, B, 1000) for day in (THU, FRI, MON, TUE, WED))]
    )
    found = run_backtest(scored({THU: {A: 2, B: 1}, FRI: {A: 1, B: 2}}), market, replace(ONE, gross_long=0.5))
    assert rows(found.trades.filter(code=A), "session", "shares", "price_jpy") == [
        (FRI, 1100, 440.0), (WED, -1100, 201.0),
    ]  # fmt: skip
    assert found.refused.filter(reason="limit_down")["session"].to_list() == [MON, TUE]
    at_the_bottom = run_backtest(scored({FRI: {A: 2, B: 1}}), market, ONE)
    assert rows(at_the_bottom.trades, "session", "price_jpy") == [(MON, 360.0)]


def test_a_flag_at_the_open_forbids_what_the_table_would_allow():
    """After sessions without a trade the base is a quote nobody printed: the flag knows, the table does not."""
    market = frames(
        [bar(THU, A, 1000), bar(FRI, A, 1150, up=True), bar(MON, A, 1100), *(bar(d, B, 1000) for d in (THU, FRI, MON))]
    )
    found = run_backtest(scored({THU: {A: 2, B: 1}}), market, ONE)
    assert found.trades["session"].to_list() == [MON]
    assert found.notes["opens_on_which_limit_table_and_flags_disagree"] == 1


def test_an_order_waits_through_a_halt_and_a_closed_market():
    market = frames(
        [bar(THU, A, 1000), bar(FRI, A, None), bar(MON, A, None), bar(TUE, A, 990)]
        + [bar(THU, B, 1000), bar(FRI, B, 1000), bar(MON, B, None), bar(TUE, B, 1000)]
    )
    found = run_backtest(scored({THU: {A: 2, B: 1}}), market, ONE)
    assert rows(found.trades, "session", "code", "shares") == [(TUE, A, 1000)]
    assert rows(found.refused, "session", "reason") == [(FRI, "no_trade"), (MON, "no_trade")]


def test_no_volume_is_no_trade_whatever_the_open_says():
    market = frames(
        [bar(THU, A, 1000), bar(FRI, A, 1000, volume=0.0), bar(MON, A, 1000), *(bar(d, B, 9) for d in (THU, FRI, MON))]
    )
    assert run_backtest(scored({THU: {A: 2, B: 1}}), market, ONE).trades["session"].to_list() == [MON]


def test_a_held_name_keeps_its_place_inside_the_band_and_loses_it_beyond():
    names = [f"{place}0000" for place in range(1, 5)]
    days = (THU, FRI, MON, TUE, WED)
    market = frames([bar(day, name, 1000) for day in days for name in names])
    ranks = {THU: (4, 3, 2, 1), FRI: (2, 4, 3, 1), MON: (1, 4, 3, 2)}
    scores = {day: dict(zip(names, values, strict=True)) for day, values in ranks.items()}
    config = replace(FREE, enter=1, leave=3)
    found = run_backtest(scored(scores), market, config)
    assert rows(found.trades, "session", "code", "shares") == [
        (FRI, names[0], 1000), (TUE, names[0], -1000), (TUE, names[1], 1000),
    ]  # fmt: skip


def test_a_place_is_worth_its_share_even_when_few_names_are_there():
    market = frames([bar(day, code, 1000) for day in (THU, FRI) for code in (A, B, "10030")])
    found = run_backtest(scored({THU: {A: 3, B: 2, "10030": 1}}), market, replace(ONE, enter=10, leave=10))
    assert found.trades["shares"].to_list() == [100, 100, 100]
    assert found.daily["cash_jpy"][-1] == 700_000


def test_a_weekly_strategy_decides_on_the_last_session_of_a_week():
    market = frames([bar(day, code, 1000) for day in (THU, FRI, MON, TUE, WED, THU2, FRI2) for code in (A, B)])
    scores = {day: {A: 2, B: 1} for day in (THU, FRI, MON, TUE, WED)} | {THU2: {A: 1, B: 2}}
    found = run_backtest(scored(scores), market, replace(ONE, rebalance="weekly"))
    assert found.trades["session"].to_list() == [MON]
    assert found.daily.filter("is_decision")["session"].to_list() == [FRI]


def test_the_finer_tick_follows_the_dates_of_the_exchange():
    """TOPIX Mid400 moved to the finer tick on 2023-06-05: half a tick of 1,000 shares at 1,000 yen is 500, then 50."""
    spread = {}
    for first in (date(2023, 6, 1), date(2023, 6, 6)):
        days = tse_calendar(first, date(2023, 6, 30)).sessions[:2]
        market = frames([bar(day, code, 1000) for day in days for code in (A, B)], scale="TOPIX Mid400")
        config = replace(ONE, gross_long=1.0, costs=replace(CostConfig.free(), half_spread_ticks=0.5))
        found = run_backtest(scored({days[0]: {A: 2, B: 1}}), market, replace(config, capital_jpy=1.1e6))
        spread[first] = found.trades.select(pl.col("spread_jpy") / pl.col("shares")).item()
    assert list(spread.values()) == pytest.approx([0.5, 0.05])


def test_the_defaults_are_those_of_the_protocol():
    config = BacktestConfig()
    assert (config.enter, config.leave, config.participation, config.lot_shares) == (35, 60, 0.05, 100)
    assert BacktestConfig.long_short().enter == 0.10
