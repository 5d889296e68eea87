"""The `g_*` features and `has_graph`: what each is and its formula, from the graph of a session.

Belongs here: declarations and formulas. Does not belong here: drawing edges (`correlation`), weighing leaders
(`neighbours`), measures of the whole graph (`structure`), laying values out over stocks (`node_features`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

import numpy as np

from gogoku_pipeline.features.declaration import declared
from gogoku_pipeline.graph.matrix import Floats
from gogoku_pipeline.graph.neighbours import DayGraph, ratio
from gogoku_pipeline.graph.structure import clustering, core_numbers, eigencentrality, page_rank

Measure = Callable[[DayGraph], Floats]
"""A formula: the graph of a session in, one value per node out (NaN: undefined)."""


class _Origin(TypedDict):
    group: str
    sources: tuple[str, ...]
    window: str
    min_obs: int


_CORRELATION = _Origin(group="graph", sources=("@ret_1d", "@xs_ret_1d"), window="S60", min_obs=40)
_LAGGED = _Origin(group="graph", sources=("@ret_1d", "@xs_ret_1d"), window="S61", min_obs=40)
_WEEKLY = _Origin(group="graph", sources=("@ret_1d", "@xs_ret_1d", "@ret_5d"), window="S60", min_obs=40)
_CHANGE = _Origin(group="graph", sources=("@g_degree_count",), window="E21", min_obs=2)


@declared("g_degree_count", unit="count", at_least=0, **_CORRELATION)
def degree_count() -> Measure:
    """How many stocks moved with this one: number of edges; 0 for an isolated node."""
    return lambda day: day.edges.degree


@declared("g_strength", unit="ratio", at_least=0, **_CORRELATION)
def strength() -> Measure:
    """How strongly it is tied to its peers: sum of |w| over the edges; 0 for an isolated node."""
    return lambda day: day.edges.strength


@declared("g_signed_degree", unit="ratio", at_least=-1, at_most=1, **_CORRELATION)
def signed_degree() -> Measure:
    """Whether its peers are friends or opposites: (positive edges - negative edges) / edges."""
    return lambda day: ratio(day.edges.total(np.sign(day.edges.weight)), day.edges.degree)


@declared("g_clustering", unit="ratio", at_least=0, at_most=1, **_CORRELATION)
def clustered() -> Measure:
    """Whether its peers are each other's: closed triangles / possible ones (unweighted); null with fewer than 2 edges."""  # noqa: E501
    return lambda day: clustering(day.edges.starts, day.edges.other)


@declared("g_core_count", unit="count", at_least=0, **_CORRELATION)
def core_count() -> Measure:
    """How deep in the crowd it stands: k-core number, the largest k of a subgraph where all have k edges."""
    return lambda day: core_numbers(day.edges.starts, day.edges.other).astype(np.float64)


@declared("g_pagerank", unit="ratio", at_least=0, **_CORRELATION)
def pagerank() -> Measure:
    """How often a walk along the edges meets it: N * pagerank (damping 0.85, weights |w|); 1 = average."""
    return lambda day: (
        day.edges.size * page_rank(day.edges.starts, day.edges.other, np.abs(day.edges.weight))
        if day.edges.size
        else np.empty(0)
    )


@declared("g_eigencentrality", unit="ratio", at_least=0, at_most=1, **_CORRELATION)
def eigen_centrality() -> Measure:
    """Whether it is tied to those that are tied: component of the leading eigenvector of |w| on the largest component, scaled to maximum 1; null off it.

    Of components of one size the one with the smallest code counts; null everywhere in a graph without edges.
    """  # noqa: E501
    return lambda day: eigencentrality(day.edges.starts, day.edges.other, np.abs(day.edges.weight), day.edges.component)


@declared("g_component_share", unit="ratio", at_least=0, at_most=1, **_CORRELATION)
def component_share() -> Measure:
    """How much of the market it is connected with: nodes in the stock's component / N."""
    return lambda day: np.bincount(day.edges.component)[day.edges.component] / max(day.edges.size, 1)


