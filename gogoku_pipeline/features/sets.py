"""Named selections of features: what a panel, an export or a model is fed.

Belongs here: the rule of each set over a registry. Does not belong here: the hash stamped on models
(`graph.catalogue`), which knows the graph's features too.

A set is made by a closed rule from declarations, never by looking at values, and holds no feature above the plan it is
asked for. Besides the rules, the masks of every block in a set belong to it: a mask tells missing from average.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features.engine import ENDS_ONLY
from gogoku_pipeline.features.feature import PLANS, Feature, Need
from gogoku_pipeline.features.registry import Registry
from gogoku_pipeline.features.states.register import STATES

CORE: Mapping[str, tuple[str, ...]] = {
    "returns": ("ret_1d", "ret_5d", "ret_20d", "ret_250d_skip20", "ret_overnight", "close_location", "dist_high_250d"),
    "trend": ("sma_gap_60d", "rsi_14_score", "adx_14_score", "macd_hist"),
    "volatility": ("vol_20d", "vol_60d", "skew_60d", "max_ret_20d"),
    "liquidity": ("log10_adv_20d_jpy", "turnover_rate_20d", "volume_ratio_5_60", "amihud_20d_per_bnjpy"),
    "market": ("xs_ret_1d", "brd_above_sma60_share", "xs_disp_20d", "mkt_ret_20d", "mkt_vol_20d"),
    "beta": ("beta_60d", "idio_vol_60d", "resid_ret_5d", "resid_mom_250d"),
    "sector": ("rel_sec33_5d", "rel_sec33_20d", "sec33_ret_20d"),
    "size": ("log10_mcap_jpy", "scale_code", "listing_age_sessions", "share_issuance_250d"),
    "flows": ("flow_frgn_net_share_4r", "flow_smart_z"),
    "margin": ("mrg_long_ratio", "mrg_long_cover_sessions", "mrg_long_chg_4w", "alert_active_flag"),
    "short": ("shr_sec_ratio", "ssp_sum", "ssp_chg_20d"),
    "options": ("opt_iv_30d", "opt_skew_25d_30d", "opt_vrp_log"),
    "futures": ("fut_tpx_night_ret", "fut_tpx_carry_ann"),
    "sessions": ("am_ret", "pm_am_diff_20d"),
    "breakdown": ("bd_short_share", "bd_margin_new_net_5d"),
    "dividends": ("div_fcst_yield", "div_to_ex_sessions"),
    "fundamentals": ("fin_op_q_yoy_chg", "fin_roe_ttm", "fin_accruals_ttm", "fin_age_sessions", "gd_rev_np_mcap"),
    "valuation": ("val_ep_fwd", "val_bp", "val_sp_ttm"),
    "earnings": ("earn_age_sessions", "earn_to_sessions", "earn_reaction_1d", "sue_op_z"),
    "limits": ("lim_up_close_flag", "lim_down_close_flag", "lim_band_pos"),
    "calendar": ("cal_weekday_code", "cal_to_sq_sessions"),
    "interactions": ("x_high_mom", "x_value_momentum"),
    "graph": ("g_degree_count", "g_peer_ret_1d", "g_peer_corr_mean", "g_lead_lag_1d"),
}
"""Group to the few features that stand for it: one per idea, the plainest form of each."""

LOW_NULL_SESSIONS = 21
"""A new listing has a value of every feature of `low_null` by this session."""

SHORT_TERM_SESSIONS = 20
"""Sessions before t that a feature of `short_term` looks back, inputs of inputs included."""

COVERS_ALL = frozenset(
    {"bars", "master", "topix", "indices", "calendar", "investor", "short_ratio", "breakdown", "opt225", "futures"}
)
"""Sources that speak of every listed issue, or of the whole market, in every period."""

DATES_AND_SHARES = frozenset({"DiscDate", "DiscTime", "DocType", "CurPerEn", "CurFYEn", "ShOutFY", "TrShFY"})
"""Fields of a statement that are not the company's accounts: when it spoke, and how many shares there are."""

RULES: Mapping[str, str] = {
    **{plan.lower(): f"everything the {plan} plan can compute" for plan in PLANS},
    "core": "the few features that stand for each group, one per idea in its plainest form, as far as the plan reaches",
    "low_null": (
        f"a value within {LOW_NULL_SESSIONS} sessions of the listing by the declared windows, from sources that speak "
        "of every listed issue or of the whole market"
    ),
    "short_term": (
        f"at most {SHORT_TERM_SESSIONS} sessions back, inputs of inputs included, states and ages as of t among them; "
        "no company accounts and no fiscal quarters"
    ),
}
"""Set to its rule in words; `alpha158` stands outside the registry (package `features.alpha158`)."""


