"""Technical indicators against TA-Lib, where the definitions coincide.

TA-Lib seeds ADX and the directional movement with sums of n - 1 inputs instead of n, and the adaptive mean one close
earlier, so they are compared when the seed has faded; RSI and ATR are seeded alike. TA-Lib has no gaps, so the walk
has none.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
import talib

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import FeatureInputs

SESSIONS = tse_calendar(date(2019, 1, 4)).sessions[:500]
NAMES = [
    "rsi_14_score",
    "atr_pct_14",
    "adx_14_score",
    "stoch_k_14",
    "bb_pctb_20",
    "macd_hist",
    "sma_gap_60d",
    "beta_60d",
    "rsi_2_score",
    "macd_line",
    "ma_cross_20_60",
    "di_diff_14",
    "bb_width_20",
    "kama_gap_10",
    "aroon_osc_25",
    "williams_r_60",
    "donchian_break_20",
    "cmf_20",
    "obv_ratio_20",
    "squeeze_mom",
    "connors_rsi_score",
    "ret_20d",
    "sma_gap_250d",
]


@pytest.fixture(scope="module")
def walk() -> dict[str, np.ndarray]:
    rng = stream(11, "talib")
    close = 2000 * np.exp(np.cumsum(rng.normal(0, 0.02, 500)))
    opening = close * np.exp(rng.normal(0, 0.01, 500))
    return {
        "open": opening,
        "high": np.maximum(opening, close) * np.exp(np.abs(rng.normal(0, 0.006, 500))),
        "low": np.minimum(opening, close) * np.exp(-np.abs(rng.normal(0, 0.006, 500))),
        "close": close,
        "volume": np.round(1e5 * np.exp(rng.normal(0, 0.5, 500))),
        "index": 1500 * np.exp(np.cumsum(rng.normal(0, 0.01, 500))),
    }


@pytest.fixture(scope="module")
def ours(walk) -> dict[str, np.ndarray]:
    bars = {name: walk[name] for name in ("open", "high", "low", "close")}
    prices = pl.DataFrame(
        {"session": SESSIONS, "code": ["72030"] * 500, **bars, "mark": walk["close"], "volume": walk["volume"]}
    ).with_columns(turnover_jpy=pl.col("volume"), is_market_halt=False, is_gap=False)
    universe = prices.select("session", "code", is_in_universe=True, sector33_code=pl.lit("0050"))
    topix = pl.DataFrame({"session": SESSIONS, "close_points": walk["index"], "is_market_halt": [False] * 500})
    inputs = FeatureInputs(prices, universe.with_columns(sector17_code=pl.lit("1")), topix)
    frame = compute(NAMES, inputs, start=SESSIONS[0], end=SESSIONS[-1])
    return {name: frame[name].cast(pl.Float64).to_numpy() for name in NAMES}


def agree(left: np.ndarray, right: np.ndarray, after: int, rel: float = 1e-5) -> None:
    assert np.isfinite(left[after:]).all()
    np.testing.assert_allclose(left[after:], right[after:], rtol=rel, atol=1e-7)


def test_rsi(walk, ours):
    agree(ours["rsi_14_score"], talib.RSI(walk["close"], 14), after=60)


def test_atr(walk, ours):
    agree(ours["atr_pct_14"], talib.ATR(walk["high"], walk["low"], walk["close"], 14) / walk["close"], after=30)


def test_adx_after_the_seed_has_faded(walk, ours):
    agree(ours["adx_14_score"], talib.ADX(walk["high"], walk["low"], walk["close"], 14), after=300, rel=1e-4)


def test_stochastic(walk, ours):
    fast, _ = talib.STOCHF(walk["high"], walk["low"], walk["close"], fastk_period=14, fastd_period=1)
    agree(ours["stoch_k_14"], fast / 100, after=20)


def test_bollinger(walk, ours):
    upper, _, lower = talib.BBANDS(walk["close"], timeperiod=20, nbdevup=2.0, nbdevdn=2.0)
    agree(ours["bb_pctb_20"], (walk["close"] - lower) / (upper - lower), after=20)


def test_macd_after_the_seed_has_faded(walk, ours):
    _, _, histogram = talib.MACD(walk["close"], 12, 26, 9)
    agree(ours["macd_hist"], histogram / walk["close"], after=350)


def test_rsi_of_two_sessions(walk, ours):
    agree(ours["rsi_2_score"], talib.RSI(walk["close"], 2), after=10)


def test_macd_line_after_the_seed_has_faded(walk, ours):
    line, _, _ = talib.MACD(walk["close"], 12, 26, 9)
    agree(ours["macd_line"], line / walk["close"], after=350)


def test_exponential_means_after_the_seed_has_faded(walk, ours):
    agree(ours["ma_cross_20_60"], talib.EMA(walk["close"], 20) / talib.EMA(walk["close"], 60) - 1, after=450, rel=1e-4)


def test_directional_movement_after_the_seed_has_faded(walk, ours):
    bars = (walk["high"], walk["low"], walk["close"], 14)
    agree(ours["di_diff_14"], (talib.PLUS_DI(*bars) - talib.MINUS_DI(*bars)) / 100, after=300, rel=1e-4)


def test_width_of_the_bollinger_bands(walk, ours):
    upper, middle, lower = talib.BBANDS(walk["close"], timeperiod=20, nbdevup=2.0, nbdevdn=2.0)
    agree(ours["bb_width_20"], (upper - lower) / middle, after=20)


def test_adaptive_mean_after_the_seed_has_faded(walk, ours):
    agree(ours["kama_gap_10"], walk["close"] / talib.KAMA(walk["close"], 10) - 1, after=400, rel=1e-4)


def test_aroon(walk, ours):
    agree(ours["aroon_osc_25"], talib.AROONOSC(walk["high"], walk["low"], 25) / 100, after=30)


def test_williams(walk, ours):
    agree(ours["williams_r_60"], talib.WILLR(walk["high"], walk["low"], walk["close"], 60) / 100, after=60)


def test_channel_of_the_month_before(walk, ours):
    high = np.roll(talib.MAX(walk["high"], 20), 1)
    low = np.roll(talib.MIN(walk["low"], 20), 1)
    agree(ours["donchian_break_20"], (walk["close"] - low) / (high - low), after=25)


def test_money_flow_is_the_growth_of_the_accumulation_line(walk, ours):
    line = talib.AD(walk["high"], walk["low"], walk["close"], walk["volume"])
    agree(ours["cmf_20"], (line - np.roll(line, 20)) / talib.SUM(walk["volume"], 20), after=25, rel=1e-4)


def test_balance_of_volume_is_the_growth_of_its_running_sum(walk, ours):
    line = talib.OBV(walk["close"], walk["volume"])
    agree(ours["obv_ratio_20"], (line - np.roll(line, 20)) / talib.SUM(walk["volume"], 20), after=25)


def test_squeeze_momentum(walk, ours):
    high, low, close = walk["high"], walk["low"], walk["close"]
    away = close - ((talib.MAX(high, 20) + talib.MIN(low, 20)) / 2 + talib.SMA(close, 20)) / 2
    line = np.append(np.full(19, np.nan), talib.LINEARREG(away[19:], 20))
    agree(ours["squeeze_mom"], line / talib.ATR(high, low, close, 14), after=45, rel=1e-4)


def test_connors_rsi(walk, ours):
    close = walk["close"]
    change = np.diff(close) / close[:-1]
    streak = np.zeros(change.size)
    for t, move in enumerate(change):
        same = t > 0 and streak[t - 1] * move > 0
        streak[t] = np.sign(move) * (1 + abs(streak[t - 1]) if same else 1)
    rank = np.array([np.mean(change[t - 100 : t] < change[t]) for t in range(100, change.size)])
    expected = (talib.RSI(close, 3)[101:] + talib.RSI(streak, 2)[100:] + 100 * rank) / 3
    agree(ours["connors_rsi_score"][101:], expected, after=0)


def test_change_over_a_month(walk, ours):
    agree(ours["ret_20d"], talib.ROCP(walk["close"], 20), after=20)


def test_yearly_mean(walk, ours):
    agree(ours["sma_gap_250d"], walk["close"] / talib.SMA(walk["close"], 250) - 1, after=250)


def test_moving_average_gap(walk, ours):
    agree(ours["sma_gap_60d"], walk["close"] / talib.SMA(walk["close"], 60) - 1, after=60)


def test_beta_against_a_plain_covariance(walk, ours):
    stock, index = (np.diff(walk[name]) / walk[name][:-1] for name in ("close", "index"))
    last = np.cov(stock[-60:], index[-60:])
    assert ours["beta_60d"][-1] == pytest.approx(last[0, 1] / last[1, 1], rel=1e-6)
