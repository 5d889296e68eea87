"""The stock against its own industry by size: turnover among peers, and what the largest peers did. Group sector.

Leaders of a sector are its largest 30 % by market cap, rounded down, at least two, chosen among the members with both a
market cap and a return (names that tie with the last one belong to them); the stock itself is left out of the mean. As
everywhere in the group a stock needs values of its own, and the sector three members.
"""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_day
from gogoku_pipeline.features.expressions import Expr, F, log, only_where_present, where
from gogoku_pipeline.features.operators.compounding import power_of_ten
from gogoku_pipeline.features.operators.cross_section import is_among_largest, leave_one_out_mean, others_total

LEADERS_PERCENT, LEAST_LEADERS = 30, 2


@per_day(
    "rel_sec33_turnover_20d",
    group="sector",
    unit="log",
    sources=("@turnover_rate_20d", "master.S33"),
    needs=("@turnover_rate_20d[t]",),
    by="sector33",
    members=3,
)
def rel_sec33_turnover_20d() -> Expr:
    """How much of it changes hands among its peers: ln(turnover_rate_20d / leave-one-out sector mean of it)."""
    own = F("turnover_rate_20d")
    return log(own / leave_one_out_mean(own, by="sector33"))


@per_day(
    "sec33_leader_ret_5d",
    group="sector",
    unit="ratio",
    sources=("@ret_5d", "@log10_mcap_jpy", "master.S33"),
    needs=("@ret_5d[t]", "@log10_mcap_jpy[t]"),
    by="sector33",
    members=3,
    at_least=-1.0,
)
def sec33_leader_ret_5d() -> Expr:
    """What the largest companies of its industry did in a week: mcap-weighted ret_5d of the sector's largest 30 % by mcap (at least 2 names), the stock itself left out."""  # noqa: E501
    ret, size = F("ret_5d"), only_where_present(F("log10_mcap_jpy"), F("ret_5d"), F("log10_mcap_jpy"))
    leads = is_among_largest(size, "sector33", LEADERS_PERCENT, LEAST_LEADERS)
    weight = where(leads, power_of_ten(size), 0.0)
    others = others_total(weight * ret, "sector33") / others_total(weight, "sector33")
    return only_where_present(others, leave_one_out_mean(size, by="sector33"))
