"""Corners of the backtest's rules, to the yen: a tier's bound, an odd fraction sold short, the tenth notice."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.evaluation.backtest.config import BacktestConfig
from gogoku_pipeline.evaluation.backtest.costs import commission_jpy, rules_of
from gogoku_pipeline.evaluation.backtest.fills import CASH, PARTICIPATION, fill_open, new_book, new_fills, open_of
from gogoku_pipeline.evaluation.backtest.market import market_grid
from gogoku_pipeline.evaluation.backtest.result import run_backtest
from tests.unit.evaluation.small_exchange import FREE, bar, frames, scored

A, B = "10010", "10020"
THU, FRI, MON, TUE = tse_calendar(date(2024, 5, 9), date(2024, 5, 14)).sessions
ONE = replace(FREE, enter=1, leave=1, horizon_d=2)


@pytest.mark.parametrize(
    ("value", "commission"),
    [(1e6, 1_000.0), (1e6 + 2, 500.001), (1e7, 5_000.0), (1e8, 30_000.0), (2e8, 40_000.0)],
    ids=["on-the-first-bound", "above-it", "on-the-second", "on-the-third", "beyond-all"],
)
def test_a_value_on_a_bound_pays_the_rate_of_the_tier_below(value, commission):
    assert commission_jpy(value, rules_of(BacktestConfig())) == pytest.approx(commission)


def test_a_short_position_keeps_whole_shares_towards_zero_and_pays_for_its_fraction():
    """300 shares sold at 1,000 yen become 42 and 6/7 of 7,000 yen each: 42 stay sold, the 6/7 cost 6,000 yen."""
    market = frames(
        [bar(day, code, 1000) for day in (THU, FRI) for code in (A, B)]
        + [bar(MON, A, 1000), bar(MON, B, None, factor=7.0, rights="2")]
    )
    config = replace(ONE, side="long_short", gross_long=0.3, gross_short=0.3)
    found = run_backtest(scored({THU: {A: 2, B: 1}}), market, config)
    assert found.holdings.filter(session=MON).select("code", "shares").rows() == [(A, 300), (B, -42)]
    assert found.daily["cash_jpy"].to_list() == pytest.approx([1_000_000, 1_000_000, 994_000])
    assert found.daily["equity_jpy"].to_list() == pytest.approx([1_000_000] * 3)


def test_the_tenth_notice_of_a_dividend_corrects_the_ninth():
    """Reference numbers are counted, not read as words: 20 yen stand for 1,000 shares, not 10."""
    market = frames(
        [bar(day, code, 1000) for day in (THU, FRI, MON) for code in (A, B)],
        notices=[
            (A, "9", "1", "2", THU, "15:00:00", MON, 10.0),
            (A, "10", "1", "2", THU, "15:00:00", MON, 20.0),
        ],
    )
    found = run_backtest(scored({THU: {A: 2, B: 1}}), market, ONE)
    assert found.daily["dividends_jpy"].to_list() == [0, 0, 20_000]


def test_what_an_issue_without_a_listing_earns_is_no_known_sectors():
    """500 shares each from 1,000 yen; A stands still, B, whose sector nobody says, gains 100 yen."""
    market = frames(
        [bar(day, A, 1000) for day in (THU, FRI, MON)] + [bar(THU, B, 1000), bar(FRI, B, 1000, 1100), bar(MON, B, 1100)]
    )
    silent = replace(market, listed=market.listed.filter(code=A))
    found = run_backtest(scored({THU: {A: 2, B: 1}}), silent, replace(ONE, enter=2, leave=2))
    sectors = found.exposure.filter(kind="sector").select("name", "pnl_jpy").rows()
    assert sectors == [("3250", pytest.approx(0.0)), ("unknown", pytest.approx(50_000.0))]


@pytest.mark.parametrize(("price", "day"), [(413, TUE), (412, MON)], ids=["the-last-tick-inside", "below-it"])
def test_an_upper_limit_between_two_ticks_is_the_tick_inside(price, day):
    """1,000 yen split 3:1 make a base of 333 1/3; 80 yen above lie 413 1/3, so the last price is 413."""
    found = run_backtest(scored({FRI: {A: 2, B: 1}}), after_a_split(price), ONE)
    assert found.trades.filter(code=A)["session"].to_list() == [day]


@pytest.mark.parametrize(("price", "day"), [(254, TUE), (255, MON)], ids=["the-last-tick-inside", "above-it"])
def test_a_lower_limit_between_two_ticks_is_the_tick_inside(price, day):
    """80 yen below 333 1/3 lie 253 1/3, so the last price is 254."""
    found = run_backtest(scored({THU: {A: 2, B: 1}, FRI: {A: 1, B: 2}}), after_a_split(price), ONE)
    assert found.trades.filter(code=A)["session"].to_list() == [FRI, day]


def after_a_split(price):
    """A opens at a price on the session of its split 3:1, without the publisher's flags, and a little lower after."""
    quiet = [bar(day, code, 1000) for day in (THU, FRI) for code in (A, B)]
    split = [bar(MON, A, price, factor=0.333333, rights="1"), bar(TUE, A, 330)]
    return frames([*quiet, *split, bar(MON, B, 1000), bar(TUE, B, 1000)])


def test_what_nobody_ever_traded_cannot_be_traded_in_any_size():
    """Without any volume before the open nothing is a share of it: participation refuses, whatever money is there."""
    dead = [bar(day, code, 1000, volume=0.0) for day in (THU, FRI) for code in (A, B)]
    market = frames([*dead, *(bar(day, code, 1000) for day in (MON, TUE) for code in (A, B))])
    opened = run_backtest(scored({MON: {A: 2, B: 1}}), market, replace(ONE, volume_window=1))
    assert opened.trades["session"].to_list() == [TUE]
    grid = market_grid(market, volume_window=2)
    fills = new_fills(2)
    book = new_book(2, 1e6)
    book.target[0] = 100
    fill_open(open_of(grid, 2), book, np.array([0]), rules_of(replace(ONE, participation=1.0)), fills)
    assert np.isnan(grid.volume[2]).all()
    assert (fills.rows[0], fills.refused[PARTICIPATION, 0], fills.refused[CASH, 0]) == (0, 1, 0)
