"""Shapes of the price path: means, lines and relative strength, all divided by price. Raw travel lives in returns.

Ranges, bands and volume are in `technicals`, the same group.
"""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_stock, three_quarters_up
from gogoku_pipeline.features.expressions import Expr, F, P, equal, magnitude
from gogoku_pipeline.features.operators.adaptive import adaptive_mean
from gogoku_pipeline.features.operators.directional import is_unmoved, movement, rsi, strength
from gogoku_pipeline.features.operators.fractional import fractional_difference
from gogoku_pipeline.features.operators.placing import share_below
from gogoku_pipeline.features.operators.recursive import ema, previous, wilder
from gogoku_pipeline.features.operators.regression import trend_tstat
from gogoku_pipeline.features.operators.windows import highest, lowest, mean

CLOSE = ("bars.C", "bars.AdjFactor")
RANGE = ("bars.H", "bars.L", *CLOSE)
BOTH_DAYS = ("high[t]", "low[t]", "close[t]", "high[t-1]", "low[t-1]", "close[t-1]")
MOVES = movement(P.high, P.low, P.close, 14)
"""Smoothed moves up and down and the smoothed true range."""


@per_stock(
    "sma_gap_{n}d",
    group="trend",
    unit="ratio",
    window="S{n}",
    min_obs=three_quarters_up,
    sources=CLOSE,
    observes=("close",),
    needs=("mark[t]",),
    windows=(5, 20, 60, 250),
    at_least=-1.0,
)
def sma_gap(n: int) -> Expr:
    """Distance of the price from its {n}-session mean: m[t] / mean_{n}(c) - 1."""
    return P.mark / mean(P.close, n) - 1


@per_stock(
    "ma_cross_20_60",
    group="trend",
    unit="ratio",
    window="X60",
    min_obs=60,
    sources=CLOSE,
    observes=("close",),
    needs=("close[t]",),
    at_least=-1.0,
)
def ma_cross_20_60() -> Expr:
    """Month's mean price against the quarter's: ema_20(c) / ema_60(c) - 1."""
    return ema(P.close, 20) / ema(P.close, 60) - 1


@per_stock(
    "trend_tstat_60d",
    group="trend",
    unit="tstat",
    window="S60",
    min_obs=45,
    sources=CLOSE,
    observes=("close",),
    undefined=equal(highest(P.close, 60), lowest(P.close, 60)),
)
def trend_tstat_60d() -> Expr:
    """How straight the path of a quarter is: t statistic of the OLS slope of ln c on the session index over 60 sessions (traded sessions only)."""  # noqa: E501
    return trend_tstat(P.close, 60)


@per_stock(
    "rsi_2_score",
    group="trend",
    unit="score_0_100",
    window="X8",
    min_obs=8,
    sources=CLOSE,
    observes=("close",),
    needs=("close[t]", "close[t-1]"),
    undefined=is_unmoved(P.close, 2),
)
def rsi_2_score() -> Expr:
    """Relative strength index of the last days: 100 * W_2(up) / (W_2(up) + W_2(down)); up = max(dc,0), down = max(-dc,0), dc = c[t]-c[t-1]."""  # noqa: E501
    return rsi(P.close, 2)


@per_stock(
    "rsi_14_score",
    group="trend",
    unit="score_0_100",
    window="X56",
    min_obs=56,
    sources=CLOSE,
    observes=("close",),
    needs=("close[t]", "close[t-1]"),
    undefined=is_unmoved(P.close, 14),
)
def rsi_14_score() -> Expr:
    """Relative strength index, the share of smoothed moves that went up: 100 * W_14(up) / (W_14(up) + W_14(down)); up = max(dc,0), down = max(-dc,0), dc = c[t]-c[t-1]."""  # noqa: E501
    return rsi(P.close, 14)


