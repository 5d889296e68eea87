"""What a stock's neighbours tell about it: the `g_*` features and `has_graph`, one value per stock and session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.core.sessions import SessionCalendar
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.strongest import strongest
from gogoku_pipeline.graph.windows import DayWindow, Floats, ReturnMatrix, day_window, return_matrix, wanted_sessions

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Neighbours:
    """The edges of one session, seen from both ends, sorted by (node, neighbour).

    Attributes:
        node: [2 * edges] place of one end among the nodes.
        other: [2 * edges] place of the other end.
        weight: [2 * edges] shrunk correlation.
        size: number of nodes.
    """

    node: Places
    other: Places
    weight: Floats
    size: int

    def total(self, values: Floats) -> Floats:
        """Sum over each node's edges."""
        sums: Floats = np.bincount(self.node, weights=values, minlength=self.size).astype(np.float64, copy=False)
        return sums


def degree_count(edges: Neighbours) -> Floats:
    """How many stocks moved with this one: number of edges; 0 for an isolated node."""
    return edges.total(np.ones(len(edges.node)))


def strength(edges: Neighbours) -> Floats:
    """How strongly it is tied to them: sum of |w| over the edges; 0 for an isolated node."""
    return edges.total(np.abs(edges.weight))


def peer_corr_mean(edges: Neighbours) -> Floats:
    """Whether it moves with or against its peers: mean of w over the edges."""
    return _ratio(edges.total(edges.weight), degree_count(edges))


def peer_return(edges: Neighbours, ret: Floats) -> Floats:
    """What the peers did: sum_j w_ij * ret_j / sum_j |w_ij| over neighbours with a value."""
    known = np.isfinite(ret[edges.other])
    moved = edges.total(np.where(known, edges.weight * ret[edges.other], 0.0))
    return _ratio(moved, edges.total(np.where(known, np.abs(edges.weight), 0.0)))


def lead_lag(residuals: Floats, config: GraphConfig) -> Floats:
    """What the stocks it usually follows did today: sum_j a_ij * e_j[t] / sum_j |a_ij|.

    a_ij = corr(e_i[s], e_j[s-1]) over the window, plain (every session counts the same, unlike the edges), pairwise
    complete with at least `min_common` pairs, the stock itself left out; j runs over the `lead_k` largest
    |a_ij| >= `lead_threshold` among the nodes, of which those with a residual on t are summed.

    Args:
        residuals: [nodes, window + 1], oldest first, NaN where there is none.
        config: the dials.

    Returns:
        [nodes], NaN without any leader that traded on t.
    """
    followers, leaders = np.ascontiguousarray(residuals[:, 1:]), np.ascontiguousarray(residuals[:, :-1])
    plain = np.full(config.window, 1.0 / config.window)
    found = strongest(followers, leaders, plain, config.lead_k, config.lead_threshold, config.min_common)
    kept = found.columns >= 0
    node = np.repeat(np.arange(len(kept)), found.counts)
    today = Neighbours(node, found.columns[kept], found.values[kept], len(kept))
    return peer_return(today, residuals[:, -1])


def compute_node_features(
    edges: pl.DataFrame,
    returns: pl.DataFrame,
    sessions: Sequence[date],
    config: GraphConfig,
    *,
    calendar: SessionCalendar | None = None,
) -> pl.DataFrame:
    """Compute the graph features of every stock that has a row on each session.

    Args:
        edges: rows of `graph__correlation` for the sessions, drawn with the same config from the same returns.
        returns: as for `build_edges`.
        sessions: sessions to compute.
        config: the dials.
        calendar: as for `build_edges`.

    Returns:
        `session, code` and the features of `FEATURES` (Float32), sorted. A stock that is no node has nulls and
        `has_graph` 0; an isolated node has degree and strength 0 and null peers; a degenerate session is all null.

    Raises:
        DataError: an edge joins a stock that is no node of its session, or a session has no returns.
    """
    matrix = return_matrix(returns, calendar)
    by_day = edges.filter(pl.col("session").is_in(list(sessions))).partition_by("session", as_dict=True)
    frames = []
    for session in wanted_sessions(sessions):
        window = day_window(matrix, session, config)
        rows = by_day.get((session,), edges.clear())
        frames.append(_day(matrix, window, _neighbours(matrix, window, rows), config))
    return pl.concat([_EMPTY, *frames])


def _day(matrix: ReturnMatrix, window: DayWindow, edges: Neighbours, config: GraphConfig) -> pl.DataFrame:
    place = matrix.place(window.session)
    listed = np.flatnonzero(matrix.is_listed[place])
    values = {
        "g_degree_count": degree_count(edges),
        "g_strength": strength(edges),
        "g_peer_corr_mean": peer_corr_mean(edges),
        "g_peer_ret_1d": peer_return(edges, matrix.returns[place, window.nodes]),
        "g_lead_lag_1d": lead_lag(window.residuals, config),
    }
    columns = {name: _spread(column, window.nodes, listed, np.nan) for name, column in values.items()}
    columns["has_graph"] = _spread(np.ones(len(window.nodes)), window.nodes, listed, 0.0)
    keys = {
        "session": pl.repeat(window.session, len(listed), dtype=pl.Date, eager=True),
        "code": matrix.codes.gather(listed),
    }
    frame = pl.DataFrame({**keys, **columns}, schema=_EMPTY.schema)
    return frame.with_columns(pl.col(pl.Float32).fill_nan(None))


def _spread(values: Floats, nodes: Places, listed: Places, elsewhere: float) -> npt.NDArray[np.float32]:
    wide = np.full(int(listed[-1]) + 1 if listed.size else 0, elsewhere, dtype=np.float32)
    wide[nodes] = values
    return wide[listed]


def _neighbours(matrix: ReturnMatrix, window: DayWindow, rows: pl.DataFrame) -> Neighbours:
    ends = [matrix.codes.search_sorted(rows[name]).to_numpy() for name in ("code_i", "code_j")]
    codes = matrix.codes.gather(window.nodes)
    if not (rows["code_i"].is_in(codes.implode()).all() and rows["code_j"].is_in(codes.implode()).all()):
        raise DataError(
            f"edges of {window.session}",
            got="an edge to a stock that is no node on that session",
            want="edges drawn with the same config from the same returns",
            remedy="Rebuild graph__correlation for the session, then feat__graph.",
        )
    low, high = (np.searchsorted(window.nodes, end) for end in ends)
    weight = rows["correlation"].cast(pl.Float64).to_numpy()
    node, other = np.concatenate([low, high]), np.concatenate([high, low])
    order = np.lexsort((other, node))
    return Neighbours(node[order], other[order], np.concatenate([weight, weight])[order], len(window.nodes))


def _ratio(above: Floats, below: Floats) -> Floats:
    out = np.full(len(above), np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out


FEATURES = ("g_degree_count", "g_strength", "g_peer_corr_mean", "g_peer_ret_1d", "g_lead_lag_1d", "has_graph")
_EMPTY = pl.DataFrame(schema={"session": pl.Date, "code": pl.String, **dict.fromkeys(FEATURES, pl.Float32)})
