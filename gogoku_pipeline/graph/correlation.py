"""The correlation graph of a session: which stocks moved together once the market is taken out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial

import numpy as np
import polars as pl

from gogoku_pipeline.core.sessions import SessionCalendar
from gogoku_pipeline.graph.attributes import shared, weight_delta
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.day_by_day import day_by_day
from gogoku_pipeline.graph.matrix import ReturnMatrix, return_matrix
from gogoku_pipeline.graph.pairs import joined_pairs
from gogoku_pipeline.graph.windows import day_window
from gogoku_pipeline.schema.availability import AFTER_CLOSE
from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import AVAILABLE_AT, SESSION, Table

EDGES = Table(
    name="graph__correlation",
    description=(
        "One edge per pair of stocks that moved together over the last 60 sessions, the market taken out. Undirected: "
        "code_i < code_j, each pair once, no self-loop. Knowable at 16:30 of the session, like the bars it comes from. "
        "Correlations of 60 sessions are noisy: with 4,000 stocks many edges near the threshold are chance, the set "
        "changes from day to day, and stocks that rarely trade correlate by their stale prices. A session with fewer "
        "than 200 nodes has no edges; that is different from a graph whose stocks are all isolated (see has_graph)."
    ),
    columns=(
        SESSION,
        Column("code_i", pl.String, "The smaller code of the pair."),
        Column("code_j", pl.String, "The larger code of the pair."),
        Column("weight", pl.Float32, "Weighted pairwise correlation of the residuals, shrunk by 0.95.", "corr"),
        Column("is_same_sector", pl.Boolean, "Both stocks are in one TSE 33 sector on that session.", nullable=True),
        Column("is_same_market", pl.Boolean, "Both are in one market section on that session.", nullable=True),
        Column(
            "weight_delta_20d",
            pl.Float32,
            "Weight minus the same pair's shrunk correlation 20 sessions ago, whether or not it was an edge then; null "
            "when the pair could not be compared then.",
            "corr",
            nullable=True,
        ),
        AVAILABLE_AT,
    ),
    key=("session", "code_i", "code_j"),
)


def build_edges(
    returns: pl.DataFrame,
    sessions: Sequence[date],
    config: GraphConfig,
    *,
    calendar: SessionCalendar | None = None,
    threads: int = 1,
) -> pl.DataFrame:
    """Draw the correlation graph of each session from the returns up to it.

    Per session t: nodes and residuals as in `windows.day_window`; rho = weighted correlation over the pair's common
    sessions (at least `min_common`, pairwise means), shrunk; an edge when |shrink * rho| >= threshold and one of the
    two is among the other's k strongest. Equal strengths are ranked by code.

    Args:
        returns: `session, code, ret_1d, xs_ret_1d, is_in_universe`, reaching `config.lookback_sessions` sessions
            before the first session asked for (as far as the history goes). Row order is irrelevant.
        sessions: sessions to draw; each must have rows in `returns`.
        config: the dials.
        calendar: sessions that occupy a place in the windows; None takes those found in `returns`.
        threads: days computed at once (each on one core).

    Returns:
        Rows of `EDGES`, sorted by its key. A degenerate session has none. `is_same_sector` and `is_same_market` are
        null when the returns lack the columns they are read from.

    Raises:
        SchemaError, DataError: see `matrix.return_matrix` and `windows.day_window`.
    """
    matrix = return_matrix(returns, calendar)
    return pl.concat([EDGES.empty(), *edges_by_session(matrix, sessions, config, threads=threads)])


def edges_by_session(
    matrix: ReturnMatrix, sessions: Sequence[date], config: GraphConfig, *, threads: int = 1
) -> Iterator[pl.DataFrame]:
    """The rows of `build_edges`, one frame per session: for callers that write as they go."""
    yield from day_by_day(partial(_edges_of, matrix, config), sessions, threads)


def _edges_of(matrix: ReturnMatrix, config: GraphConfig, session: date) -> pl.DataFrame:
    window = day_window(matrix, session, config)
    if window.nodes.size == 0:
        return EDGES.empty()
    one, other, weights = joined_pairs(window, config)
    places_i, places_j = window.nodes[one], window.nodes[other]
    place = matrix.place(session)
    return pl.DataFrame(
        {
            "session": pl.repeat(session, len(one), dtype=pl.Date, eager=True),
            "code_i": matrix.codes.gather(places_i),
            "code_j": matrix.codes.gather(places_j),
            "weight": weights.astype(np.float32),
            "is_same_sector": shared(matrix.sector, place, places_i, places_j),
            "is_same_market": shared(matrix.section, place, places_i, places_j),
            "weight_delta_20d": weight_delta(matrix, window, (one, other), weights, config),
        }
    ).with_columns(AFTER_CLOSE.instant(pl.col("session")))
