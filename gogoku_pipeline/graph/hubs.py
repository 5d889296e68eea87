"""Hub nodes: one node for a whole sector or for the market, joined to each stock that can be compared with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial

import numpy as np
import polars as pl

from gogoku_pipeline.core.sessions import SessionCalendar
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.day_by_day import day_by_day
from gogoku_pipeline.graph.exact import score_rows
from gogoku_pipeline.graph.matrix import Floats, Places, ReturnMatrix, needed, return_matrix
from gogoku_pipeline.graph.sector import TYPED_EDGES
from gogoku_pipeline.graph.windows import day_window, market_returns, pad_head, sector_returns


def hub_edges(
    returns: pl.DataFrame,
    sessions: Sequence[date],
    config: GraphConfig,
    *,
    calendar: SessionCalendar | None = None,
    threads: int = 1,
) -> pl.DataFrame:
    """Join every node of each session's graph to its hub.

    A hub stands for what stocks have in common, so its edges are drawn from returns, not from residuals: the weight is
    the weighted, pairwise-complete, shrunk correlation of the stock's return with the hub's, whatever its size. The
    return of a sector hub is the mean of the other members of the sector the stock is in on t (at least two), that of
    the index hub is the market `config.residual` names. A stock that cannot be compared with its hub has no edge.

    Args:
        returns: as for `build_edges`; with sector33_code for sector hubs.
        sessions: sessions to draw.
        config: the dials; with `hubs` none there are no rows.
        calendar: as for `build_edges`.
        threads: days computed at once.

    Returns:
        Rows of TYPED_EDGES with edge_type `hub`, sorted by session and code: code_i the stock, code_j the hub
        (`sector33:3050`, `index:market`, `index:topix`). No issue code has a colon, so no hub is ever taken for one.

    Raises:
        SchemaError, DataError: see `matrix.return_matrix` and `windows.day_window`.
    """
    if config.hubs == "none":
        return TYPED_EDGES.to_frame()
    matrix = return_matrix(returns, calendar)
    return pl.concat([TYPED_EDGES.to_frame(), *day_by_day(partial(_hubs_of, matrix, config), sessions, threads)])


def _hubs_of(matrix: ReturnMatrix, config: GraphConfig, session: date) -> pl.DataFrame:
    window = day_window(matrix, session, config)
    place = matrix.place(session)
    rows = slice(max(0, place + 1 - config.window), place + 1)
    names, series = (
        _sector_hubs(matrix, rows, window.nodes) if config.hubs == "sector" else _index(matrix, rows, config)
    )
    own = np.ascontiguousarray(pad_head(matrix.returns[rows], config.window)[:, window.nodes].T)
    hub = np.ascontiguousarray(pad_head(series, config.window).T)
    scores = np.zeros(window.nodes.size)
    score_rows(own, hub, window.weights, config.min_common, scores)
    frame = pl.DataFrame(
        {
            "session": pl.repeat(session, window.nodes.size, dtype=pl.Date, eager=True),
            "code_i": matrix.codes.gather(window.nodes),
            "code_j": names if len(names) == window.nodes.size else pl.repeat(names[0], window.nodes.size, eager=True),
            "edge_type": pl.repeat("hub", window.nodes.size, eager=True),
            "weight": (config.shrink * scores).astype(np.float32),
        },
        schema=TYPED_EDGES,
    )
    return frame.filter(pl.Series(scores != 0.0))


def _sector_hubs(matrix: ReturnMatrix, rows: slice, nodes: Places) -> tuple[pl.Series, Floats]:
    """[nodes] hub of each node, and [sessions, nodes] what the others of its sector did."""
    labels = needed(matrix.sector, "sector33_code", "GraphConfig.hubs = 'sector'")
    here = labels.places[rows.stop - 1]
    names = ("sector33:" + labels.names).gather(np.maximum(here[nodes], 0)) if len(labels.names) else labels.names
    return names, sector_returns(matrix, rows, here)[:, nodes]


def _index(matrix: ReturnMatrix, rows: slice, config: GraphConfig) -> tuple[pl.Series, Floats]:
    """The one hub of all nodes, and [sessions, 1] its return."""
    return pl.Series([f"index:{config.residual}"]), market_returns(matrix, config)[rows, None]
