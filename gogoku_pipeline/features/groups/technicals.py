"""Shapes of the price path, second part: bands, channels and volume, all divided by price or range. Group `trend`."""

from __future__ import annotations

import math

from gogoku_pipeline.features.declaration import per_stock
from gogoku_pipeline.features.expressions import Expr, F, P, equal, greater, only_where_present
from gogoku_pipeline.features.operators.extremes import age_of_highest, age_of_lowest
from gogoku_pipeline.features.operators.ranges import true_range
from gogoku_pipeline.features.operators.recursive import wilder
from gogoku_pipeline.features.operators.regression import line_end
from gogoku_pipeline.features.operators.streaks import direction, run_length
from gogoku_pipeline.features.operators.windows import count, deviation, highest, lag, lowest, mean, total

CLOSE = ("bars.C", "bars.AdjFactor")
RANGE = ("bars.H", "bars.L", *CLOSE)
OBSERVED = ("high", "low", "close")
FARTHEST = math.sqrt(20 - 1)
"""Deviations (ddof 0) that one of 20 values can lie from their mean; also the largest deviation of values above 0."""
FLOW = (2.0 * P.close - P.high - P.low) / (P.high - P.low)
"""Where in its range a session closed, -1 at the low and 1 at the high; null for a single price."""


def on_price_basis(turnover: Expr) -> Expr:
    """Yen traded on the basis of the adjusted price: v counts shares without the factors of rights issues, c with."""
    return turnover * (P.volume_factor / P.factor)


@per_stock(
    "bb_pctb_20",
    group="trend",
    unit="ratio",
    window="S20",
    min_obs=15,
    sources=CLOSE,
    observes=("close",),
    needs=("close[t]",),
    undefined=equal(deviation(P.close, 20, ddof=0), 0.0),
    at_least=0.5 - FARTHEST / 4.0,
    at_most=0.5 + FARTHEST / 4.0,
)
def bb_pctb_20() -> Expr:
    """Place of the price between its Bollinger bands: (c - (M - 2D)) / (4D); M = mean_20(c), D = sd_20(c) with ddof 0 (Bollinger's own); not clipped."""  # noqa: E501
    spread = deviation(P.close, 20, ddof=0)
    return (P.close - (mean(P.close, 20) - 2.0 * spread)) / (4.0 * spread)


@per_stock(
    "bb_width_20",
    group="trend",
    unit="ratio",
    window="S20",
    min_obs=15,
    sources=CLOSE,
    observes=("close",),
    at_least=0.0,
    at_most=4.0 * FARTHEST,
)
def bb_width_20() -> Expr:
    """Width of the Bollinger bands as a share of the price: 4D / M, same M and D."""
    return 4.0 * deviation(P.close, 20, ddof=0) / mean(P.close, 20)


@per_stock(
    "donchian_break_20",
    group="trend",
    unit="ratio",
    window="S21",
    min_obs=16,
    sources=RANGE,
    observes=OBSERVED,
    needs=("close[t]",),
    undefined=equal(highest(lag(P.high, 1), 20), lowest(lag(P.low, 1), 20)),
)
def donchian_break_20() -> Expr:
    """Place of the close in the channel of the month before: (c - lo) / (hi - lo) with hi, lo = max h, min l over t-20..t-1: beyond 0..1 is a break-out."""  # noqa: E501
    low = lowest(lag(P.low, 1), 20)
    return (P.close - low) / (highest(lag(P.high, 1), 20) - low)


@per_stock(
    "aroon_osc_25",
    group="trend",
    unit="ratio",
    window="S26",
    min_obs=20,
    sources=("bars.H", "bars.L", "bars.AdjFactor"),
    observes=("high", "low"),
    at_least=-1.0,
    at_most=1.0,
)
def aroon_osc_25() -> Expr:
    """Whether the high or the low is the fresher extreme: (sessions since min l - sessions since max h) / 25 over t-25..t; most recent extreme on ties."""  # noqa: E501
    return (age_of_lowest(P.low, 26) - age_of_highest(P.high, 26)) / 25.0


