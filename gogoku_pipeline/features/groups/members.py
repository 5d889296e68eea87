"""The market as its members make it: equal-weighted return, dispersion, correlation, money. Part of group market.

U is the session's universe; a statistic over U skips members without its input.
"""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_market, per_stock
from gogoku_pipeline.features.expressions import Expr, F, larger
from gogoku_pipeline.features.operators.compounding import compounded
from gogoku_pipeline.features.operators.cross_section import (
    members_count,
    members_deviation,
    members_mean,
    members_total,
)
from gogoku_pipeline.features.operators.windows import deviation, lag, mean, variance


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


@per_stock(
    "_ret_sd_60d",
    group="market",
    unit="ratio",
    window="S60",
    min_obs=45,
    sources=("@ret_1d",),
    observes=("@ret_1d",),
    at_least=0.0,
)
def ret_sd_60d() -> Expr:
    """Deviation of daily returns over a quarter: sd_60(ret_1d)."""
    return deviation(F("ret_1d"), 60)


@per_market(
    "xs_avg_corr_60d",
    group="market",
    role="market",
    unit="corr",
    window="S60",
    min_obs=45,
    sources=("@ret_1d", "@xs_ret_1d"),
    observes=("@xs_ret_1d",),
    needs=("@_ret_sd_60d[t]",),
    members=2,
)
def xs_avg_corr_60d() -> Expr:
    """How much stocks move together in a quarter: (N^2*V - sum s_i^2) / ((sum s_i)^2 - sum s_i^2); V = var_60(xs_ret_1d), s_i = sd_60(ret_1d) of the N members with at least 45 values.

    Held at -1 and 1: with wrong prices, or members of the average that are not the N, the formula goes beyond.
    """  # noqa: E501
    own = F("_ret_sd_60d")
    n, added, squares = members_count(own), members_total(own), members_total(own * own)
    average = (n * n * variance(F("xs_ret_1d"), 60) - squares) / (added * added - squares)
    return larger(-larger(-average, -1.0), -1.0)


@per_market(
    "xs_value_ratio_20",
    group="market",
    role="market",
    unit="ratio",
    window="S21",
    min_obs=16,
    sources=("bars.Va",),
    observes=("@_universe_turnover_jpy",),
    needs=("@_universe_turnover_jpy[t]",),
    at_least=0.0,
)
def xs_value_ratio_20() -> Expr:
    """Money in the market against the month before: sum va over U / mean of the same over t-20..t-1."""
    money = F("_universe_turnover_jpy")
    return money / mean(lag(money, 1), 20)


@per_market(
    "xs_ew_cw_gap_20d",
    group="market",
    role="market",
    unit="ratio",
    plan="Light",
    window="S20",
    min_obs=15,
    sources=("@xs_ret_1d", "@mkt_ret_20d"),
    observes=("@xs_ret_1d",),
    needs=("@mkt_ret_20d[t]",),
)
def xs_ew_cw_gap_20d() -> Expr:
    """Average stock against the index over a month: prod_20(1 + xs_ret_1d) - 1 - mkt_ret_20d (small against large)."""
    return compounded(F("xs_ret_1d"), 20) - F("mkt_ret_20d")
