"""Every kind of edge the settings ask for, as one typed list: what graph models read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from gogoku_pipeline.core.sessions import SessionCalendar
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.hubs import hub_edges
from gogoku_pipeline.graph.sector import TYPED_KEY, of_type, sector_edges


def typed_edges(
    edges: pl.DataFrame,
    returns: pl.DataFrame,
    sessions: Sequence[date],
    config: GraphConfig,
    *,
    calendar: SessionCalendar | None = None,
    threads: int = 1,
) -> pl.DataFrame:
    """One list of typed edges: what moved together, and as the settings ask what does the same business and hubs.

    A pair may appear once per type.

    Args:
        edges: rows of `graph__correlation` of the sessions.
        returns: as for `build_edges`; with sector33_code for sector edges and sector hubs.
        sessions: sessions wanted.
        config: the dials: `sector_edges` and `hubs` decide what is added.
        calendar: as for `build_edges`.
        threads: days computed at once.

    Returns:
        Rows of TYPED_EDGES, sorted by session, codes and type.

    Raises:
        SchemaError, DataError: see `matrix.return_matrix`.
    """
    asked = pl.col("session").is_in(sorted(set(sessions)))
    parts = [of_type(edges.lazy().filter(asked), "correlation", pl.col("weight"))]
    if config.sector_edges:
        parts.append(sector_edges(returns.filter(asked)).lazy())
    if config.hubs != "none":
        parts.append(hub_edges(returns, sessions, config, calendar=calendar, threads=threads).lazy())
    return pl.concat(parts).sort(TYPED_KEY).collect()
