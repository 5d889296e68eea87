"""Who bought and who sold last week: market-wide from section TokyoNagoya, plus the stock's own section.

Amounts are thousand yen; only ratios leave this group. R(n) counts distinct weeks, each in the newest version known at
the hour of decision: windows over weeks are taken where the versions are (`states.flow`), and a week is read for 15
sessions after it first became known. A week in which a class claims more than everybody traded has no share.
"""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_market, per_stock
from gogoku_pipeline.features.expressions import Expr, F, K, constant, equal, greater, magnitude

INVESTORS = {
    "frgn": {"Who": "Foreigners", "Bal": "FrgnBal"},
    "ind": {"Who": "Individuals", "Bal": "IndBal"},
    "trstbnk": {"Who": "Trust banks", "Bal": "TrstBnkBal"},
    "invtr": {"Who": "Investment trusts", "Bal": "InvTrBal"},
    "busco": {"Who": "Business companies", "Bal": "BusCoBal"},
}
"""Classes of investors whose net share is a feature: short name, words, published balance."""


def _contradicted(net: str, of_all: str) -> Expr:
    """1 where a class bought or sold more, net, than everybody traded."""
    return greater(magnitude(K(net)), K(of_all))


@per_market(
    "flow_{x}_net_share",
    group="flows",
    role="market",
    unit="ratio",
    plan="Light",
    window="R1",
    sources=("investor.{Bal}", "investor.TotTot"),
    needs=("flow.{x}_net_kjpy[t]", "flow.total_kjpy[t]"),
    undefined=equal(K("flow.total_kjpy"), 0.0),
    impossible=lambda x: _contradicted(f"flow.{x}_net_kjpy", "flow.total_kjpy"),
    choices={"x": INVESTORS},
    at_least=-1.0,
    at_most=1.0,
)
def flow_net_share(x: str) -> Expr:
    """{Who} net of sales, of all that traded: {Bal} / TotTot of the week."""
    return K(f"flow.{x}_net_kjpy") / K("flow.total_kjpy")


@per_market(
    "flow_{x}_net_share_4r",
    group="flows",
    role="market",
    unit="ratio",
    plan="Light",
    window="R4",
    min_obs=4,
    sources=("investor.{Bal}", "investor.TotTot"),
    needs=("flow.{x}_net_4r_kjpy[t]", "flow.total_4r_kjpy[t]"),
    undefined=equal(K("flow.total_4r_kjpy"), 0.0),
    impossible=lambda x: _contradicted(f"flow.{x}_net_4r_kjpy", "flow.total_4r_kjpy"),
    choices={"x": {name: INVESTORS[name] for name in ("frgn", "ind")}},
    at_least=-1.0,
    at_most=1.0,
)
def flow_net_share_4r(x: str) -> Expr:
    """{Who} net of sales over four weeks: sum_4 {Bal} / sum_4 TotTot."""
    return K(f"flow.{x}_net_4r_kjpy") / K("flow.total_4r_kjpy")


@per_market(
    "flow_smart_z",
    group="flows",
    role="market",
    unit="zscore",
    plan="Light",
    window="R52",
    min_obs=26,
    sources=("@flow_frgn_net_share", "@flow_ind_net_share"),
    needs=(
        *("@flow_frgn_net_share[t]", "flow.frgn_share_mean_52r[t]", "flow.frgn_share_sd_52r[t]"),
        *("@flow_ind_net_share[t]", "flow.ind_share_mean_52r[t]", "flow.ind_share_sd_52r[t]"),
    ),
)
def flow_smart_z() -> Expr:
    """Foreigners against individuals, each in its own year: z52(flow_frgn_net_share) - z52(flow_ind_net_share)."""
    foreigners = (F("flow_frgn_net_share") - K("flow.frgn_share_mean_52r")) / K("flow.frgn_share_sd_52r")
    individuals = (F("flow_ind_net_share") - K("flow.ind_share_mean_52r")) / K("flow.ind_share_sd_52r")
    return foreigners - individuals


@per_market(
    "flow_smart_mom4_z",
    group="flows",
    role="market",
    unit="zscore",
    plan="Light",
    window="R4",
    min_obs=4,
    sources=("@flow_smart_z",),
    needs=("@flow_smart_z[t]", "flow.smart_z_mean_4r[t]"),
)
def flow_smart_mom4_z() -> Expr:
    """Whether smart money is turning: flow_smart_z - mean over 4 weeks of it."""
    return F("flow_smart_z") - K("flow.smart_z_mean_4r")


SIX = ("ind", "frgn", "invtr", "busco", "trstbnk", "insco")
"""Classes of investors whose side counts in the breadth."""


@per_market(
    "flow_breadth_pos",
    group="flows",
    role="market",
    unit="ratio",
    plan="Light",
    window="R1",
    sources=(
        *("investor.IndBal", "investor.FrgnBal", "investor.InvTrBal"),
        *("investor.BusCoBal", "investor.TrstBnkBal", "investor.InsCoBal"),
    ),
    needs=tuple(f"flow.{name}_net_kjpy[t]" for name in SIX),
    at_least=0.0,
    at_most=1.0,
)
def flow_breadth_pos() -> Expr:
    """How many kinds of investors bought: share of the six classes with Bal > 0."""
    bought = constant(0.0)
    for name in SIX:
        bought = bought + greater(K(f"flow.{name}_net_kjpy"), constant(0.0))
    return bought / len(SIX)


@per_market(
    "flow_frgn_streak_releases",
    group="flows",
    role="market",
    unit="releases",
    plan="Light",
    window="X1",
    sources=("investor.FrgnBal",),
    needs=("flow.frgn_streak_releases[t]",),
)
def flow_frgn_streak_releases() -> Expr:
    """How long foreigners have been on one side: signed count of consecutive weeks with the same sign of FrgnBal."""
    return K("flow.frgn_streak_releases")


@per_stock(
    "flow_section_frgn_net_share",
    group="flows",
    role="sector",
    unit="ratio",
    plan="Light",
    window="R1",
    sources=("investor.Section", "investor.FrgnBal", "investor.TotTot", "master.Mkt"),
    needs=("flow_section.frgn_net_kjpy[t]", "flow_section.total_kjpy[t]"),
    undefined=equal(K("flow_section.total_kjpy"), 0.0),
    impossible=_contradicted("flow_section.frgn_net_kjpy", "flow_section.total_kjpy"),
    at_least=-1.0,
    at_most=1.0,
)
def flow_section_frgn_net_share() -> Expr:
    """Foreigners net of sales where the stock is listed: FrgnBal / TotTot of the stock's own section (0111/0101 -> TSEPrime/TSE1st, 0112 -> TSEStandard, 0113 -> TSEGrowth, 0102 -> TSE2nd, 0104 -> TSEMothers, 0106/0107 -> TSEJASDAQ)."""  # noqa: E501
    return K("flow_section.frgn_net_kjpy") / K("flow_section.total_kjpy")


@per_market(
    "flow_age_sessions",
    group="flows",
    role="market",
    unit="sessions",
    plan="Light",
    window="P",
    sources=("investor.PubDate",),
    needs=("flow.age_sessions[t]",),
    at_least=0.0,
    at_most=15.0,
)
def flow_age_sessions() -> Expr:
    """How old the newest week is: sessions since the newest week became available."""
    return K("flow.age_sessions")
