"""The part of a stock the market explains, and the rest: regressions on TOPIX, close to close, complete pairs only."""

from __future__ import annotations

import math

from gogoku_pipeline.core.sessions import SESSIONS_PER_YEAR
from gogoku_pipeline.features.declaration import per_stock, three_quarters_down, three_quarters_up
from gogoku_pipeline.features.expressions import Expr, F
from gogoku_pipeline.features.operators.regression import pair_regression
from gogoku_pipeline.features.operators.windows import lag, total

PAIR = ("@ret_1d", "@mkt_ret_1d")


@per_stock(
    "beta_{n}d",
    group="beta",
    unit="ratio",
    plan="Light",
    window="S{n}",
    min_obs=three_quarters_down,
    sources=PAIR,
    observes=PAIR,
    windows=(60,),
)
def beta(n: int) -> Expr:
    """Sensitivity to the market: cov_{n}(ret_1d, mkt_ret_1d) / var_{n}(mkt_ret_1d)."""
    return pair_regression(F("ret_1d"), F("mkt_ret_1d"), n).slope


@per_stock(
    "idio_vol_{n}d",
    group="beta",
    unit="ann_vol",
    plan="Light",
    window="S{n}",
    min_obs=three_quarters_down,
    sources=PAIR,
    observes=PAIR,
    windows=(60,),
)
def idio_vol(n: int) -> Expr:
    """Volatility the market does not explain: sqrt(245) * sd of the regression residual (ddof 2)."""
    return pair_regression(F("ret_1d"), F("mkt_ret_1d"), n).residual_deviation * math.sqrt(SESSIONS_PER_YEAR)


@per_stock(
    "r2_{n}d",
    group="beta",
    unit="ratio",
    plan="Light",
    window="S{n}",
    min_obs=three_quarters_down,
    sources=PAIR,
    observes=PAIR,
    windows=(60,),
    at_least=0.0,
    at_most=1.0,
)
def r2(n: int) -> Expr:
    """Share of the movement the market explains: squared correlation over the pairs."""
    return pair_regression(F("ret_1d"), F("mkt_ret_1d"), n).r2


@per_stock(
    "resid_ret_1d",
    group="beta",
    unit="ratio",
    plan="Light",
    window="E2",
    min_obs=2,
    sources=(*PAIR, "@beta_60d"),
    needs=("@ret_1d[t]", "@mkt_ret_1d[t]", "@beta_60d[t-1]"),
)
def resid_ret_1d() -> Expr:
    """The day's return beyond the market's, by yesterday's beta: ret_1d[t] - beta_60d[t-1] * mkt_ret_1d[t]."""
    return F("ret_1d") - lag(F("beta_60d"), 1) * F("mkt_ret_1d")


@per_stock(
    "resid_ret_{n}d",
    group="beta",
    unit="ratio",
    plan="Light",
    window="S{n}",
    min_obs=three_quarters_up,
    sources=("@resid_ret_1d",),
    observes=("@resid_ret_1d",),
    windows=(5,),
)
def resid_ret(n: int) -> Expr:
    """Return beyond the market's over {n} sessions: sum_{n}(resid_ret_1d)."""
    return total(F("resid_ret_1d"), n)
