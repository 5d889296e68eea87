"""The graph of one session, seen from its nodes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.graph.config import LAG_SESSIONS, GraphConfig
from gogoku_pipeline.graph.exact import score_pairs
from gogoku_pipeline.graph.matrix import Floats, Places, ReturnMatrix, needed
from gogoku_pipeline.graph.pairs import joined_pairs
from gogoku_pipeline.graph.structure import components
from gogoku_pipeline.graph.windows import DayWindow, day_window

WEEK, WEEK_MIN = 5, 4
"""Sessions of a residual sum, and how many of them must have a residual (as in `resid_ret_5d`)."""


@dataclass(frozen=True)
class Neighbours:
    """Directed ties between nodes, sorted by (node, other) so that sums do not depend on row order.

    Attributes:
        node: [ties] place of the node that looks.
        other: [ties] place of the node it looks at.
        weight: [ties] signed strength.
        size: number of nodes.
    """

    node: Places
    other: Places
    weight: Floats
    size: int

    @property
    def degree(self) -> Floats:
        """[nodes] number of ties."""
        return self.total(np.ones(len(self.node)))

    @property
    def strength(self) -> Floats:
        """[nodes] sum of |weight|."""
        return self.total(np.abs(self.weight))

    @cached_property
    def starts(self) -> Places:
        """[nodes + 1] first tie of each node."""
        return np.searchsorted(self.node, np.arange(self.size + 1)).astype(np.int64)

    @cached_property
    def component(self) -> Places:
        """[nodes] smallest node of the component each belongs to; every tie must stand with both ends."""
        label: Places = components(self.starts, self.other)
        return label

    def total(self, values: Floats) -> Floats:
        """[nodes] sum of a value over each node's ties; 0 without any."""
        return np.bincount(self.node, weights=values, minlength=self.size).astype(np.float64, copy=False)

    def mean(self, values: Floats) -> Floats:
        """[nodes] sum_j w_ij * value_j / sum_j |w_ij| over the others with a value; NaN without any."""
        known = np.isfinite(values[self.other])
        moved = self.total(np.where(known, self.weight * values[self.other], 0.0))
        return ratio(moved, self.total(np.where(known, np.abs(self.weight), 0.0)))

    def largest(self) -> Floats:
        """[nodes] largest signed weight; NaN without ties."""
        out = np.full(self.size, -np.inf)
        np.maximum.at(out, self.node, self.weight)
        return np.where(np.isfinite(out), out, np.nan)


@dataclass(frozen=True)
class DayGraph:
    """What the features of one session's nodes are made of; NaN is always "none".

    Attributes:
        edges: the correlation edges, from both ends.
        leaders: ties from each stock to its companions, as strong as it follows what they did the session before.
        returns: [nodes] ret_1d of the session.
        returns_5d: [nodes] ret_5d of the session.
        residuals: [nodes] residual of the session.
        residuals_5d: [nodes] sum of the residuals of the last five sessions, at least four of them.
        degree_before: [nodes] number of edges 20 sessions ago.
    """

    edges: Neighbours
    leaders: Neighbours
    returns: Floats
    returns_5d: Floats
    residuals: Floats
    residuals_5d: Floats
    degree_before: Floats


def day_graph(
    matrix: ReturnMatrix, window: DayWindow, rows: pl.DataFrame, rows_before: pl.DataFrame, config: GraphConfig
) -> DayGraph:
    """Join the stored edges of a session with its returns.

    Args:
        matrix: the returns.
        window: the session's window.
        rows: stored edges of the session.
        rows_before: stored edges of 20 sessions earlier; when there are none they are drawn.
        config: the dials.

    Raises:
        DataError: an edge joins a stock that is no node of its session.
        SchemaError: the returns have no ret_5d.
    """
    place = matrix.place(window.session)
    returns_5d = needed(matrix.returns_5d, "ret_5d", "g_peer_ret_5d")
    edges = _from_both_ends(matrix, window, rows)
    return DayGraph(
        edges=edges,
        leaders=leaders(edges, window.residuals, config),
        returns=matrix.returns[place, window.nodes],
        returns_5d=returns_5d[place, window.nodes],
        residuals=window.residuals[:, -1],
        residuals_5d=_week(window.residuals),
        degree_before=_degree_before(matrix, window, rows_before, config),
    )