@per_stock(
    "macd_line",
    group="trend",
    unit="ratio",
    window="X60",
    min_obs=60,
    sources=CLOSE,
    observes=("close",),
    needs=("close[t]",),
)
def macd_line() -> Expr:
    """Convergence of two means as a share of the price (MACD): (ema_12(c) - ema_26(c)) / c."""
    return (ema(P.close, 12) - ema(P.close, 26)) / P.close


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
    "adx_14_score",
    group="trend",
    unit="score_0_100",
    window="X84",
    min_obs=84,
    sources=RANGE,
    observes=("high", "low", "close"),
    needs=BOTH_DAYS,
    undefined=equal(MOVES.up + MOVES.down, 0.0),
)
def adx_14_score() -> Expr:
    """Average directional index, how one-sided the path is: W_14(DX); DX = 100 * |+DI - -DI| / (+DI + -DI)."""
    plus, minus = MOVES.up / MOVES.travel, MOVES.down / MOVES.travel
    return wilder(100.0 * (magnitude(plus - minus) / (plus + minus)), 14)


@per_stock(
    "di_diff_14",
    group="trend",
    unit="ratio",
    window="X56",
    min_obs=56,
    sources=RANGE,
    observes=("high", "low", "close"),
    needs=BOTH_DAYS,
    undefined=equal(MOVES.travel, 0.0),
    at_least=-1.0,
    at_most=1.0,
)
def di_diff_14() -> Expr:
    """Which way the directional movement points, from -1 to 1: (W_14(+DM) - W_14(-DM)) / W_14(TR); +DM = h-h[-1] if that exceeds l[-1]-l and 0 else 0; -DM mirrored."""  # noqa: E501
    return (MOVES.up - MOVES.down) / MOVES.travel


@per_stock(
    "kama_gap_10",
    group="trend",
    unit="ratio",
    window="X60",
    min_obs=60,
    sources=CLOSE,
    observes=("close",),
    needs=("close[t]",),
    undefined=equal(adaptive_mean(P.close, 10).path, 0.0),
    at_least=-1.0,
)
def kama_gap_10() -> Expr:
    """Distance of the price from its adaptive mean, over traded closes: c / K - 1; K = K[-1] + s*(c - K[-1]); s = (ER*(2/3 - 2/31) + 2/31)^2; ER = |c - c[t-10]| / sum_10 |dc|; K starts at the 11th close."""  # noqa: E501
    return P.close / adaptive_mean(P.close, 10).level - 1


@per_stock(
    "connors_rsi_score",
    group="trend",
    unit="score_0_100",
    window="S101",
    min_obs=76,
    sources=("@up_streak_sessions", "@ret_1d", *CLOSE),
    observes=("@ret_1d",),
    needs=("@ret_1d[t]", "@up_streak_sessions[t]", "@up_streak_sessions[t-1]"),
    undefined=is_unmoved(P.close, 3),
)
def connors_rsi_score() -> Expr:
    """How stretched the last days are, by size, length and rank (Connors RSI): (RSI_3(c) + RSI_2(up_streak) + 100*p)/3; p = share of the previous 100 ret_1d below today's, ties count half."""  # noqa: E501
    by_rank = 100.0 * share_below(F("ret_1d"), 100)
    longer = F("up_streak_sessions") - previous(F("up_streak_sessions"))
    return (rsi(P.close, 3) + strength(longer, 2) + by_rank) / 3.0


@per_stock(
    "fracdiff_0p4",
    group="trend",
    unit="log",
    window="S100",
    min_obs=100,
    sources=CLOSE,
    observes=("mark",),
)
def fracdiff_0p4() -> Expr:
    """Log price differenced 0.4 times, stationary but with memory: sum over k=0..99 of w_k*ln(m[t-k]/m[t-99]); w_0 = 1, w_k = -w_(k-1)*(0.4-k+1)/k. Relative to the window's oldest price, because the weights do not sum to 0 and a bare ln price would not survive re-basing."""  # noqa: E501
    return fractional_difference(P.mark, 100, 0.4)
