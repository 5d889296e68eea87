"""Figures read off the accounts, against plain formulas and other libraries; tables add up to the whole."""

import math
from dataclasses import replace
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from scipy import stats

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.core.sessions import SESSIONS_PER_YEAR
from gogoku_pipeline.evaluation.backtest.config import BacktestConfig
from gogoku_pipeline.evaluation.backtest.market import market_grid
from gogoku_pipeline.evaluation.backtest.performance import performance, value_at_risk
from gogoku_pipeline.evaluation.backtest.plots import capacity_picture, equity_and_drawdown
from gogoku_pipeline.evaluation.backtest.result import run_backtest
from gogoku_pipeline.evaluation.backtest.tables import by_month, capacity_curve
from gogoku_pipeline.evaluation.deflation import probabilistic_sharpe
from gogoku_pipeline.evaluation.trials import Trial, trial_rows
from tests.unit.evaluation.small_exchange import DAYS, FREE, bar, frames, made_by_chance, scored

CONFIG = BacktestConfig(capital_jpy=5e6, enter=3, leave=5, min_names=3, rebalance="daily")
A, B = "10010", "10020"


@pytest.fixture(scope="module")
def found():
    market, scores = made_by_chance(51)
    index = 1500 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, 36)))
    topix = pl.DataFrame({"session": DAYS[:36], "close_points": index}, schema_overrides={"session": pl.Date})
    return run_backtest(scored(scores), replace(market, topix=topix), CONFIG)


def path(*prices):
    """The result of holding one name, all of the money, along closing prices."""
    days = DAYS[: len(prices) + 1]
    rows = [bar(days[0], A, prices[0]), *(bar(d, A, p) for d, p in zip(days[1:], prices, strict=True))]
    market = frames(rows + [bar(day, B, 1000) for day in days])
    return run_backtest(scored({days[0]: {A: 2, B: 1}}), market, replace(FREE, enter=1, leave=1, horizon_d=len(prices)))


def test_a_drawdown_runs_from_its_peak_to_its_trough():
    known = performance(path(1000, 1200, 900, 1100, 1150, 1000))
    assert known.max_drawdown == pytest.approx(900 / 1200 - 1)
    assert (known.drawdown_from, known.drawdown_to) == (DAYS[2], DAYS[3])
    assert known.total_return == pytest.approx(0.0)
    assert known.win_rate == pytest.approx(3 / 6)


def test_value_at_risk_is_a_loss_that_happened_and_its_tail_the_mean_beyond():
    returns = np.arange(-10, 90) / 1000
    assert value_at_risk(returns, 0.95) == pytest.approx((0.006, 0.008))
    assert value_at_risk(returns, 0.99) == pytest.approx((0.010, 0.010))
    assert all(math.isnan(value) for value in value_at_risk(returns[:0], 0.95))


def test_figures_follow_their_formulas(found):
    known = performance(found)
    returns, index = (found.daily[name].to_numpy()[1:] for name in ("ret", "topix_ret"))
    years = len(returns) / SESSIONS_PER_YEAR
    equity = found.daily["equity_jpy"].to_numpy()
    assert known.annual_return == pytest.approx((equity[-1] / equity[0]) ** (1 / years) - 1)
    assert known.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(SESSIONS_PER_YEAR))
    line = stats.linregress(index, returns)
    assert known.beta == pytest.approx(line.slope)
    assert known.alpha == pytest.approx(line.intercept * SESSIONS_PER_YEAR)
    assert (known.skewness, known.kurtosis) == pytest.approx((stats.skew(returns), stats.kurtosis(returns) + 3))
    assert known.tracking_error == pytest.approx(np.std(returns - index, ddof=1) * math.sqrt(SESSIONS_PER_YEAR))
    assert known.cost_share == pytest.approx(known.commission_share + known.spread_share + known.impact_share)
    assert known.gross_annual_return > known.annual_return
    assert known.net == pytest.approx(known.invested)
    frame = known.to_frame()
    assert frame.height == 1 and frame["suspicions"].dtype == pl.List(pl.String)


