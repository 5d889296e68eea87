"""The stock against its own industry. Members are U in the sector of the master row of that session.

A stock is compared with the others of its sector (the mean leaves it out; null for fewer than three members with a
value, or without one of its own). Series of a sector are rolled on their own (sector, session) table, so a member's
entry or exit never rewrites what the sector did before.
"""

from __future__ import annotations

import math

from gogoku_pipeline.core.sessions import SESSIONS_PER_YEAR
from gogoku_pipeline.features.declaration import per_day, per_group, per_stock
from gogoku_pipeline.features.expressions import Expr, F, P, greater, is_missing, log, log1p, only_where_present, where
from gogoku_pipeline.features.operators.compounding import compounded
from gogoku_pipeline.features.operators.cross_section import (
    leave_one_out_mean,
    members_mean,
    members_total,
    rank_0_1,
)
from gogoku_pipeline.features.operators.regression import pair_regression
from gogoku_pipeline.features.operators.windows import deviation


def nine_tenths_up(n: int) -> int:
    """Smallest whole number of observations that is at least 0.9 n."""
    return math.ceil(0.9 * n)


@per_group(
    "_sec33_ret_1d",
    group="sector",
    role="sector",
    unit="ratio",
    sources=("@ret_1d", "master.S33"),
    observes=("@ret_1d",),
    by="sector33",
    at_least=-1.0,
)
def sec33_ret_1d() -> Expr:
    """What an average member of the industry did: mean of ret_1d over the sector's members in U."""
    return members_mean(F("ret_1d"))


@per_group(
    "sec33_ret_{n}d",
    group="sector",
    role="sector",
    unit="ratio",
    window="S{n}",
    min_obs=nine_tenths_up,
    sources=("@ret_1d", "master.S33"),
    observes=("@_sec33_ret_1d",),
    by="sector33",
    windows=(5, 20),
    at_least=-1.0,
)
def sec33_ret(n: int) -> Expr:
    """What the industry did over {n} sessions: prod_{n}(1 + sec_ret_1d) - 1 on the (date, S33) table."""
    return compounded(F("_sec33_ret_1d"), n)


@per_group(
    "sec33_vol_20d",
    group="sector",
    role="sector",
    unit="ann_vol",
    window="S20",
    min_obs=15,
    sources=("@ret_1d", "master.S33"),
    observes=("@_sec33_ret_1d",),
    by="sector33",
)
def sec33_vol_20d() -> Expr:
    """Volatility of the industry over a month: sd_20(ln(1 + sec_ret_1d)) * sqrt(245)."""
    return deviation(log1p(F("_sec33_ret_1d")), 20) * math.sqrt(SESSIONS_PER_YEAR)


@per_group(
    "sec33_breadth_20d",
    group="sector",
    role="sector",
    unit="ratio",
    sources=("@ret_20d", "master.S33"),
    observes=("@ret_20d",),
    by="sector33",
    at_least=0.0,
    at_most=1.0,
)
def sec33_breadth_20d() -> Expr:
    """How much of the industry rose over a month: share of members with ret_20d > 0."""
    return members_mean(greater(F("ret_20d"), 0.0))


@per_stock("_has_traded", group="sector", unit="flag", sources=("bars.Vo",), needs=("listed[t]",))
def has_traded() -> Expr:
    """Whether shares of a listed stock changed hands: 1 with volume above 0, 0 without."""
    return only_where_present(where(is_missing(P.volume), 0.0, greater(P.volume, 0.0)), P.listed)


@per_group(
    "sec33_member_count",
    group="sector",
    role="sector",
    unit="count",
    sources=("master.S33", "bars.Vo"),
    needs=("@_has_traded[t]",),
    by="sector33",
    at_least=0.0,
)
def sec33_member_count() -> Expr:
    """How many companies the industry's figures rest on: members traded that session."""
    return members_total(F("_has_traded"))


