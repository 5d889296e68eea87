"""What is bought and sold on credit: open margin balances against shares, trading, their own past and the sector.

Level features read the newest balance of either regime; windows in weeks run on the week-end view. Shares lie on the
forward volume basis, on both sides of every ratio. Issues under daily publication have their own page
(`margin_alerts`).
"""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_day, per_market, per_release, per_stock
from gogoku_pipeline.features.expressions import (
    Expr,
    F,
    K,
    P,
    constant,
    equal,
    greater,
    larger,
    only_where_present,
    where,
)
from gogoku_pipeline.features.operators.compounding import power_of_ten
from gogoku_pipeline.features.operators.cross_section import leave_one_out_mean, members_total
from gogoku_pipeline.features.operators.windows import count, deviation, lag, mean, total

STALE_SESSIONS = 15
"""Age of a balance's own date beyond which it is not told any more."""


@per_stock(
    "mrg_long_ratio",
    group="margin",
    unit="ratio",
    plan="Standard",
    window="P",
    sources=("margin.LongVol", "bars.AdjFactor", "summary.ShOutFY", "summary.TrShFY"),
    needs=("margin.long_shares[t]", "shares.net_basis[t]"),
    at_least=0.0,
)
def mrg_long_ratio() -> Expr:
    """How much of the company is held on credit: LongVol / shares_net."""
    return K("margin.long_shares") / K("shares.net_basis")


@per_stock(
    "mrg_short_ratio",
    group="margin",
    unit="ratio",
    plan="Standard",
    window="P",
    sources=("margin.ShrtVol", "bars.AdjFactor", "summary.ShOutFY", "summary.TrShFY"),
    needs=("margin.short_shares[t]", "shares.net_basis[t]"),
    at_least=0.0,
)
def mrg_short_ratio() -> Expr:
    """How much of the company is sold on credit: ShrtVol / shares_net."""
    return K("margin.short_shares") / K("shares.net_basis")


@per_stock(
    "mrg_imbalance",
    group="margin",
    unit="ratio",
    plan="Standard",
    window="P",
    sources=("margin.LongVol", "margin.ShrtVol"),
    needs=("margin.long_shares[t]", "margin.short_shares[t]"),
    undefined=equal(K("margin.long_shares") + K("margin.short_shares"), constant(0.0)),
    at_least=-1.0,
    at_most=1.0,
)
def mrg_imbalance() -> Expr:
    """Which side credit is on: (LongVol - ShrtVol) / (LongVol + ShrtVol)."""
    bought, sold = K("margin.long_shares"), K("margin.short_shares")
    return (bought - sold) / (bought + sold)


@per_stock(
    "mrg_long_cover_sessions",
    group="margin",
    unit="sessions",
    plan="Standard",
    window="S20",
    min_obs=15,
    sources=("margin.LongVol", "bars.Vo", "bars.AdjFactor"),
    observes=("open_session",),
    needs=("margin.long_shares[t]", "volume[t-19..t]"),
    at_least=0.0,
)
def mrg_long_cover_sessions() -> Expr:
    """How many sessions of usual trading the longs are: LongVol / adv_20(v), both on the basis of t."""
    return K("margin.long_shares") / (total(P.volume, 20) / count(P.open_session, 20))


@per_release(
    "_mrg_long_gain_{n}w",
    group="margin",
    unit="ratio",
    plan="Standard",
    by="margin_week",
    window="R{n+1}",
    min_obs=2,
    sources=("margin.LongVol", "bars.AdjFactor"),
    needs=("margin_week.long_shares[t]", "margin_week.long_shares[t-{n}]"),
    windows=(1, 4, 13),
)
def _mrg_long_gain(n: int) -> Expr:
    """Shares bought on margin and kept, forward basis: Lw - Lw {n} weeks earlier."""
    return K("margin_week.long_shares") - lag(K("margin_week.long_shares"), n)


@per_stock(
    "mrg_long_chg_{n}w",
    group="margin",
    unit="ratio",
    plan="Standard",
    window="R{n+1}",
    min_obs=2,
    sources=("margin.LongVol", "bars.AdjFactor", "summary.ShOutFY", "summary.TrShFY"),
    needs=("@_mrg_long_gain_{n}w[t]", "shares.net_basis[t]"),
    windows=(1, 4, 13),
)
def mrg_long_chg(n: int) -> Expr:
    """How margin longs built up: (Lw - Lw {n} weeks earlier) / shares_net."""
    return F(f"_mrg_long_gain_{n}w") / K("shares.net_basis")


@per_release(
    "_mrg_short_gain_4w",
    group="margin",
    unit="ratio",
    plan="Standard",
    by="margin_week",
    window="R5",
    min_obs=2,
    sources=("margin.ShrtVol", "bars.AdjFactor"),
    needs=("margin_week.short_shares[t]", "margin_week.short_shares[t-4]"),
)
def _mrg_short_gain_4w() -> Expr:
    """Shares sold on margin and not bought back, forward basis: Sw - Sw 4 weeks earlier."""
    return K("margin_week.short_shares") - lag(K("margin_week.short_shares"), 4)


@per_stock(
    "mrg_short_chg_4w",
    group="margin",
    unit="ratio",
    plan="Standard",
    window="R5",
    min_obs=2,
    sources=("margin.ShrtVol", "bars.AdjFactor", "summary.ShOutFY", "summary.TrShFY"),
    needs=("@_mrg_short_gain_4w[t]", "shares.net_basis[t]"),
)
def mrg_short_chg_4w() -> Expr:
    """How margin shorts built up: (Sw - Sw 4 weeks earlier) / shares_net."""
    return F("_mrg_short_gain_4w") / K("shares.net_basis")