def names_of(set_name: str, registry: Registry) -> tuple[str, ...]:
    """Features of a set, in the registry's order.

    Args:
        set_name: one of RULES.
        registry: of one plan; nothing outside it can be chosen.

    Raises:
        FeatureError: an unknown set.
    """
    if set_name not in RULES:
        raise FeatureError(
            f"feature set {set_name!r}",
            got="an unknown name",
            want=f"one of {', '.join(RULES)}",
            remedy="`gogoku features --set NAME` shows what is in one.",
        )
    keeps = _rule(set_name, registry)
    if set_name.capitalize() in PLANS:
        return tuple(f.name for f in registry.public if keeps(f))
    chosen = {f.name for f in registry.public if f.role != "mask" and keeps(f)}
    groups = {registry.feature(name).group for name in chosen}
    return tuple(
        f.name
        for f in registry.public
        if f.name in chosen or (f.role == "mask" and (_speaks_of(f, registry) <= groups))
    )


def part(registry: Registry, names: tuple[str, ...]) -> Registry:
    """The features and everything they are made of, as a frozen registry of their own."""
    smaller = Registry(f"part of the {registry.name}")
    for feature in registry.in_order(names):
        smaller.add(feature)
    return smaller.freeze()


def null_head(feature: Feature, registry: Registry) -> int:
    """First session of a history, counted from 1, on which the declared windows allow a value.

    Closed form of the null budget: a published field has one on session 1; a value needed n places ago adds n, a
    window adds its min_obs - 1, releases come as far apart as their state says. Source: features.md 5.
    """

    def first(name: str) -> int:
        return null_head(registry.feature(name[1:]), registry) if name.startswith("@") else 1

    step = _sessions_per_release(feature) if feature.axis == "release" else 1
    heads = [first(need.name) + need.newest * step for need in feature.needs]
    if feature.axis == "external":
        heads += [first(source) + feature.min_obs - 1 for source in feature.sources]
    elif feature.observes and feature.window.kind not in ENDS_ONLY:
        seen = [Need.parse(text if "[" in text else f"{text}[t]") for text in feature.observes]
        heads += [first(need.name) + (need.newest + feature.min_obs - 1) * step for need in seen]
    return max(heads, default=1)


def look_back(feature: Feature, registry: Registry) -> int:
    """Sessions before t that its windows reach, inputs of inputs included; a fiscal quarter counts as 60."""
    below = max((look_back(registry.feature(name), registry) for name in feature.depends_on), default=0)
    places = {"R": _sessions_per_release(feature), "Q": 60}.get(feature.window.kind, 1)
    own = feature.window.sessions - 1 if feature.window.kind in "SEX" else feature.window.sessions * places
    return below + (0 if feature.window.kind in "PC" else own)


def _rule(set_name: str, registry: Registry) -> Callable[[Feature], bool]:
    if set_name.capitalize() in PLANS:
        reach = PLANS[: PLANS.index(set_name.capitalize()) + 1]
        return lambda feature: feature.plan in reach
    if set_name == "core":
        named = {name for names in CORE.values() for name in names}
        return lambda feature: feature.name in named
    if set_name == "low_null":
        return lambda f: _fields(f, registry, _is_everywhere) and null_head(f, registry) <= LOW_NULL_SESSIONS
    return lambda f: _fields(f, registry, _is_no_account) and look_back(f, registry) <= SHORT_TERM_SESSIONS


def _fields(feature: Feature, registry: Registry, holds: Callable[[str], bool]) -> bool:
    """Whether something holds for every published field below a feature."""
    below = registry.in_order([feature.name])
    return all(holds(source) for f in below for source in f.sources if not source.startswith("@"))


def _is_everywhere(source: str) -> bool:
    return source.partition(".")[0] in COVERS_ALL


def _is_no_account(source: str) -> bool:
    alias, _, field = source.partition(".")
    return alias != "summary" or field in DATES_AND_SHARES


def _speaks_of(mask: Feature, registry: Registry) -> set[str]:
    """Groups of the features a mask is made of; a mask of the stock itself speaks of none."""
    return {registry.feature(name).group for name in mask.depends_on}


def _sessions_per_release(feature: Feature) -> int:
    """Sessions between two releases of what it reads; a week where its state does not say."""
    return max((STATES[alias].sessions_per_release for alias in feature.states), default=5)
