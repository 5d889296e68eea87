"""The graph of one session, seen from its nodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.strongest import strongest
from gogoku_pipeline.graph.windows import DayWindow, Floats, ReturnMatrix

Places = npt.NDArray[np.int64]


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

    def total(self, values: Floats) -> Floats:
        """[nodes] sum of a value over each node's ties; 0 without any."""
        return np.bincount(self.node, weights=values, minlength=self.size).astype(np.float64, copy=False)

    def mean(self, values: Floats) -> Floats:
        """[nodes] sum_j w_ij * value_j / sum_j |w_ij| over the others with a value; NaN without any."""
        known = np.isfinite(values[self.other])
        moved = self.total(np.where(known, self.weight * values[self.other], 0.0))
        return ratio(moved, self.total(np.where(known, np.abs(self.weight), 0.0)))


@dataclass(frozen=True)
class DayGraph:
    """What the features of one session's nodes are made of.

    Attributes:
        edges: the correlation edges, from both ends.
        leaders: ties from each stock to those whose residuals of the day before it has followed.
        returns: [nodes] ret_1d of the session, NaN where there is none.
        residuals: [nodes] residual of the session, NaN where there is none.
    """

    edges: Neighbours
    leaders: Neighbours
    returns: Floats
    residuals: Floats


def day_graph(matrix: ReturnMatrix, window: DayWindow, rows: pl.DataFrame, config: GraphConfig) -> DayGraph:
    """Join the stored edges of a session with its returns.

    Raises:
        DataError: an edge joins a stock that is no node of the session.
    """
    place = matrix.place(window.session)
    return DayGraph(
        edges=_from_both_ends(matrix, window, rows),
        leaders=leaders(window.residuals, config),
        returns=matrix.returns[place, window.nodes],
        residuals=window.residuals[:, -1],
    )


def leaders(residuals: Floats, config: GraphConfig) -> Neighbours:
    """Ties from each stock i to the stocks j it follows: a_ij = corr(e_i[s], e_j[s-1]) over the window.

    Plain correlation (every session counts the same, unlike the edges), pairwise complete with at least `min_common`
    pairs, not shrunk; the `lead_k` largest |a_ij| >= `lead_threshold` among the nodes, the stock itself left out.

    Args:
        residuals: [nodes, window + 1], oldest session first, NaN where there is none.
        config: the dials.
    """
    following, leading = np.ascontiguousarray(residuals[:, 1:]), np.ascontiguousarray(residuals[:, :-1])
    plain = np.full(config.window, 1.0 / config.window)
    found = strongest(following, leading, plain, config.lead_k, config.lead_threshold, config.min_common)
    kept = found.columns >= 0
    node = np.repeat(np.arange(len(kept)), found.counts)
    return _sorted(node, found.columns[kept], found.values[kept], len(kept))


def ratio(above: Floats, below: Floats) -> Floats:
    """[n] above / below; NaN where below is 0."""
    out = np.full(len(above), np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out


def _from_both_ends(matrix: ReturnMatrix, window: DayWindow, rows: pl.DataFrame) -> Neighbours:
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
    weight = rows["correlation"].cast(pl.Float64).to_numpy()
    both = np.concatenate([low, high]), np.concatenate([high, low]), np.concatenate([weight, weight])
    return _sorted(*both, len(codes))


def _sorted(node: Places, other: Places, weight: Floats, size: int) -> Neighbours:
    order = np.lexsort((other, node))
    return Neighbours(node[order], other[order], weight[order], size)