@per_release(
    "mrg_long_z52",
    group="margin",
    unit="zscore",
    plan="Standard",
    by="margin_week",
    window="R52",
    min_obs=26,
    sources=("@mrg_long_ratio",),
    observes=("@mrg_long_ratio",),
    needs=("@mrg_long_ratio[t]",),
)
def mrg_long_z52() -> Expr:
    """Crowding against the own year: (x - mean) / sd over 52 weeks of mrg_long_ratio on the week-end view: crowding against the stock's own past is the quantity."""  # noqa: E501
    ratio = F("mrg_long_ratio")
    return (ratio - mean(ratio, 52)) / deviation(ratio, 52)


@per_release(
    "_mrg_long_cost_26w",
    group="margin",
    unit="ratio",
    plan="Standard",
    by="margin_week",
    window="R27",
    min_obs=13,
    sources=("margin.LongVol", "bars.C", "bars.AdjFactor", "bars.Va", "bars.Vo"),
    observes=("margin_week.long_shares",),
)
def _mrg_long_cost_26w() -> Expr:
    """What half a year's margin longs paid, forward price basis: sum of b*p / sum of b over 26 weeks."""
    price = K("margin_week.week_turnover_jpy") / K("margin_week.week_volume")
    bought = larger(K("margin_week.long_shares") - lag(K("margin_week.long_shares"), 1), 0.0)
    bought = only_where_present(bought, price)
    return total(bought * price, 26) / total(bought, 26)


@per_stock(
    "mrg_long_pnl_26w",
    group="margin",
    unit="ratio",
    plan="Standard",
    window="R27",
    min_obs=13,
    sources=("margin.LongVol", "bars.C", "bars.AdjFactor", "bars.Va", "bars.Vo"),
    needs=("mark[t]", "@_mrg_long_cost_26w[t]"),
    at_least=-1.0,
)
def mrg_long_pnl_26w() -> Expr:
    """What half a year's margin longs have won: m[t] / P - 1; P = sum of b*p / sum of b over 26 weeks, b = max(weekly change of Lw, 0), p = week's sum va / sum v."""  # noqa: E501
    return P.mark / F("_mrg_long_cost_26w") - 1


@per_day(
    "mrg_rel_sec33",
    group="margin",
    unit="ratio",
    plan="Standard",
    sources=("@mrg_long_ratio", "master.S33"),
    needs=("@mrg_long_ratio[t]",),
    by="sector33",
    members=3,
)
def mrg_rel_sec33() -> Expr:
    """Credit beyond the peers of the sector: mrg_long_ratio minus its leave-one-out sector mean."""
    own = F("mrg_long_ratio")
    return own - leave_one_out_mean(own, by="sector33")


@per_stock(
    "_mrg_long_gain_4w_jpy",
    group="margin",
    unit="ratio",
    plan="Standard",
    window="R5",
    min_obs=2,
    sources=("margin.LongVol", "bars.C", "bars.AdjFactor", "@log10_mcap_jpy"),
    needs=("@_mrg_long_gain_4w[t]", "@log10_mcap_jpy[t]", "mark[t]", "factor[t]", "volume_factor[t]"),
)
def _mrg_long_gain_4w_jpy() -> Expr:
    """Margin longs built in four weeks at today's price: (Lw - Lw 4 weeks earlier)*m in yen, where mcap is known."""
    shares = F("_mrg_long_gain_4w") / P.volume_factor
    return only_where_present(shares * P.mark * P.factor, F("log10_mcap_jpy"))


@per_stock(
    "_mrg_mcap_jpy",
    group="margin",
    unit="ratio",
    plan="Standard",
    window="P",
    sources=("@log10_mcap_jpy",),
    needs=("@log10_mcap_jpy[t]", "@_mrg_long_gain_4w_jpy[t]"),
)
def _mrg_mcap_jpy() -> Expr:
    """Market value of the names whose margin longs are counted: mcap where the change is known."""
    return only_where_present(power_of_ten(F("log10_mcap_jpy")), F("_mrg_long_gain_4w_jpy"))


@per_market(
    "mrg_mkt_long_chg_4w",
    group="margin",
    role="market",
    unit="ratio",
    plan="Standard",
    window="R5",
    min_obs=2,
    sources=("margin.LongVol", "bars.C", "@log10_mcap_jpy"),
    needs=("@_mrg_long_gain_4w_jpy[t]",),
)
def mrg_mkt_long_chg_4w() -> Expr:
    """Credit flowing into the market: sum over U of (Lw - Lw 4 weeks earlier)*m / sum of mcap over the same names."""
    return members_total(F("_mrg_long_gain_4w_jpy")) / members_total(F("_mrg_mcap_jpy"))


def _age() -> Expr:
    """Number of the session less the number of the balance's own date."""
    return K("clock.number") - K("margin.date_number")


@per_stock(
    "mrg_age_sessions",
    group="margin",
    unit="sessions",
    plan="Standard",
    window="P",
    sources=("margin.Date", "margin.PubDate"),
    needs=("margin.date_number[t]",),
    undefined=greater(_age(), constant(STALE_SESSIONS)),
    at_least=0.0,
    at_most=float(STALE_SESSIONS),
)
def mrg_age_sessions() -> Expr:
    """How old the balance is: sessions between the balance's own Date and t (staleness; null beyond 15)."""
    return where(greater(_age(), constant(STALE_SESSIONS)), constant(float("nan")), _age())
