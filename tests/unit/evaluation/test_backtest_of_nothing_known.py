"""Scores that know nothing earn minus their costs; scores that know something earn more; a locked run is not bought."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.evaluation.backtest.config import BacktestConfig, CostConfig
from gogoku_pipeline.evaluation.backtest.market import MarketFrames, market_grid
from gogoku_pipeline.evaluation.backtest.performance import performance
from gogoku_pipeline.evaluation.backtest.result import run_backtest
from gogoku_pipeline.evaluation.significance import stationary_bootstrap_ci
from tests.unit.evaluation.small_exchange import BAR, DAYS, LISTED, bar

NAMES, SESSIONS = 80, 160
CODES = [f"{2000 + place}0" for place in range(NAMES)]
RUN = "19990"
CONFIG = replace(
    BacktestConfig.long_short(), rebalance="daily", capital_jpy=1e9, horizon_d=1, costs=CostConfig(impact=0.3)
)


def market_of(seed):
    """(tables, day x name open-to-open returns): random walks without drift, opens at the last close."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, 0.02, (SESSIONS, NAMES))
    closing = np.round(2000 * np.exp(np.cumsum(moves - 0.0002, axis=0)), 1)
    opening = np.vstack([closing[:1], closing[:-1]])
    keys = [(day, code) for day in DAYS[:SESSIONS] for code in CODES]
    bars = pl.DataFrame(keys, schema={"session": pl.Date, "code": pl.String}, orient="row").with_columns(
        pl.Series("open_jpy", opening.ravel()),
        pl.Series("high_jpy", np.maximum(opening, closing).ravel() + 10),
        pl.Series("low_jpy", np.minimum(opening, closing).ravel() - 10),
        pl.Series("close_jpy", closing.ravel()),
        pl.lit(5e6).alias("volume_shares"),
        pl.lit(1.0).alias("adjustment_factor"),
        pl.lit(None, dtype=pl.String).alias("ex_rights_type"),
        pl.lit(False).alias("is_limit_up"),
        pl.lit(False).alias("is_limit_down"),
    ).select(*BAR).cast(BAR)  # fmt: skip
    listed = pl.DataFrame([(*key, "-", "2", "3250") for key in keys], schema=LISTED, orient="row")
    ahead = np.zeros((SESSIONS, NAMES))
    ahead[:-2] = opening[2:] / opening[1:-1] - 1
    return MarketFrames(bars, listed), ahead


def scores_of(values):
    rows = [(day, code) for day in DAYS[:SESSIONS] for code in CODES]
    return pl.DataFrame(rows, schema={"session": pl.Date, "code": pl.String}, orient="row").with_columns(
        pl.Series("score", values.ravel())
    )


@pytest.fixture(scope="module")
def exchange():
    tables, ahead = market_of(3)
    return market_grid(tables), ahead


def daily_shares(found):
    """Net return, and costs with borrowing fees, as shares of the equity before, per session."""
    daily = found.daily
    before = daily["equity_jpy"].to_numpy()[:-1]
    spent = daily.select(pl.sum_horizontal("commission_jpy", "spread_jpy", "impact_jpy", "borrow_jpy")).to_series()
    return daily["ret"].drop_nulls().to_numpy(), spent.to_numpy()[1:] / before


@pytest.mark.parametrize("seed", range(4))
def test_scores_shuffled_within_each_session_earn_minus_their_costs(exchange, seed):
    grid, ahead = exchange
    rng = np.random.default_rng(seed)
    shuffled = np.array([rng.permutation(day) for day in ahead])
    net, costs = daily_shares(run_backtest(scores_of(shuffled), grid, CONFIG))
    without = stationary_bootstrap_ci(net + costs, level=0.99)
    assert without.low < 0 < without.high
    whole = stationary_bootstrap_ci(net, level=0.99)
    assert whole.low < -costs.mean() < whole.high < 0


def test_the_same_scores_unshuffled_earn_more_than_their_costs(exchange):
    grid, ahead = exchange
    net, costs = daily_shares(run_backtest(scores_of(ahead), grid, CONFIG))
    assert stationary_bootstrap_ci(net, level=0.99).low > costs.mean() > 0


def test_a_run_too_good_to_be_true_asks_for_the_leak_audit(exchange):
    grid, ahead = exchange
    known = performance(run_backtest(scores_of(ahead), grid, CONFIG))
    assert known.sharpe > 4 and known.win_rate > 0.65 and len(known.suspicions) == 2
    noise = performance(run_backtest(scores_of(np.random.default_rng(1).normal(size=ahead.shape)), grid, CONFIG))
    assert noise.suspicions == ()


def test_a_planted_run_of_80_yen_a_day_is_wanted_every_day_and_never_bought_at_its_limit():
    tables, ahead = market_of(4)
    price, rows, locked = 200.0, [], []
    for place, day in enumerate(DAYS[:SESSIONS]):
        if 60 <= place < 63:
            price += 80
            locked.append(day)
            rows.append(bar(day, RUN, price, volume=1e6, up=True))
        else:
            rows.append(bar(day, RUN, price + 1, price, volume=1e6))
    bars = pl.concat([tables.bars, pl.DataFrame(rows, schema=BAR, orient="row")])
    listed = pl.concat(
        [tables.listed, pl.DataFrame([(row[0], RUN, "-", "2", "3250") for row in rows], schema=LISTED, orient="row")]
    )
    wanted = [(day, RUN, 9.0 if 58 < place < 64 else -9.0 if place == 58 else None)
              for place, day in enumerate(DAYS[:SESSIONS])]  # fmt: skip
    scores = pl.concat([scores_of(ahead), pl.DataFrame(wanted, schema=scores_of(ahead).schema, orient="row")])
    found = run_backtest(scores, MarketFrames(bars, listed), replace(CONFIG, side="long_only", enter=5, leave=8))
    fills = found.trades.filter(code=RUN)
    assert [price for _, price in bars.filter(code=RUN).select("session", "open_jpy").rows()][60:63] == [280, 360, 440]
    assert not set(fills.filter(pl.col("shares") > 0)["session"]) & set(locked)
    refused = found.refused.filter(reason="limit_up")["session"].to_list()
    assert [day for day in locked if day in refused] == locked
    first = fills.filter(pl.col("shares") > 0)["session"].min()
    assert first == DAYS[63], "bought at the first open below a limit"
