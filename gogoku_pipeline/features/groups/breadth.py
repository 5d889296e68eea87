"""How many stocks take part: advances, highs and lows, limits. Part of group market.

U is the session's universe; a share counts the members that have its input.
"""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_market, per_stock
from gogoku_pipeline.features.expressions import Expr, F, P, greater, only_where_present, where
from gogoku_pipeline.features.operators.cross_section import members_mean, members_total
from gogoku_pipeline.features.operators.windows import highest, lowest

SAME = 1e-12
"""Relative difference below which two prices of one basis are the same price: dividing by the factor rounds."""


@per_market(
    "brd_adv_share",
    group="market",
    role="market",
    unit="ratio",
    sources=("@ret_1d",),
    observes=("@ret_1d",),
    at_least=0.0,
    at_most=1.0,
)
def brd_adv_share() -> Expr:
    """Share of stocks that rose: count(ret_1d > 0 in U) / count(ret_1d in U)."""
    return members_mean(greater(F("ret_1d"), 0.0))


@per_market(
    "brd_above_sma60_share",
    group="market",
    role="market",
    unit="ratio",
    sources=("@sma_gap_60d",),
    observes=("@sma_gap_60d",),
    at_least=0.0,
    at_most=1.0,
)
def brd_above_sma60_share() -> Expr:
    """Share of stocks above their mean of a quarter: share of U with sma_gap_60d > 0."""
    return members_mean(greater(F("sma_gap_60d"), 0.0))


@per_stock(
    "_at_high_or_low_250d",
    group="market",
    unit="count",
    window="S250",
    min_obs=180,
    sources=("bars.C", "bars.AdjFactor"),
    observes=("close",),
    needs=("close[t]",),
    at_least=-1.0,
    at_most=1.0,
)
def at_high_or_low_250d() -> Expr:
    """Whether today's close is the year's highest (1), lowest (-1) or neither: (c = max_250 c) - (c = min_250 c)."""
    is_high = greater(P.close, highest(P.close, 250) * (1.0 - SAME))
    is_low = greater(lowest(P.close, 250) * (1.0 + SAME), P.close)
    return is_high - is_low


@per_market(
    "brd_high_low_250d",
    group="market",
    role="market",
    unit="ratio",
    window="S250",
    min_obs=180,
    sources=("bars.C", "bars.AdjFactor"),
    needs=("@_at_high_or_low_250d[t]",),
    at_least=-1.0,
    at_most=1.0,
)
def brd_high_low_250d() -> Expr:
    """Stocks at their high of a year less those at their low: (count(c = max_250 c) - count(c = min_250 c)) / count over U."""  # noqa: E501
    return members_mean(F("_at_high_or_low_250d"))


@per_market(
    "brd_up_value_share",
    group="market",
    role="market",
    unit="ratio",
    sources=("@ret_1d", "bars.Va"),
    observes=("@ret_1d",),
    at_least=0.0,
    at_most=1.0,
)
def brd_up_value_share() -> Expr:
    """Share of the money that went into rising stocks: sum va of U with ret_1d > 0 / sum va of U with ret_1d not 0."""
    rose, fell = greater(F("ret_1d"), 0.0), greater(0.0, F("ret_1d"))
    return members_total(where(rose, P.turnover, 0.0)) / members_total(where(rose + fell, P.turnover, 0.0))


@per_stock(
    "_limit_touched",
    group="market",
    unit="count",
    sources=("bars.UL", "bars.LL", "bars.C"),
    needs=("limit_up[t]", "limit_down[t]", "close[t]"),
    at_least=-1.0,
    at_most=1.0,
)
def limit_touched() -> Expr:
    """Which daily limit a stock that traded touched, upper (1), lower (-1), none or both (0): UL - LL."""
    return only_where_present(P.limit_up - P.limit_down, P.close)


@per_market(
    "xs_limit_net_share",
    group="market",
    role="market",
    unit="ratio",
    sources=("bars.UL", "bars.LL"),
    needs=("@_limit_touched[t]",),
    at_least=-1.0,
    at_most=1.0,
)
def xs_limit_net_share() -> Expr:
    """Stocks at their upper daily limit less those at the lower: (count(UL = 1) - count(LL = 1)) / count over U."""
    return members_mean(F("_limit_touched"))
