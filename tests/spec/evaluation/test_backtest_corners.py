"""Corners of the backtest's rules, to the yen: a tier's bound, an odd fraction sold short, the tenth notice."""

from dataclasses import replace
from datetime import date

import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.evaluation.backtest.config import BacktestConfig
from gogoku_pipeline.evaluation.backtest.costs import commission_jpy, rules_of
from gogoku_pipeline.evaluation.backtest.result import run_backtest
from tests.unit.evaluation.small_exchange import FREE, bar, frames, scored

A, B = "10010", "10020"
THU, FRI, MON = tse_calendar(date(2024, 5, 9), date(2024, 5, 13)).sessions
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
