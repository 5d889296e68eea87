"""How restless the price is, second part: extreme days, falls, jumps and shocks. Group `volatility`."""

from __future__ import annotations

import math

from gogoku_pipeline.core.sessions import SESSIONS_PER_YEAR
from gogoku_pipeline.features.declaration import per_stock
from gogoku_pipeline.features.expressions import Expr, F, P, equal, log1p
from gogoku_pipeline.features.operators.drawdown import deepest_fall
from gogoku_pipeline.features.operators.extremes import top_mean
from gogoku_pipeline.features.operators.jumps import jump_share
from gogoku_pipeline.features.operators.moments import kurtosis, most_kurtosis, most_skew, skew
from gogoku_pipeline.features.operators.ranges import never_moved, true_range
from gogoku_pipeline.features.operators.recursive import previous, wilder
from gogoku_pipeline.features.operators.windows import lag

YEAR = math.sqrt(SESSIONS_PER_YEAR)
R = log1p(F("ret_1d"))
"""Log return of a session."""


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
    "skew_60d",
    group="volatility",
    unit="moment",
    window="S60",
    min_obs=45,
    sources=("@ret_1d",),
    observes=("@ret_1d",),
    undefined=never_moved(P.close, 60),
    at_least=-most_skew(60),
    at_most=most_skew(60),
)
def skew_60d() -> Expr:
    """Asymmetry of daily returns over a quarter: m3 / m2^1.5 (population moments of r)."""
    return skew(R, 60)


@per_stock(
    "kurt_60d",
    group="volatility",
    unit="moment",
    window="S60",
    min_obs=45,
    sources=("@ret_1d",),
    observes=("@ret_1d",),
    undefined=never_moved(P.close, 60),
    at_least=-2.0,
    at_most=most_kurtosis(60),
)
def kurt_60d() -> Expr:
    """Weight of extreme days in a quarter: m4 / m2^2 - 3 (population moments of r)."""
    return kurtosis(R, 60)


@per_stock(
    "max_drawdown_60d",
    group="volatility",
    unit="ratio",
    window="S60",
    min_obs=45,
    sources=("bars.C", "bars.AdjFactor"),
    observes=("mark",),
    at_least=-1.0,
    at_most=0.0,
)
def max_drawdown_60d() -> Expr:
    """Deepest fall inside a quarter: min over the window of m[s] / max(m over window start..s) - 1."""
    return deepest_fall(P.mark, 60)


@per_stock(
    "jump_share_60d",
    group="volatility",
    unit="ratio",
    window="S60",
    min_obs=45,
    sources=("@ret_1d",),
    observes=("@ret_1d",),
    undefined=never_moved(P.close, 60),
    at_least=0.0,
    at_most=1.0,
)
def jump_share_60d() -> Expr:
    """Share of a quarter's variance that came in jumps: 1 - min(1, BV/RV); RV = sum r^2; BV = (pi/2)*(j/(j-1))*sum |r[t]||r[t-1]|, j = valid r."""  # noqa: E501
    return jump_share(R, 60)


@per_stock(
    "ret_shock_1d",
    group="volatility",
    unit="ratio",
    window="E2",
    min_obs=2,
    sources=("@ret_1d", "@vol_20d"),
    needs=("@ret_1d[t]", "@vol_20d[t-1]"),
    undefined=lag(never_moved(P.close, 20), 1),
)
def ret_shock_1d() -> Expr:
    """Today's return in daily deviations of the month before: r[t] * sqrt(245) / vol_20d[t-1]."""
    return R * YEAR / lag(F("vol_20d"), 1)


@per_stock(
    "gap_atr",
    group="volatility",
    unit="ratio",
    window="E2",
    min_obs=2,
    sources=("@ret_overnight", "@atr_pct_14"),
    needs=("@ret_overnight[t]", "@atr_pct_14[t-1]"),
    undefined=lag(equal(wilder(true_range(P.high, P.low, P.close), 14), 0.0), 1),
)
def gap_atr() -> Expr:
    """Tonight's gap in average ranges of the day before: ret_overnight[t] / atr_pct_14[t-1]."""
    return F("ret_overnight") / previous(F("atr_pct_14"))