@per_stock(
    "stoch_k_14",
    group="trend",
    unit="ratio",
    window="S14",
    min_obs=11,
    sources=RANGE,
    observes=OBSERVED,
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
    "williams_r_60",
    group="trend",
    unit="ratio",
    window="S60",
    min_obs=45,
    sources=RANGE,
    observes=OBSERVED,
    needs=("close[t]",),
    undefined=equal(highest(P.high, 60), lowest(P.low, 60)),
    at_least=-1.0,
    at_most=0.0,
)
def williams_r_60() -> Expr:
    """Place of the close below the high of a quarter (Williams %R): (c - max_60(h)) / (max_60(h) - min_60(l)), in -1..0."""  # noqa: E501
    high = highest(P.high, 60)
    return (P.close - high) / (high - lowest(P.low, 60))


@per_stock(
    "cmf_20",
    group="trend",
    unit="ratio",
    window="S20",
    min_obs=15,
    sources=(*RANGE, "bars.Vo"),
    observes=(*OBSERVED, "volume"),
    undefined=equal(count(FLOW, 20), 0.0),
    at_least=-1.0,
    at_most=1.0,
)
def cmf_20() -> Expr:
    """Whether volume came at closes near the high (Chaikin money flow): sum_20(q*v) / sum_20(v); q = (2c-h-l)/(h-l); sessions with h = l leave both sums."""  # noqa: E501
    volume = only_where_present(P.volume, FLOW)
    return total(FLOW * volume, 20) / total(volume, 20)


@per_stock(
    "obv_ratio_20",
    group="trend",
    unit="ratio",
    window="S20",
    min_obs=15,
    sources=("@ret_1d", "bars.Vo", "bars.AdjFactor"),
    observes=("@ret_1d", "volume"),
    at_least=-1.0,
    at_most=1.0,
)
def obv_ratio_20() -> Expr:
    """Volume of rising less volume of falling sessions, over sessions with both: sum_20(sign(ret_1d)*v) / sum_20(v)."""
    volume = only_where_present(P.volume, F("ret_1d"))
    return total(direction(F("ret_1d")) * volume, 20) / total(volume, 20)


@per_stock(
    "squeeze_age_sessions",
    group="trend",
    unit="sessions",
    window="X20",
    min_obs=20,
    sources=RANGE,
    observes=OBSERVED,
    needs=("close[t]",),
    at_least=0.0,
)
def squeeze_age_sessions() -> Expr:
    """How long the price has been coiled; a session without a trade holds the count: consecutive sessions with the Bollinger(20,2) band inside the Keltner(20, 1.5*mean_20(TR)) band; 0 when outside (TTM squeeze on/off and its age in one)."""  # noqa: E501
    inside = greater(1.5 * mean(true_range(P.high, P.low, P.close), 20), 2.0 * deviation(P.close, 20, ddof=0))
    return run_length(only_where_present(inside, P.close))


@per_stock(
    "squeeze_mom",
    group="trend",
    unit="ratio",
    window="S40",
    min_obs=30,
    sources=RANGE,
    observes=OBSERVED,
    needs=("high[t]", "low[t]", "close[t]", "close[t-1]"),
    undefined=equal(wilder(true_range(P.high, P.low, P.close), 14), 0.0),
)
def squeeze_mom() -> Expr:
    """Which way a squeeze is likely to let go: end point of the 20-session OLS line through d, divided by c*atr_pct_14; d = c - ((max_20 h + min_20 l)/2 + mean_20 c)/2."""  # noqa: E501
    middle = (highest(P.high, 20) + lowest(P.low, 20)) / 2.0
    away = P.close - (middle + mean(P.close, 20)) / 2.0
    return line_end(away, 20) / wilder(true_range(P.high, P.low, P.close), 14)


@per_stock(
    "vwap_gap_60d",
    group="trend",
    unit="ratio",
    window="S60",
    min_obs=45,
    sources=(*CLOSE, "bars.Va", "bars.Vo"),
    observes=("turnover", "volume"),
    needs=("mark[t]",),
    at_least=-1.0,
)
def vwap_gap_60d() -> Expr:
    """Distance of the price from what the quarter's buyers paid on average: m[t] / (sum_60 va / sum_60 v) - 1."""
    paid = on_price_basis(P.turnover)
    return P.mark / (total(only_where_present(paid, P.volume), 60) / total(only_where_present(P.volume, paid), 60)) - 1