@per_group(
    "_sec17_ret_1d",
    group="sector",
    role="sector",
    unit="ratio",
    sources=("@ret_1d", "master.S17"),
    observes=("@ret_1d",),
    by="sector17",
    at_least=-1.0,
)
def sec17_ret_1d() -> Expr:
    """What an average member of the wider industry did: mean of ret_1d over the S17 group's members in U."""
    return members_mean(F("ret_1d"))


@per_group(
    "sec17_ret_20d",
    group="sector",
    role="sector",
    unit="ratio",
    window="S20",
    min_obs=18,
    sources=("@ret_1d", "master.S17"),
    observes=("@_sec17_ret_1d",),
    by="sector17",
    at_least=-1.0,
)
def sec17_ret_20d() -> Expr:
    """What the wider industry did over a month: prod_20(1 + sec_ret_1d) - 1 on the (date, S17) table."""
    return compounded(F("_sec17_ret_1d"), 20)


@per_day(
    "rel_sec33_{n}d",
    group="sector",
    unit="ratio",
    sources=("@ret_{n}d", "master.S33"),
    needs=("@ret_{n}d[t]",),
    by="sector33",
    members=3,
    windows=(1, 5, 20),
)
def rel_sec33(n: int) -> Expr:
    """Return of {n} sessions beyond the peers of its sector: ret_{n}d minus its leave-one-out sector mean."""
    own = F(f"ret_{n}d")
    return own - leave_one_out_mean(own, by="sector33")


@per_day(
    "rel_sec17_20d",
    group="sector",
    unit="ratio",
    sources=("@ret_20d", "master.S17"),
    needs=("@ret_20d[t]",),
    by="sector17",
    members=3,
)
def rel_sec17_20d() -> Expr:
    """Return of a month beyond the peers of its wider sector: ret_20d minus its leave-one-out S17 mean."""
    return F("ret_20d") - leave_one_out_mean(F("ret_20d"), by="sector17")


@per_day(
    "rank_in_sec33_20d",
    group="sector",
    unit="rank_0_1",
    sources=("@ret_20d", "master.S33"),
    needs=("@ret_20d[t]",),
    by="sector33",
    members=2,
)
def rank_in_sec33_20d() -> Expr:
    """Place among its peers by the return of a month: (average rank - 1) / (N - 1) of ret_20d inside the sector, N = non-null members (kept because ranking inside a sector is not what the normaliser does)."""  # noqa: E501
    return rank_0_1(F("ret_20d"), by="sector33")


@per_day(
    "rel_sec33_vol_20d",
    group="sector",
    unit="log",
    sources=("@vol_20d", "master.S33"),
    needs=("@vol_20d[t]",),
    by="sector33",
    members=3,
)
def rel_sec33_vol_20d() -> Expr:
    """How restless it is among its peers: ln(vol_20d / leave-one-out sector mean of vol_20d)."""
    return log(F("vol_20d") / leave_one_out_mean(F("vol_20d"), by="sector33"))


@per_day(
    "_sec33_peer_ret_1d",
    group="sector",
    unit="ratio",
    sources=("@ret_1d", "master.S33"),
    needs=("@ret_1d[t]",),
    by="sector33",
    members=3,
    at_least=-1.0,
)
def sec33_peer_ret_1d() -> Expr:
    """What the others of its sector did: leave-one-out sector mean of ret_1d."""
    return leave_one_out_mean(F("ret_1d"), by="sector33")


@per_stock(
    "beta_sec33_120d",
    group="sector",
    unit="ratio",
    window="S120",
    min_obs=90,
    sources=("@ret_1d", "master.S33"),
    observes=("@ret_1d", "@_sec33_peer_ret_1d"),
)
def beta_sec33_120d() -> Expr:
    """Sensitivity to its own industry: beta of ret_1d on the leave-one-out sector mean of ret_1d, complete pairs."""
    return pair_regression(F("ret_1d"), F("_sec33_peer_ret_1d"), 120).slope
