"""Shapes of the price path, all divided by price, range or volatility. Raw travel lives in returns."""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_stock, three_quarters_up
from gogoku_pipeline.features.expressions import Expr, P, equal, greater, larger, magnitude, where
from gogoku_pipeline.features.operators.ranges import true_range
from gogoku_pipeline.features.operators.recursive import ema, wilder
from gogoku_pipeline.features.operators.regression import trend_tstat
from gogoku_pipeline.features.operators.windows import deviation, highest, lag, lowest, mean

CLOSE = ("bars.C", "bars.AdjFactor")
RANGE = ("bars.H", "bars.L", *CLOSE)


def rsi(price: Expr, n: int) -> Expr:
    """Wilder's relative strength index of a price; null where nothing moved (0/0)."""
    change = price - lag(price, 1)
    up = wilder(larger(change, 0.0), n)
    down = wilder(larger(-change, 0.0), n)
    return 100.0 * (up / (up + down))


@per_stock(
    "sma_gap_{n}d",
    group="trend",
    unit="ratio",
    window="S{n}",
    min_obs=three_quarters_up,
    sources=CLOSE,
    observes=("close",),
    needs=("mark[t]",),
    windows=(20, 60),
    at_least=-1.0,
)
def sma_gap(n: int) -> Expr:
    """Distance of the price from its {n}-session mean: m[t] / mean_{n}(c) - 1."""
    return P.mark / mean(P.close, n) - 1


@per_stock(
    "rsi_14_score",
    group="trend",
    unit="score_0_100",
    window="X56",
    min_obs=56,
    sources=CLOSE,
    observes=("close",),
    needs=("close[t]", "close[t-1]"),
)
def rsi_14_score() -> Expr:
    """Relative strength index, the share of smoothed moves that went up: 100 * W_14(up) / (W_14(up) + W_14(down)); up = max(dc,0), down = max(-dc,0), dc = c[t]-c[t-1]."""  # noqa: E501
    return rsi(P.close, 14)


@per_stock(
    "macd_hist",
    group="trend",
    unit="ratio",
    window="X70",
    min_obs=70,
    sources=CLOSE,
    observes=("close",),
    needs=("close[t]",),
)
def macd_hist() -> Expr:
    """MACD histogram as a share of the price: (L - ema_9(L)) / c with L = ema_12(c) - ema_26(c)."""
    line = ema(P.close, 12) - ema(P.close, 26)
    return (line - ema(line, 9)) / P.close


@per_stock(
    "bb_pctb_20",
    group="trend",
    unit="ratio",
    window="S20",
    min_obs=15,
    sources=CLOSE,
    observes=("close",),
    needs=("close[t]",),
)
def bb_pctb_20() -> Expr:
    """Place of the price between its Bollinger bands: (c - (M - 2D)) / (4D); M = mean_20(c), D = sd_20(c) with ddof 0 (Bollinger's own); not clipped."""  # noqa: E501
    spread = deviation(P.close, 20, ddof=0)
    return (P.close - (mean(P.close, 20) - 2.0 * spread)) / (4.0 * spread)


@per_stock(
    "adx_14_score",
    group="trend",
    unit="score_0_100",
    window="X84",
    min_obs=84,
    sources=RANGE,
    observes=("high", "low", "close"),
    needs=("high[t]", "low[t]", "close[t]", "high[t-1]", "low[t-1]", "close[t-1]"),
)
def adx_14_score() -> Expr:
    """Average directional index, how one-sided the path is: W_14(DX); DX = 100 * |+DI - -DI| / (+DI + -DI)."""
    rise = P.high - lag(P.high, 1)
    fall = lag(P.low, 1) - P.low
    plus = where(greater(rise, fall), larger(rise, 0.0), 0.0)
    minus = where(greater(fall, rise), larger(fall, 0.0), 0.0)
    travel = wilder(true_range(P.high, P.low, P.close), 14)
    plus_share, minus_share = wilder(plus, 14) / travel, wilder(minus, 14) / travel
    return wilder(100.0 * (magnitude(plus_share - minus_share) / (plus_share + minus_share)), 14)


@per_stock(
    "stoch_k_14",
    group="trend",
    unit="ratio",
    window="S14",
    min_obs=11,
    sources=RANGE,
    observes=("high", "low", "close"),
    needs=("close[t]",),
    undefined=equal(highest(P.high, 14), lowest(P.low, 14)),
    at_least=0.0,
    at_most=1.0,
)
def stoch_k_14() -> Expr:
    """Place of the close in the range of 14 sessions: (c - min_14(l)) / (max_14(h) - min_14(l))."""
    low = lowest(P.low, 14)
    return (P.close - low) / (highest(P.high, 14) - low)


@per_stock(
    "trend_tstat_60d",
    group="trend",
    unit="tstat",
    window="S60",
    min_obs=45,
    sources=CLOSE,
    observes=("close",),
)
def trend_tstat_60d() -> Expr:
    """How straight the path of a quarter is: t statistic of the OLS slope of ln c on the session index over 60 sessions (traded sessions only)."""  # noqa: E501
    return trend_tstat(P.close, 60)
