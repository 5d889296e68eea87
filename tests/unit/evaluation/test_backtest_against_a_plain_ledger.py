"""The engine and a second, plain implementation of the same rules keep the same books, to the hundredth of a yen."""

from dataclasses import replace

import pytest

from gogoku_pipeline.evaluation.backtest.config import BacktestConfig, CostConfig
from gogoku_pipeline.evaluation.backtest.result import run_backtest
from tests.unit.evaluation.plain_ledger import keep_books
from tests.unit.evaluation.small_exchange import made_by_chance, scored

SMALL = BacktestConfig(capital_jpy=3e6, enter=3, leave=5, min_names=3, rebalance="daily", horizon_d=60)
STRATEGIES = {
    "long_only": SMALL,
    "long_short": replace(SMALL, side="long_short", enter=0.3, leave=0.45, gross_long=1.2, gross_short=0.8),
    "without_costs": replace(SMALL, costs=CostConfig.free(), drift_band=0.0, participation=1.0),
    "dear": replace(
        SMALL,
        side="long_short",
        enter=2,
        leave=2,
        capital_jpy=2e7,
        volume_window=7,
        costs=CostConfig(impact=2.0, half_spread_ticks=1.0, borrow_fee=0.08, short_dividend_share=0.84685),
    ),
}


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("seed", range(12))
def test_the_engine_keeps_the_books_a_plain_ledger_keeps(seed, name):
    config = STRATEGIES[name]
    market, scores = made_by_chance(seed)
    accounts, fills = keep_books(market, scores, config)
    found = run_backtest(scored(scores), market, config)
    assert len(fills) > 10
    assert found.daily["session"].to_list() == [account["session"] for account in accounts]
    held = {}
    for row in found.holdings.iter_rows(named=True):
        held.setdefault(row["session"], {})[row["code"]] = row["shares"]
    for account, row in zip(accounts, found.daily.iter_rows(named=True), strict=True):
        assert held.get(account["session"], {}) == account["shares"]
        costs = row["commission_jpy"] + row["spread_jpy"] + row["impact_jpy"]
        got = (row["equity_jpy"], row["cash_jpy"], row["dividends_jpy"], row["borrow_jpy"], costs)
        want = tuple(account[key] for key in ("equity", "cash", "dividends", "fees", "costs"))
        assert got == pytest.approx(want, abs=0.01), account["session"]
    trades = [(row["session"], row["code"], row["kind"], row["shares"], row["price_jpy"]) for row in
              found.trades.iter_rows(named=True)]  # fmt: skip
    assert sorted(trades) == sorted(fill[:4] + (pytest.approx(fill[4]),) for fill in fills)
