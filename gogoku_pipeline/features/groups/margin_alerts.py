"""Issues under daily publication of margin balances: who is watched, how strictly, since when, and what they hold.

Flags are 0 when an issue is not under publication (that is the fact) and null only while the list itself says
nothing; balances are null. A row is active on the session it became known and one longer.
"""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_stock
from gogoku_pipeline.features.expressions import Expr, K, constant, equal, is_missing, only_where_present, where


def _if_active(x: Expr, otherwise: float) -> Expr:
    """X of the active row; another number when there is none; null while the list says nothing."""
    value = where(is_missing(K("alert.age_sessions")), constant(otherwise), x)
    return only_where_present(value, K("alert_day.is_published"))


@per_stock(
    "alert_active_flag",
    group="margin",
    unit="flag",
    plan="Standard",
    window="P",
    sources=("alert.PubDate",),
    needs=("alert_day.is_published[t]",),
)
def alert_active_flag() -> Expr:
    """Whether the issue's balances are published daily: 1 when a row with PubDate within the last 2 sessions is known, else 0."""  # noqa: E501
    return _if_active(constant(1.0), 0.0)


@per_stock(
    "alert_class_code",
    group="margin",
    unit="category",
    plan="Standard",
    window="P",
    sources=("alert.TSEMrgnRegCls",),
    needs=("alert_day.is_published[t]",),
)
def alert_class_code() -> Expr:
    """Stage of regulation: TSEMrgnRegCls of the active row; 000 when not active."""
    return _if_active(K("alert.class_code"), 0.0)


@per_stock(
    "alert_restricted_flag",
    group="margin",
    unit="flag",
    plan="Standard",
    window="P",
    sources=("alert.PubReason",),
    needs=("alert_day.is_published[t]",),
)
def alert_restricted_flag() -> Expr:
    """Whether margin trading is restricted: PubReason.Restricted = '1' or PubReason.RestrictedByJSF = '1' in the active row."""  # noqa: E501
    return _if_active(K("alert.is_restricted"), 0.0)


@per_stock(
    "alert_age_sessions",
    group="margin",
    unit="sessions",
    plan="Standard",
    window="P",
    sources=("alert.PubDate",),
    needs=("alert.age_sessions[t]",),
    at_least=0.0,
    at_most=250.0,
)
def alert_age_sessions() -> Expr:
    """How long the issue has been watched: sessions since the current unbroken spell of publication began, capped at 250; null when not active."""  # noqa: E501
    return K("alert.age_sessions")


@per_stock(
    "alert_imbalance",
    group="margin",
    unit="ratio",
    plan="Standard",
    window="P",
    sources=("alert.LongOut", "alert.ShrtOut"),
    needs=("alert.long_shares[t]", "alert.short_shares[t]"),
    undefined=equal(K("alert.long_shares") + K("alert.short_shares"), constant(0.0)),
    at_least=-1.0,
    at_most=1.0,
)
def alert_imbalance() -> Expr:
    """Which side credit is on in a watched issue: (LongOut - ShrtOut) / (LongOut + ShrtOut) of the active row."""
    bought, sold = K("alert.long_shares"), K("alert.short_shares")
    return (bought - sold) / (bought + sold)


@per_stock(
    "alert_long_chg_5d",
    group="margin",
    unit="ratio",
    plan="Standard",
    window="R6",
    min_obs=2,
    sources=("alert.LongOut", "bars.AdjFactor", "summary.ShOutFY", "summary.TrShFY"),
    needs=("alert.long_shares[t]", "alert.long_shares_before[t]", "shares.net_basis[t]"),
)
def alert_long_chg_5d() -> Expr:
    """How margin longs of a watched issue built up in a week: (LongOut - LongOut 5 application dates earlier) / shares_net."""  # noqa: E501
    return (K("alert.long_shares") - K("alert.long_shares_before")) / K("shares.net_basis")
