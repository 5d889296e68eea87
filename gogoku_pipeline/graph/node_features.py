"""What a stock's neighbours tell about it: the values of `formulas`, one per stock and session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.sessions import SessionCalendar
from gogoku_pipeline.graph.config import LAG_SESSIONS, GraphConfig
from gogoku_pipeline.graph.day_by_day import day_by_day
from gogoku_pipeline.graph.formulas import MEASURES
from gogoku_pipeline.graph.matrix import Floats, Places, ReturnMatrix, return_matrix
from gogoku_pipeline.graph.neighbours import day_graph
from gogoku_pipeline.graph.windows import day_window

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
        edges: rows of `graph__correlation`, drawn with the same config from the same returns: those of the sessions,
            and of 20 sessions before each for `g_degree_chg_20d_count`. A session that early without a row is drawn
            again, so its absence costs time and changes nothing.
        returns: as for `build_edges`, with ret_5d.
        sessions: sessions to compute.
        config: the dials.
        calendar: as for `build_edges`.
        threads: days computed at once.

    Returns:
        `session, code` and the columns of `MEASURES` (Float32), sorted by key. A stock that is no node has nulls and
        `has_graph` 0; an isolated node has degree and strength 0 and null peers; a degenerate session is all null.

    Raises:
        SchemaError, DataError: see `matrix.return_matrix`; DataError also when an edge joins a stock that is no node.
    """
    matrix = return_matrix(returns, calendar)
    wanted = {day for session in sessions for day in (session, matrix.before(session, LAG_SESSIONS)) if day}
    by_day = edges.filter(pl.col("session").is_in(sorted(wanted))).partition_by("session", as_dict=True)
    nothing = edges.clear()

    def of_day(session: date) -> pl.DataFrame:
        earlier = matrix.before(session, LAG_SESSIONS)
        rows = by_day.get((session,), nothing), by_day.get((earlier,), nothing)
        return _day(matrix, rows, config, session)

    return pl.concat([_EMPTY, *day_by_day(of_day, sessions, threads)])


def _day(
    matrix: ReturnMatrix, rows: tuple[pl.DataFrame, pl.DataFrame], config: GraphConfig, session: date
) -> pl.DataFrame:
    window = day_window(matrix, session, config)
    listed = np.flatnonzero(matrix.is_listed[matrix.place(session)])
    graph = day_graph(matrix, window, *rows, config)
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
