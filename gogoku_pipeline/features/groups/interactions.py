"""A dozen products with a story each: an exposure times a factor return, or a value gated by a sign or by decay.

Factors are raw economic values of other groups, named by name; a null factor gives null. Two negatives of an exposure
and a return are meant to make a positive. What a tree or an attention layer finds by itself is left out.
"""

from __future__ import annotations

import math

from gogoku_pipeline.core.sessions import SESSIONS_PER_YEAR
from gogoku_pipeline.features.declaration import per_market, per_stock
from gogoku_pipeline.features.expressions import Expr, F, larger, log1p
from gogoku_pipeline.features.operators.cross_section import members_median
from gogoku_pipeline.features.operators.holding import faded


@per_stock(
    "x_mom_sharpe_60d",
    group="interactions",
    unit="ratio",
    sources=("@ret_60d", "@vol_60d"),
    observes=("@ret_60d", "@vol_60d"),
)
def x_mom_sharpe_60d() -> Expr:
    """Trend per unit of risk: ret_60d / (vol_60d * sqrt(60/245)): trend per unit of risk."""
    return F("ret_60d") / (F("vol_60d") * math.sqrt(60 / SESSIONS_PER_YEAR))


@per_stock(
    "x_rev_quiet_5d",
    group="interactions",
    unit="ratio",
    sources=("@rel_sec33_5d", "@volume_ratio_5_60"),
    observes=("@rel_sec33_5d", "@volume_ratio_5_60"),
)
def x_rev_quiet_5d() -> Expr:
    """A move against the peers that nobody traded on: -rel_sec33_5d / (0.5 + volume_ratio_5_60): moves without volume revert."""  # noqa: E501
    return -F("rel_sec33_5d") / (0.5 + F("volume_ratio_5_60"))


@per_stock(
    "x_leader_gap_5d",
    group="interactions",
    unit="ratio",
    sources=("@sec33_leader_ret_5d", "@ret_5d"),
    observes=("@sec33_leader_ret_5d", "@ret_5d"),
)
def x_leader_gap_5d() -> Expr:
    """How far it lags behind the sector's leaders: sec33_leader_ret_5d - ret_5d: small names follow the sector's leaders."""  # noqa: E501
    return F("sec33_leader_ret_5d") - F("ret_5d")


@per_stock(
    "x_high_mom",
    group="interactions",
    unit="ratio",
    sources=("@ret_250d_skip20", "@dist_high_250d"),
    observes=("@ret_250d_skip20", "@dist_high_250d"),
)
def x_high_mom() -> Expr:
    """Momentum close to the year's high: ret_250d_skip20 * (1 + dist_high_250d): momentum counts near the high."""
    return F("ret_250d_skip20") * (1 + F("dist_high_250d"))


@per_stock(
    "x_progress_fresh",
    group="interactions",
    unit="ratio",
    window="P",
    sources=("@gd_progress_op_excess", "@earn_age_sessions"),
    needs=("@gd_progress_op_excess[t]", "@earn_age_sessions[t]"),
)
def x_progress_fresh() -> Expr:
    """Results ahead of plan that were just reported: gd_progress_op_excess * 2^(-earn_age_sessions/20): progress ahead of plan, while it is news."""  # noqa: E501
    return faded(F("gd_progress_op_excess"), F("earn_age_sessions"), 20)


@per_stock(
    "x_value_momentum",
    group="interactions",
    unit="ratio",
    sources=("@val_bp", "@ret_60d"),
    observes=("@val_bp", "@ret_60d"),
)
def x_value_momentum() -> Expr:
    """A cheap stock on its way up: val_bp * max(ret_60d, 0): cheap and already turning."""
    return F("val_bp") * larger(F("ret_60d"), 0)


@per_stock(
    "x_pead_illiquid",
    group="interactions",
    unit="zscore",
    plan="Light",
    window="P",
    sources=("@pead_sue", "@amihud_20d_per_bnjpy"),
    needs=("@pead_sue[t]", "@amihud_20d_per_bnjpy[t]"),
)
def x_pead_illiquid() -> Expr:
    """An earnings surprise in a stock that is dear to trade: pead_sue * ln(1 + amihud_20d_per_bnjpy): drift lives where arbitrage is dear."""  # noqa: E501
    return F("pead_sue") * log1p(F("amihud_20d_per_bnjpy"))


@per_stock(
    "x_beta_market_5d",
    group="interactions",
    unit="ratio",
    plan="Light",
    sources=("@beta_250d", "@mkt_ret_5d"),
    observes=("@beta_250d", "@mkt_ret_5d"),
)
def x_beta_market_5d() -> Expr:
    """What the market's week owed the stock: beta_250d * mkt_ret_5d: the part of the move the market explains."""
    return F("beta_250d") * F("mkt_ret_5d")


@per_market(
    "_log10_mcap_median",
    group="interactions",
    unit="log10_jpy",
    sources=("@log10_mcap_jpy",),
    observes=("@log10_mcap_jpy",),
)
def log10_mcap_median() -> Expr:
    """Size of the stock in the middle: median of log10_mcap_jpy over U."""
    return members_median(F("log10_mcap_jpy"))


@per_stock(
    "x_flow_size",
    group="interactions",
    unit="ratio",
    plan="Light",
    sources=("@flow_frgn_net_share_4r", "@log10_mcap_jpy"),
    observes=("@flow_frgn_net_share_4r", "@log10_mcap_jpy", "@_log10_mcap_median"),
)
def x_flow_size() -> Expr:
    """Foreigners' buying where it lands: flow_frgn_net_share_4r * (log10_mcap_jpy - its median over U): foreigners buy large."""  # noqa: E501
    return F("flow_frgn_net_share_4r") * (F("log10_mcap_jpy") - F("_log10_mcap_median"))


@per_stock(
    "x_short_squeeze_sessions",
    group="interactions",
    unit="sessions",
    plan="Standard",
    sources=("@ssp_cover_sessions", "@ret_20d"),
    observes=("@ssp_cover_sessions", "@ret_20d"),
    at_least=0.0,
)
def x_short_squeeze_sessions() -> Expr:
    """Short positions that a rise hurts: ssp_cover_sessions * max(ret_20d, 0): shorts that must cover."""
    return F("ssp_cover_sessions") * larger(F("ret_20d"), 0)


@per_stock(
    "x_margin_pain_sessions",
    group="interactions",
    unit="sessions",
    plan="Standard",
    sources=("@mrg_long_cover_sessions", "@mrg_long_pnl_26w"),
    observes=("@mrg_long_cover_sessions", "@mrg_long_pnl_26w"),
    at_least=0.0,
)
def x_margin_pain_sessions() -> Expr:
    """Margin buyers who may have to sell: mrg_long_cover_sessions * max(-mrg_long_pnl_26w, 0): margin longs under water."""  # noqa: E501
    return F("mrg_long_cover_sessions") * larger(-F("mrg_long_pnl_26w"), 0)


@per_stock(
    "x_beta_night",
    group="interactions",
    unit="ratio",
    plan="Premium",
    sources=("@beta_60d", "@fut_tpx_night_ret"),
    observes=("@beta_60d", "@fut_tpx_night_ret"),
)
def x_beta_night() -> Expr:
    """What the futures' night owed the stock: beta_60d * fut_tpx_night_ret: what the newest published night owed the stock."""  # noqa: E501
    return F("beta_60d") * F("fut_tpx_night_ret")
