"""One bit per block of information: is it there at all. Never null, never normalised, fed beside the block.

1 = there, 0 = not. A mask belongs to the plan of its block and is absent with it. `has_graph` is declared where the
graph is drawn.
"""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_stock
from gogoku_pipeline.features.expressions import Expr, F, K, P, greater, is_missing, where

FRESH_STATEMENT_SESSIONS, FRESH_NIGHT_SESSIONS = 130, 3


def is_there(x: Expr) -> Expr:
    """1 where x has a value, 0 where it is null."""
    return 1 - is_missing(x)


def is_at_most(x: Expr, most: float) -> Expr:
    """1 where x has a value and it is at most this, else 0."""
    return where(is_missing(x), 0, 1 - greater(x, most))


@per_stock("is_traded", group="masks", role="mask", unit="flag", window="P", sources=("bars.Vo",))
def is_traded() -> Expr:
    """Whether anybody traded it today: Vo not null and > 0 on t."""
    return where(is_missing(P.volume), 0, greater(P.volume, 0))


@per_stock("is_seasoned", group="masks", role="mask", unit="flag", window="P", sources=("master.Date",))
def is_seasoned() -> Expr:
    """Whether it has been listed for a while: at least 60 sessions since first listing (or censored)."""
    return where(is_missing(K("listing.is_seasoned")), 0, K("listing.is_seasoned"))


@per_stock("has_shares", group="masks", role="mask", unit="flag", window="P", sources=("@log10_mcap_jpy",))
def has_shares() -> Expr:
    """Whether its market value is known: log10_mcap_jpy not null."""
    return is_there(F("log10_mcap_jpy"))


@per_stock(
    "has_ttm",
    group="masks",
    role="mask",
    unit="flag",
    window="P",
    sources=("@fin_opm_ttm", "@fin_age_sessions"),
)
def has_ttm() -> Expr:
    """Whether twelve recent months of results are known: fin_opm_ttm not null and fin_age_sessions <= 130."""
    return is_there(F("fin_opm_ttm")) * is_at_most(F("fin_age_sessions"), FRESH_STATEMENT_SESSIONS)


@per_stock("has_guidance", group="masks", role="mask", unit="flag", window="P", sources=("@val_ep_fwd",))
def has_guidance() -> Expr:
    """Whether the company guides: guided NP for the running year known, together with a market value to set it against."""  # noqa: E501
    return is_there(F("val_ep_fwd"))


@per_stock("has_earn_date", group="masks", role="mask", unit="flag", window="P", sources=("@earn_to_sessions",))
def has_earn_date() -> Expr:
    """Whether the next results have a date: earn_to_sessions not null."""
    return is_there(F("earn_to_sessions"))


@per_stock("has_beta", group="masks", role="mask", unit="flag", plan="Light", window="P", sources=("@beta_60d",))
def has_beta() -> Expr:
    """Whether it traded enough to know its beta: beta_60d not null."""
    return is_there(F("beta_60d"))


@per_stock(
    "has_margin", group="masks", role="mask", unit="flag", plan="Standard", window="P", sources=("@mrg_age_sessions",)
)
def has_margin() -> Expr:
    """Whether a recent margin balance is known: mrg_age_sessions not null."""
    return is_there(F("mrg_age_sessions"))


@per_stock(
    "has_short_state",
    group="masks",
    role="mask",
    unit="flag",
    plan="Standard",
    window="P",
    sources=("short_report.DiscDate",),
)
def has_short_state() -> Expr:
    """Whether it is known who is short: t >= 2013-11-07 and the day's report partition exists (a session without it is not computed at all)."""  # noqa: E501
    return is_there(K("short_positions.ratio_sum"))


@per_stock(
    "has_options", group="masks", role="mask", unit="flag", plan="Standard", window="P", sources=("@opt_age_sessions",)
)
def has_options() -> Expr:
    """Whether recent option prices are known: opt_age_sessions <= 3 and opt_iv_30d not null."""
    return is_at_most(F("opt_age_sessions"), FRESH_NIGHT_SESSIONS) * is_there(K("options.iv_30d"))


@per_stock(
    "has_futures", group="masks", role="mask", unit="flag", plan="Premium", window="P", sources=("@fut_age_sessions",)
)
def has_futures() -> Expr:
    """Whether recent futures prices are known: fut_age_sessions <= 3."""
    return is_at_most(F("fut_age_sessions"), FRESH_NIGHT_SESSIONS)


@per_stock(
    "has_breakdown", group="masks", role="mask", unit="flag", plan="Premium", window="P", sources=("@bd_short_share",)
)
def has_breakdown() -> Expr:
    """Whether it is known how its orders were placed today: bd_short_share not null."""
    return is_there(F("bd_short_share"))


@per_stock(
    "has_dividend",
    group="masks",
    role="mask",
    unit="flag",
    plan="Premium",
    window="P",
    sources=("@div_notice_age_sessions",),
)
def has_dividend() -> Expr:
    """Whether a dividend notice is known: any notice known, i.e. div_notice_age_sessions not null."""
    return is_there(F("div_notice_age_sessions"))
