"""How restless the price is. Every vol is an annualised decimal: per-session deviation times sqrt(245)."""

from __future__ import annotations

import math

from gogoku_pipeline.core.sessions import SESSIONS_PER_YEAR
from gogoku_pipeline.features.declaration import per_stock, three_quarters_down
from gogoku_pipeline.features.expressions import (
    Expr,
    F,
    P,
    log,
    log1p,
    only_where_present,
    sqrt,
)
from gogoku_pipeline.features.operators.moments import skew
from gogoku_pipeline.features.operators.ranges import true_range
from gogoku_pipeline.features.operators.recursive import wilder
from gogoku_pipeline.features.operators.windows import count, deviation, lag, mean, top_mean, variance

YEAR = math.sqrt(SESSIONS_PER_YEAR)
BARS = ("bars.O", "bars.H", "bars.L", "bars.C", "bars.AdjFactor")


def yang_zhang(n: int) -> Expr:
    """Yang-Zhang volatility over n sessions, annualised."""
    before = lag(P.close, 1)
    gap = only_where_present(log(P.open / before), P.high, P.low, P.close)
    day = only_where_present(log(P.close / P.open), gap)
    up_close, up_open = log(P.high / P.close), log(P.high / P.open)
    down_close, down_open = log(P.low / P.close), log(P.low / P.open)
    inside = only_where_present(up_close * up_open + down_close * down_open, gap)
    valid = count(gap, n)
    k = 0.34 / (1.34 + (valid + 1.0) / (valid - 1.0))
    return sqrt(SESSIONS_PER_YEAR * (variance(gap, n) + k * variance(day, n) + (1.0 - k) * mean(inside, n)))


@per_stock(
    "vol_{n}d",
    group="volatility",
    unit="ann_vol",
    window="S{n}",
    min_obs=three_quarters_down,
    sources=("@ret_1d",),
    observes=("@ret_1d",),
    windows=(20, 60),
)
def vol(n: int) -> Expr:
    """Volatility of daily log returns over {n} sessions: sd_{n}(r) * sqrt(245)."""
    return deviation(log1p(F("ret_1d")), n) * YEAR


@per_stock(
    "vol_pk_20d",
    group="volatility",
    unit="ann_vol",
    window="S20",
    min_obs=15,
    sources=("bars.H", "bars.L"),
    observes=("high", "low"),
)
def vol_pk_20d() -> Expr:
    """Volatility seen inside the day: sqrt(245 * mean_20(ln(h/l)^2) / (4 ln 2)) (Parkinson)."""
    width = log(P.high / P.low)
    return sqrt(mean(width * width, 20) * (SESSIONS_PER_YEAR / (4.0 * math.log(2.0))))


@per_stock(
    "vol_yz_20d",
    group="volatility",
    unit="ann_vol",
    window="S20",
    min_obs=15,
    sources=BARS,
    observes=("open", "high", "low", "close", "close[t-1]"),
)
def vol_yz_20d() -> Expr:
    """Volatility of gaps and days together (Yang-Zhang): sqrt(245 * (Vo + k*Vc + (1-k)*Vrs)); Vo, Vc = sample variances (ddof 1) of ln(o/c[t-1]), ln(c/o); Vrs = mean of the Rogers-Satchell term; k = 0.34/(1.34 + (j+1)/(j-1)), j = valid sessions in the window; a session is valid when o,h,l,c and c[t-1] exist."""  # noqa: E501
    return yang_zhang(20)


@per_stock(
    "max_ret_20d",
    group="volatility",
    unit="ratio",
    window="S20",
    min_obs=15,
    sources=("@ret_1d",),
    observes=("@ret_1d",),
    at_least=-1.0,
)
def max_ret_20d() -> Expr:
    """Best days of a month: mean of the three largest ret_1d in 20 sessions (lottery demand)."""
    return top_mean(F("ret_1d"), 20, k=3)


@per_stock(
    "atr_pct_14",
    group="volatility",
    unit="ratio",
    window="X28",
    min_obs=28,
    sources=("bars.H", "bars.L", "bars.C", "bars.AdjFactor"),
    observes=("high", "low", "close"),
    needs=("high[t]", "low[t]", "close[t]", "close[t-1]"),
    at_least=0.0,
)
def atr_pct_14() -> Expr:
    """Average true range as a share of the price: W_14(TR) / c."""
    return wilder(true_range(P.high, P.low, P.close), 14) / P.close


@per_stock(
    "skew_60d",
    group="volatility",
    unit="moment",
    window="S60",
    min_obs=45,
    sources=("@ret_1d",),
    observes=("@ret_1d",),
)
def skew_60d() -> Expr:
    """Asymmetry of daily returns over a quarter: m3 / m2^1.5 (population moments of r)."""
    return skew(log1p(F("ret_1d")), 60)