def leaders(edges: Neighbours, residuals: Floats, config: GraphConfig) -> Neighbours:
    """Ties from each stock i to its companions j, as strong as what j did a session before was followed by i.

    rho_ij = corr(e_i[s], e_j[s-1]) over the window: plain (every session counts the same, unlike the edges), pairwise
    complete with at least `min_common` pairs. One such number errs by 1 / sqrt(window), more than any lead in a liquid
    market, so it is drawn towards what companions as a whole carry over (empirical Bayes):

        b = sum rho_ij * w_ij / sum w_ij^2              over all ties of the session
        a_ij = b * w_ij + trust * (rho_ij - b * w_ij),  trust = max(0, 1 - (1 / window) / mean (rho_ij - b * w_ij)^2)

    Args:
        edges: the session's correlation edges, from both ends: who is a companion.
        residuals: [nodes, window + 1], oldest session first, NaN where there is none.
        config: the dials.

    Source: decision 0019; Efron and Morris (1975) for the shrinkage.
    """
    following, leading = np.ascontiguousarray(residuals[:, 1:]), np.ascontiguousarray(residuals[:, :-1])
    plain = np.full(config.window, 1.0 / config.window)
    lagged = np.zeros(len(edges.other))
    sides = (following, following, 0), (leading, leading, 0)
    score_pairs(edges.other.astype(np.int32), edges.starts, 0, *sides, plain, config.min_common, lagged)
    known = lagged != 0.0
    pulled = _towards_all(lagged[known], edges.weight[known], 1.0 / config.window)
    return Neighbours(edges.node[known], edges.other[known], pulled, edges.size)


def _towards_all(lagged: Floats, weight: Floats, noise: float) -> Floats:
    """[ties] lagged correlations drawn towards one multiple of the edges' weights; see `leaders`."""
    if lagged.size == 0:
        return lagged
    common: Floats = weight * (np.sum(lagged * weight) / np.sum(weight * weight))
    apart = lagged - common
    spread = float(np.mean(apart * apart))
    trust = max(0.0, 1.0 - noise / spread) if spread > 0.0 else 0.0
    drawn: Floats = common + trust * apart
    return drawn


def ratio(above: Floats, below: Floats) -> Floats:
    """[n] above / below; NaN where below is 0."""
    out = np.full(len(above), np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out


def _week(residuals: Floats) -> Floats:
    recent = residuals[:, -WEEK:]
    known = np.isfinite(recent)
    total = np.zeros(len(recent))
    for s in range(recent.shape[1]):
        total = total + np.where(known[:, s], recent[:, s], 0.0)
    return np.where(known.sum(axis=1) >= WEEK_MIN, total, np.nan)


def _degree_before(matrix: ReturnMatrix, window: DayWindow, rows: pl.DataFrame, config: GraphConfig) -> Floats:
    session = matrix.before(window.session, LAG_SESSIONS)
    out = np.full(window.nodes.size, np.nan)
    if session is None or window.nodes.size == 0:
        return out
    then = day_window(matrix, session, config)
    if then.nodes.size == 0:
        return out
    ends = _ends(matrix, then, rows) if rows.height else joined_pairs(then, config)[:2]
    degree = np.bincount(np.concatenate(ends), minlength=then.nodes.size)
    at = np.minimum(np.searchsorted(then.nodes, window.nodes), then.nodes.size - 1)
    return np.where(then.nodes[at] == window.nodes, degree[at].astype(np.float64), np.nan)


def _from_both_ends(matrix: ReturnMatrix, window: DayWindow, rows: pl.DataFrame) -> Neighbours:
    low, high = _ends(matrix, window, rows)
    weight = rows["weight"].cast(pl.Float64).to_numpy()
    both = np.concatenate([low, high]), np.concatenate([high, low]), np.concatenate([weight, weight])
    return _sorted(*both, window.nodes.size)


def _ends(matrix: ReturnMatrix, window: DayWindow, rows: pl.DataFrame) -> tuple[Places, Places]:
    codes = matrix.codes.gather(window.nodes)
    ends = (rows["code_i"], rows["code_j"])
    if not all(end.is_in(codes.implode()).all() for end in ends):
        raise DataError(
            f"edges of {window.session}",
            got="an edge to a stock that is no node on that session",
            want="edges drawn with the same config from the same returns",
            remedy="Rebuild graph__correlation for the session, then feat__graph.",
        )
    low, high = (codes.search_sorted(end).to_numpy().astype(np.int64) for end in ends)
    return low, high


def _sorted(node: Places, other: Places, weight: Floats, size: int) -> Neighbours:
    order = np.lexsort((other, node))
    return Neighbours(node[order], other[order], weight[order], size)