def test_luck_of_many_trials_takes_probability_away(found):
    returns = found.daily["ret"].drop_nulls().to_numpy()
    alone = performance(found)
    assert alone.probabilistic_sharpe == probabilistic_sharpe(returns)
    assert math.isnan(alone.deflated_sharpe) and alone.trials == 0
    noise = np.random.default_rng(2).normal(0, 0.02, (50, len(returns)))
    tried = [(Trial("m", "c", "f", seed), series) for seed, series in enumerate([returns, *noise])]
    ledger = trial_rows(tried, recorded_at=datetime(2024, 1, 4, tzinfo=JST))
    known = performance(found, ledger)
    assert known.trials == 51
    assert known.deflated_sharpe < known.probabilistic_sharpe


def test_pictures_are_small_and_refuse_nothing(found):
    market, scores = made_by_chance(53)
    curve = capacity_curve(scored(scores), market, CONFIG, capitals=(3e6, 3e7))
    accounts = found.daily.with_columns(scores=pl.lit("model"))
    for picture in (equity_and_drawdown(accounts), capacity_picture(curve)):
        assert picture.startswith(b"\x89PNG") and len(picture) < 40_000
    for empty in (lambda: equity_and_drawdown(accounts.clear()), lambda: capacity_picture(curve.clear())):
        with pytest.raises(EvaluationError, match="no rows"):
            empty()


def test_turnover_counts_a_yen_bought_and_sold_once(found):
    known = performance(found)
    daily = found.daily
    traded = (daily["bought_jpy"] + daily["sold_jpy"]).to_numpy()[1:] / daily["equity_jpy"].to_numpy()[:-1]
    assert known.turnover == pytest.approx(traded.sum() / 2 * SESSIONS_PER_YEAR / (daily.height - 1))
    fills = found.trades.filter(kind="fill").select((pl.col("shares") * pl.col("price_jpy")).abs().sum()).item()
    assert fills == pytest.approx((daily["bought_jpy"] + daily["sold_jpy"]).sum())


def test_months_compound_to_the_whole(found):
    months = by_month(found)
    equity = found.daily["equity_jpy"].to_numpy()
    assert (months["ret"] + 1).product() == pytest.approx(equity[-1] / equity[0])
    index = found.daily["topix_ret"].drop_nulls()
    assert (months["topix_ret"] + 1).product() == pytest.approx((index + 1).product())
    assert months["sessions"].sum() == found.daily.height - 1
    assert months["excess"].to_list() == (months["ret"] - months["topix_ret"]).to_list()


def test_months_without_an_index_have_none():
    months = by_month(path(1000, 1100, 1200))
    assert months["topix_ret"].is_null().all() and months["excess"].is_null().all()


def test_sectors_earn_what_the_accounts_earn(found):
    sectors = found.exposure.filter(kind="sector")
    equity = found.daily["equity_jpy"]
    assert sectors["pnl_jpy"].sum() == pytest.approx(equity[-1] - equity[0])
    assert sectors["contribution"].sum() == pytest.approx(found.daily["ret"].sum())
    share = (found.daily["long_jpy"] / equity).mean()
    for kind in ("sector", "size"):
        assert found.exposure.filter(kind=kind)["long_share"].sum() == pytest.approx(share)


def test_capacity_pays_more_for_trading_with_more_money():
    market, scores = made_by_chance(52)
    curve = capacity_curve(scored(scores), market_grid(market), CONFIG, capitals=(1e9, 3e6, 3e7))
    assert curve["capital_jpy"].to_list() == [3e6, 3e7, 1e9]
    assert curve["invested"].is_sorted(descending=True), "the participation cap leaves more and more in cash"


def test_an_index_that_does_not_move_has_no_beta():
    known = performance(path(1000, 1200, 900))
    assert math.isnan(known.beta) and math.isnan(known.information_ratio) and math.isnan(known.topix_annual_return)
    assert known.to_frame()["beta"].is_null().all()
