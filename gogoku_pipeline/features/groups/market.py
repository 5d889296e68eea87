"""Market state: one value per session, the same for every stock, built on a (session) table and then joined.

The index is TOPIX at the close; on a market halt its row is null (the publisher repeats the previous close). U is the
session's universe.
"""

from __future__ import annotations

import math

from gogoku_pipeline.core.sessions import SESSIONS_PER_YEAR
from gogoku_pipeline.features.declaration import per_market
from gogoku_pipeline.features.expressions import Expr, F, M, log1p
from gogoku_pipeline.features.operators.cross_section import members_deviation, members_mean
from gogoku_pipeline.features.operators.windows import deviation, lag, mean


@per_market(
    "mkt_ret_1d",
    group="market",
    role="market",
    unit="ratio",
    plan="Light",
    window="E2",
    min_obs=2,
    sources=("topix.C",),
    needs=("index.close[t]", "index.close[t-1]"),
    at_least=-1.0,
)
def mkt_ret_1d() -> Expr:
    """Change of TOPIX from the previous session: M[t] / M[t-1] - 1 (M carried at most one halt session for n > 1)."""
    return M.close / lag(M.close, 1) - 1


@per_market(
    "mkt_ret_{n}d",
    group="market",
    role="market",
    unit="ratio",
    plan="Light",
    window="E{n+1}",
    min_obs=2,
    sources=("topix.C",),
    needs=("index.carried[t]", "index.carried[t-{n}]"),
    windows=(20,),
    at_least=-1.0,
)
def mkt_ret(n: int) -> Expr:
    """Change of TOPIX over {n} sessions: M[t] / M[t-{n}] - 1 (M carried at most one halt session for n > 1)."""
    return M.carried / lag(M.carried, n) - 1


@per_market(
    "mkt_vol_20d",
    group="market",
    role="market",
    unit="ann_vol",
    plan="Light",
    window="S20",
    min_obs=15,
    sources=("@mkt_ret_1d",),
    observes=("@mkt_ret_1d",),
)
def mkt_vol_20d() -> Expr:
    """Volatility of TOPIX over a month: sd_20(ln(1+mkt_ret_1d)) * sqrt(245)."""
    return deviation(log1p(F("mkt_ret_1d")), 20) * math.sqrt(SESSIONS_PER_YEAR)


@per_market(
    "xs_ret_1d",
    group="market",
    role="market",
    unit="ratio",
    sources=("@ret_1d",),
    observes=("@ret_1d",),
    at_least=-1.0,
)
def xs_ret_1d() -> Expr:
    """What an average stock did: mean of ret_1d over U (equal-weighted market); also the Free-plan market factor."""
    return members_mean(F("ret_1d"))


@per_market(
    "xs_disp_20d",
    group="market",
    role="market",
    unit="ratio",
    window="S20",
    min_obs=15,
    sources=("@ret_1d",),
    observes=("@ret_1d",),
    members=2,
    at_least=0.0,
)
def xs_disp_20d() -> Expr:
    """How far stocks drift apart in a month: mean_20 of the day's cross-section sd of ret_1d over U."""
    return mean(members_deviation(F("ret_1d")), 20)
