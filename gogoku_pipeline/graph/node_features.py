"""What a stock's neighbours tell about it: the `g_*` features and `has_graph`, one value per stock and session.

Belongs here: their declarations, formulas and computation. Does not belong here: drawing edges (`correlation`),
choosing leaders (`neighbours`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import TypedDict

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.sessions import SessionCalendar
from gogoku_pipeline.features.declaration import declared
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.day_by_day import day_by_day
from gogoku_pipeline.graph.neighbours import DayGraph, Places, day_graph, ratio
from gogoku_pipeline.graph.windows import Floats, ReturnMatrix, day_window, return_matrix

Measure = Callable[[DayGraph], Floats]
"""A formula: the graph of a session in, one value per node out (NaN: undefined)."""


class _Origin(TypedDict):
    group: str
    sources: tuple[str, ...]
    window: str
    min_obs: int


_CORRELATION = _Origin(group="graph", sources=("@ret_1d", "@xs_ret_1d"), window="S60", min_obs=40)
_LAGGED = _Origin(group="graph", sources=("@ret_1d", "@xs_ret_1d"), window="S61", min_obs=40)


@declared("g_degree_count", unit="count", at_least=0, **_CORRELATION)
def degree_count() -> Measure:
    """How many stocks moved with this one: number of edges; 0 for an isolated node."""
    return lambda day: day.edges.degree


@declared("g_strength", unit="ratio", at_least=0, **_CORRELATION)
def strength() -> Measure:
    """How strongly it is tied to its peers: sum of |w| over the edges; 0 for an isolated node."""
    return lambda day: day.edges.strength


@declared("g_peer_corr_mean", unit="corr", **_CORRELATION)
def peer_corr_mean() -> Measure:
    """Whether it moves with its peers or against them: mean of w over the edges."""
    return lambda day: ratio(day.edges.total(day.edges.weight), day.edges.degree)


@declared("g_peer_ret_1d", unit="ratio", **_CORRELATION)
def peer_return() -> Measure:
    """What the peers did today: sum_j w_ij*ret_1d_j / sum_j |w_ij| over neighbours with a value, never the stock."""
    return lambda day: day.edges.mean(day.returns)


@declared("g_lead_lag_1d", unit="ratio", **_LAGGED)
def lead_lag() -> Measure:
    """What yesterday's leaders promise for t+1: sum_j a_ij*e_j[t] / sum_j |a_ij| over leaders with a residual on t.

    a_ij = corr(e_i[s], e_j[s-1]) over the window, plain, the 20 largest |a_ij| >= 0.2, j not i.
    """
    return lambda day: day.leaders.mean(day.residuals)


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
    """Whether the stock is a node of t's graph: 1 for a node, 0 for every other stock, never null."""
    return lambda day: np.ones(day.edges.size)


MEASURES: dict[str, Measure] = {
    "g_degree_count": degree_count(),
    "g_strength": strength(),
    "g_peer_corr_mean": peer_corr_mean(),
    "g_peer_ret_1d": peer_return(),
    "g_lead_lag_1d": lead_lag(),
    "has_graph": has_graph(),
}
"""Feature name to formula, in column order."""

_EMPTY = pl.DataFrame(schema={"session": pl.Date, "code": pl.String, **dict.fromkeys(MEASURES, pl.Float32)})


def compute_node_features(
    edges: pl.DataFrame,
    returns: pl.DataFrame,
    sessions: Sequence[date],
    config: GraphConfig,
    *,
    calendar: SessionCalendar | None = None,
    threads: int = 1,
) -> pl.DataFrame:
    """Compute the graph features of every stock that has a row on each session.

    Args:
        edges: rows of `graph__correlation` for the sessions, drawn with the same config from the same returns.
        returns: as for `build_edges`.
        sessions: sessions to compute.
        config: the dials.
        calendar: as for `build_edges`.
        threads: days computed at once.

    Returns:
        `session, code` and the columns of `MEASURES` (Float32), sorted by key. A stock that is no node has nulls and
        `has_graph` 0; an isolated node has degree and strength 0 and null peers; a degenerate session is all null.

    Raises:
        SchemaError, DataError: see `windows.return_matrix`; DataError also when an edge joins a stock that is no node.
    """
    matrix = return_matrix(returns, calendar)
    by_day = edges.filter(pl.col("session").is_in(list(sessions))).partition_by("session", as_dict=True)
    nothing = edges.clear()

    def of_day(session: date) -> pl.DataFrame:
        return _day(matrix, by_day.get((session,), nothing), config, session)

    return pl.concat([_EMPTY, *day_by_day(of_day, sessions, threads)])


def _day(matrix: ReturnMatrix, rows: pl.DataFrame, config: GraphConfig, session: date) -> pl.DataFrame:
    window = day_window(matrix, session, config)
    listed = np.flatnonzero(matrix.is_listed[matrix.place(session)])
    graph = day_graph(matrix, window, rows, config)
    spread = partial(_spread, nodes=window.nodes, listed=listed)
    frame = pl.DataFrame(
        {
            "session": pl.repeat(session, len(listed), dtype=pl.Date, eager=True),
            "code": matrix.codes.gather(listed),
            **{name: spread(measure(graph)) for name, measure in MEASURES.items()},
        },
        schema=_EMPTY.schema,
    )
    return frame.with_columns(pl.col(pl.Float32).fill_nan(None)).with_columns(pl.col("has_graph").fill_null(0.0))


def _spread(values: Floats, nodes: Places, listed: Places) -> npt.NDArray[np.float32]:
    """Values of the nodes laid out over all listed stocks, NaN elsewhere."""
    out = np.full(len(listed), np.nan, dtype=np.float32)
    out[np.searchsorted(listed, nodes)] = values
    return out
