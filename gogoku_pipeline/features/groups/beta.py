"""The part of a stock the market explains, and the rest: regressions on TOPIX, close to close, complete pairs only.

Pairs are sessions on which both ret_1d and mkt_ret_1d exist; min_obs counts them. The Dimson regression looks at 60
sessions and, one session further back, at the market before each of them: the 61 of its window.
"""

from __future__ import annotations

import math

from gogoku_pipeline.core.sessions import SESSIONS_PER_YEAR
from gogoku_pipeline.features.declaration import per_market, per_stock, three_quarters_down, three_quarters_up
from gogoku_pipeline.features.expressions import Expr, F, M, constant, greater, only_where_present, sqrt, where
from gogoku_pipeline.features.operators.dimson import dimson_beta
from gogoku_pipeline.features.operators.moments import skew
from gogoku_pipeline.features.operators.regression import pair_regression
from gogoku_pipeline.features.operators.windows import count, deviation, lag, mean, total

PAIR = ("@ret_1d", "@mkt_ret_1d")
YEAR = math.sqrt(SESSIONS_PER_YEAR)

LARGEST_SKEW = 248 / math.sqrt(249)
"""No 250 values can be more lopsided: all of one size but one."""


@per_stock(
    "beta_{n}d",
    group="beta",
    unit="ratio",
    plan="Light",
    window="S{n}",
    min_obs=three_quarters_down,
    sources=PAIR,
    observes=PAIR,
    windows=(60, 120, 250),
)
def beta(n: int) -> Expr:
    """Sensitivity to the market: cov_{n}(ret_1d, mkt_ret_1d) / var_{n}(mkt_ret_1d)."""
    return pair_regression(F("ret_1d"), F("mkt_ret_1d"), n).slope


@per_stock(
    "alpha_{n}d",
    group="beta",
    unit="ann_rate",
    plan="Light",
    window="S{n}",
    min_obs=three_quarters_down,
    sources=PAIR,
    observes=PAIR,
    windows=(60, 120, 250),
)
def alpha(n: int) -> Expr:
    """Return a year beyond what the market explains: 245 * (mean(ret_1d) - beta_{n}d * mean(mkt_ret_1d)) over the pairs."""  # noqa: E501
    own, market = F("ret_1d"), F("mkt_ret_1d")
    slope = pair_regression(own, market, n).slope
    own_mean = mean(only_where_present(own, own, market), n)
    market_mean = mean(only_where_present(market, own, market), n)
    return (own_mean - slope * market_mean) * SESSIONS_PER_YEAR


@per_stock(
    "idio_vol_{n}d",
    group="beta",
    unit="ann_vol",
    plan="Light",
    window="S{n}",
    min_obs=three_quarters_down,
    sources=PAIR,
    observes=PAIR,
    windows=(60, 120, 250),
)
def idio_vol(n: int) -> Expr:
    """Volatility the market does not explain: sqrt(245) * sd of the regression residual (ddof 2)."""
    return pair_regression(F("ret_1d"), F("mkt_ret_1d"), n).residual_deviation * YEAR


@per_stock(
    "r2_{n}d",
    group="beta",
    unit="ratio",
    plan="Light",
    window="S{n}",
    min_obs=three_quarters_down,
    sources=PAIR,
    observes=PAIR,
    windows=(60, 250),
    at_least=0.0,
    at_most=1.0,
)
def r2(n: int) -> Expr:
    """Share of the movement the market explains: squared correlation over the pairs."""
    return pair_regression(F("ret_1d"), F("mkt_ret_1d"), n).r2


@per_market(
    "_mkt_fall_1d",
    group="beta",
    role="market",
    unit="ratio",
    plan="Light",
    sources=("@mkt_ret_1d",),
    needs=("@mkt_ret_1d[t]",),
    undefined=1.0 - greater(lag(M.close, 1), M.close),
    at_least=-1.0,
    at_most=0.0,
)
def mkt_fall_1d() -> Expr:
    """Change of TOPIX on sessions on which it fell: mkt_ret_1d where mkt_ret_1d < 0."""
    return where(greater(0.0, F("mkt_ret_1d")), F("mkt_ret_1d"), constant(math.nan))


@per_stock(
    "beta_down_250d",
    group="beta",
    unit="ratio",
    plan="Light",
    window="S250",
    min_obs=60,
    sources=PAIR,
    observes=("@ret_1d", "@_mkt_fall_1d"),
)
def beta_down_250d() -> Expr:
    """Sensitivity to a falling market: beta over the pairs with mkt_ret_1d < 0 (min_obs counts those pairs)."""
    return pair_regression(F("ret_1d"), F("_mkt_fall_1d"), 250).slope


@per_stock(
    "beta_dimson_60d",
    group="beta",
    unit="ratio",
    plan="Light",
    window="S61",
    min_obs=45,
    sources=PAIR,
    observes=PAIR,
)
def beta_dimson_60d() -> Expr:
    """Sensitivity to the market of a stock that trades late (Dimson): sum of the two slopes in the regression of ret_1d[t] on mkt_ret_1d[t] and mkt_ret_1d[t-1] (thin trading)."""  # noqa: E501
    return dimson_beta(F("ret_1d"), F("mkt_ret_1d"), 60)


@per_stock(
    "beta_stability_250d",
    group="beta",
    unit="ratio",
    plan="Light",
    window="S250",
    min_obs=120,
    sources=("@beta_60d",),
    observes=("@beta_60d",),
    at_least=0.0,
)
def beta_stability_250d() -> Expr:
    """How much the sensitivity to the market changes within a year: sd_250(beta_60d)."""
    return deviation(F("beta_60d"), 250)


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
    windows=(5, 20),
)
def resid_ret(n: int) -> Expr:
    """Return beyond the market's over {n} sessions: sum_{n}(resid_ret_1d)."""
    return total(F("resid_ret_1d"), n)


@per_stock(
    "_resid_mom_230d",
    group="beta",
    unit="tstat",
    plan="Light",
    window="S230",
    min_obs=170,
    sources=("@resid_ret_1d",),
    observes=("@resid_ret_1d",),
)
def resid_mom_230d() -> Expr:
    """Steadiness of the return beyond the market's: sum / (sd * sqrt(j)) of resid_ret_1d, j = values present."""
    rest = F("resid_ret_1d")
    return total(rest, 230) / (deviation(rest, 230) * sqrt(count(rest, 230)))


@per_stock(
    "resid_mom_250d",
    group="beta",
    unit="tstat",
    plan="Light",
    window="S250",
    min_obs=170,
    sources=("@resid_ret_1d",),
    needs=("@_resid_mom_230d[t-20]",),
)
def resid_mom_250d() -> Expr:
    """Momentum of the part the market does not explain: sum / (sd * sqrt(j)) of resid_ret_1d over t-249..t-20, j = values present (Blitz-style, skips the last 20)."""  # noqa: E501
    return lag(F("_resid_mom_230d"), 20)


@per_stock(
    "idio_skew_250d",
    group="beta",
    unit="moment",
    plan="Light",
    window="S250",
    min_obs=180,
    sources=("@resid_ret_1d",),
    observes=("@resid_ret_1d",),
    at_least=-LARGEST_SKEW,
    at_most=LARGEST_SKEW,
)
def idio_skew_250d() -> Expr:
    """Asymmetry of the part the market does not explain: m3 / m2^1.5 of resid_ret_1d."""
    return skew(F("resid_ret_1d"), 250)
