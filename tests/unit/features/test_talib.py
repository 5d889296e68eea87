"""Technical indicators against TA-Lib, where the definitions coincide.

TA-Lib seeds ADX with sums of n - 1 inputs instead of n, so ADX is compared after 250 sessions, when the seed has
faded; RSI and ATR are seeded alike. TA-Lib has no gaps, so the walk has none.
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
        "index": 1500 * np.exp(np.cumsum(rng.normal(0, 0.01, 500))),
    }


@pytest.fixture(scope="module")
def ours(walk) -> dict[str, np.ndarray]:
    bars = {name: walk[name] for name in ("open", "high", "low", "close")}
    prices = pl.DataFrame(
        {"session": SESSIONS, "code": ["72030"] * 500, **bars, "mark": walk["close"], "volume": [1.0] * 500}
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


def test_moving_average_gap(walk, ours):
    agree(ours["sma_gap_60d"], walk["close"] / talib.SMA(walk["close"], 60) - 1, after=60)


def test_beta_against_a_plain_covariance(walk, ours):
    stock, index = (np.diff(walk[name]) / walk[name][:-1] for name in ("close", "index"))
    last = np.cov(stock[-60:], index[-60:])
    assert ours["beta_60d"][-1] == pytest.approx(last[0, 1] / last[1, 1], rel=1e-6)