@declared("g_peer_corr_mean", unit="corr", **_CORRELATION)
def peer_corr_mean() -> Measure:
    """Whether it moves with its peers or against them: mean of w over the edges."""
    return lambda day: ratio(day.edges.total(day.edges.weight), day.edges.degree)


@declared("g_peer_corr_max", unit="corr", **_CORRELATION)
def peer_corr_max() -> Measure:
    """How close its closest peer is: largest w over the edges (signed: negative when all peers are opposites)."""
    return lambda day: day.edges.largest()


@declared("g_peer_ret_1d", unit="ratio", **_CORRELATION)
def peer_return() -> Measure:
    """What the peers did today: sum_j w_ij*ret_1d_j / sum_j |w_ij| over neighbours with a value, the stock itself never included."""  # noqa: E501
    return lambda day: day.edges.mean(day.returns)


@declared("g_peer_ret_5d", unit="ratio", **_WEEKLY)
def peer_return_5d() -> Measure:
    """What the peers did this week: sum_j w_ij*ret_5d_j / sum_j |w_ij| over neighbours with a value, the stock itself never included."""  # noqa: E501
    return lambda day: day.edges.mean(day.returns_5d)


@declared("g_peer_resid_rev_5d", unit="ratio", **_CORRELATION)
def peer_reversal() -> Measure:
    """How far it fell behind its peers this week: -(E_i - sum_j w_ij*E_j / sum_j |w_ij|), E = sum_5(e): distance from the peers, signed for reversal.

    E needs at least four residuals of the last five sessions; peers without an E are left out.
    """  # noqa: E501
    return lambda day: day.edges.mean(day.residuals_5d) - day.residuals_5d


@declared("g_lead_lag_1d", unit="ratio", **_LAGGED)
def lead_lag() -> Measure:
    """What its companions' moves of today promise: sum_j a_ij*e_j[t] / sum_j |a_ij| over neighbours j with a residual on t; a_ij = corr(e_i[s], e_j[s-1]) over the window, drawn towards the multiple of w_ij that all ties of the day follow best.

    The rest after that multiple counts as far as it is wider than the error of a correlation (`neighbours.leaders`).
    The catalogue's leaders, the 20 largest |a_ij| >= 0.2 of the whole market, are noise: decision 0019.
    """  # noqa: E501
    return lambda day: day.leaders.mean(day.residuals)


@declared("g_degree_chg_20d_count", unit="count", **_CHANGE)
def degree_change() -> Measure:
    """Whether it gained or lost company over a month: g_degree_count[t] - g_degree_count[t-20].

    Null when the stock was no node, or the session had no graph, 20 sessions ago.
    """
    return lambda day: day.edges.degree - day.degree_before


@declared(
    "has_graph",
    group="masks",
    family="feat__graph",
    unit="flag",
    role="mask",
    window="P",
    sources=("@g_degree_count",),
)
def has_graph() -> Measure:
    """Whether the graph knows the stock: stock is a node of t's graph; 0 for every other stock, never null."""
    return lambda day: np.ones(day.edges.size)


MEASURES: dict[str, Measure] = {
    "g_degree_count": degree_count(),
    "g_strength": strength(),
    "g_signed_degree": signed_degree(),
    "g_clustering": clustered(),
    "g_core_count": core_count(),
    "g_pagerank": pagerank(),
    "g_eigencentrality": eigen_centrality(),
    "g_component_share": component_share(),
    "g_peer_corr_mean": peer_corr_mean(),
    "g_peer_corr_max": peer_corr_max(),
    "g_peer_ret_1d": peer_return(),
    "g_peer_ret_5d": peer_return_5d(),
    "g_peer_resid_rev_5d": peer_reversal(),
    "g_lead_lag_1d": lead_lag(),
    "g_degree_chg_20d_count": degree_change(),
    "has_graph": has_graph(),
}
"""Feature name to formula, in column order."""
