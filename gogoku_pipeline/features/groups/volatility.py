"""How restless the price is. Every vol is an annualised decimal: per-session deviation times sqrt(245).

Extreme days, falls and shocks are in `tails`, the same group.
"""

from __future__ import annotations

import math

from gogoku_pipeline.core.sessions import SESSIONS_PER_YEAR
from gogoku_pipeline.features.declaration import per_stock, three_quarters_down
from gogoku_pipeline.features.expressions import Expr, F, P, larger, log1p, sqrt
from gogoku_pipeline.features.operators.range_volatility import (
    garman_klass,
    parkinson,
    rogers_satchell,
    yang_zhang_variance,
)
from gogoku_pipeline.features.operators.ranges import never_moved, true_range
from gogoku_pipeline.features.operators.recursive import wilder
from gogoku_pipeline.features.operators.windows import deviation, mean, total

YEAR = math.sqrt(SESSIONS_PER_YEAR)
RANGE = ("bars.H", "bars.L", "bars.C", "bars.AdjFactor")
BARS = ("bars.O", "bars.H", "bars.L", "bars.C")
OPEN_TO_CLOSE = ("open", "high", "low", "close")
R = log1p(F("ret_1d"))
"""Log return of a session."""


def fall() -> Expr:
    """Size of a falling session's log return, 0 for a rising one: -min(r, 0)."""
    return larger(-R, 0.0)


def yang_zhang(n: int) -> Expr:
    """Yang-Zhang volatility over n sessions, annualised."""
    return sqrt(SESSIONS_PER_YEAR * yang_zhang_variance(P.open, P.high, P.low, P.close, n))


@per_stock(
    "vol_{n}d",
    group="volatility",
    unit="ann_vol",
    window="S{n}",
    min_obs=three_quarters_down,
    sources=("@ret_1d",),
    observes=("@ret_1d",),
    windows=(20, 60, 250),
)
def vol(n: int) -> Expr:
    """Volatility of daily log returns over {n} sessions: sd_{n}(r) * sqrt(245)."""
    return deviation(R, n) * YEAR


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
    return sqrt(SESSIONS_PER_YEAR * parkinson(P.high, P.low, 20))


@per_stock(
    "vol_gk_20d",
    group="volatility",
    unit="ann_vol",
    window="S20",
    min_obs=15,
    sources=BARS,
    observes=OPEN_TO_CLOSE,
)
def vol_gk_20d() -> Expr:
    """Volatility seen inside the day, the move from open to close considered: sqrt(245 * max(0, mean_20(0.5*ln(h/l)^2 - (2 ln 2 - 1)*ln(c/o)^2))) (Garman-Klass)."""  # noqa: E501
    return sqrt(SESSIONS_PER_YEAR * garman_klass(P.open, P.high, P.low, P.close, 20))


@per_stock(
    "vol_rs_20d",
    group="volatility",
    unit="ann_vol",
    window="S20",
    min_obs=15,
    sources=BARS,
    observes=OPEN_TO_CLOSE,
)
def vol_rs_20d() -> Expr:
    """Volatility seen inside the day, whatever its drift: sqrt(245 * mean_20(ln(h/c)*ln(h/o) + ln(l/c)*ln(l/o))) (Rogers-Satchell)."""  # noqa: E501
    return sqrt(SESSIONS_PER_YEAR * rogers_satchell(P.open, P.high, P.low, P.close, 20))


@per_stock(
    "vol_yz_{n}d",
    group="volatility",
    unit="ann_vol",
    window="S{n}",
    min_obs=three_quarters_down,
    sources=(*BARS, "bars.AdjFactor"),
    observes=(*OPEN_TO_CLOSE, "close[t-1]"),
    windows=(20, 60),
)
def vol_yz(n: int) -> Expr:
    """Volatility of gaps and days together (Yang-Zhang): sqrt(245 * (Vo + k*Vc + (1-k)*Vrs)); Vo, Vc = sample variances (ddof 1) of ln(o/c[t-1]), ln(c/o); Vrs = mean of the Rogers-Satchell term; k = 0.34/(1.34 + (j+1)/(j-1)), j = valid sessions in the window; a session is valid when o,h,l,c and c[t-1] exist."""  # noqa: E501
    return yang_zhang(n)


@per_stock(
    "vol_ratio_5_60",
    group="volatility",
    unit="ratio",
    window="S5",
    min_obs=4,
    sources=("@ret_1d", "@vol_60d"),
    observes=("@ret_1d",),
    needs=("@vol_60d[t]",),
    undefined=never_moved(P.close, 60),
    at_least=0.0,
    at_most=math.sqrt((60 - 1) / (4 - 1)),
)
def vol_ratio_5_60() -> Expr:
    """Volatility of a week against the quarter's: sd_5(r)*sqrt(245) / vol_60d."""
    return deviation(R, 5) * YEAR / F("vol_60d")


@per_stock(
    "vov_60d",
    group="volatility",
    unit="ratio",
    window="S60",
    min_obs=45,
    sources=("@vol_20d",),
    observes=("@vol_20d",),
    undefined=never_moved(P.close, 79),
    at_least=0.0,
    at_most=math.sqrt(60),
)
def vov_60d() -> Expr:
    """How much the volatility itself varies: sd_60(vol_20d) / mean_60(vol_20d)."""
    return deviation(F("vol_20d"), 60) / mean(F("vol_20d"), 60)


@per_stock(
    "semivol_down_60d",
    group="volatility",
    unit="ann_vol",
    window="S60",
    min_obs=45,
    sources=("@ret_1d",),
    observes=("@ret_1d",),
)
def semivol_down_60d() -> Expr:
    """Volatility of the falling sessions of a quarter: sqrt(245 * mean_60(min(r,0)^2))."""
    return sqrt(SESSIONS_PER_YEAR * mean(fall() * fall(), 60))


@per_stock(
    "down_var_share_60d",
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
def down_var_share_60d() -> Expr:
    """Share of a quarter's variance that fell: sum_60 of min(r,0)^2 / sum_60 of r^2."""
    return total(fall() * fall(), 60) / total(R * R, 60)


@per_stock(
    "atr_pct_14",
    group="volatility",
    unit="ratio",
    window="X28",
    min_obs=28,
    sources=RANGE,
    observes=("high", "low", "close"),
    needs=("high[t]", "low[t]", "close[t]", "close[t-1]"),
    at_least=0.0,
)
def atr_pct_14() -> Expr:
    """Average true range as a share of the price: W_14(TR) / c."""
    return wilder(true_range(P.high, P.low, P.close), 14) / P.close
