"""Sessions that were written and have no rows: otherwise they would look as if nobody had ever computed them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import SESSION, Table

EMPTY_SESSIONS = Table(
    name="store__empty_sessions",
    description=(
        "One session of one table that was written without rows. Recorded before the commit it belongs to; a record "
        "of a session that gained rows later stays and does no harm."
    ),
    columns=(
        Column("table_name", pl.String, "Table."),
        SESSION,
        Column("after_version", pl.Int64, "Version of the table just before the write.", at_least=0),
        Column("run_id", pl.String, "Run that wrote it."),
    ),
    key=("table_name", "session", "after_version"),
    partitioned=False,
)


def newly_empty(known: pl.LazyFrame, table: Table, sessions: Sequence[date], version: int, run_id: str) -> pl.DataFrame:
    """Records for sessions that are not yet known to be empty; [EMPTY_SESSIONS columns]."""
    recorded = sessions_without_rows(known, table, None) if sessions else []
    fresh = sorted(set(sessions) - set(recorded))
    return pl.DataFrame(
        {
            "table_name": [table.name] * len(fresh),
            "session": fresh,
            "after_version": [version] * len(fresh),
            "run_id": [run_id] * len(fresh),
        },
        schema=EMPTY_SESSIONS.polars_schema,
    )


def sessions_without_rows(known: pl.LazyFrame, table: Table, version: int | None) -> list[date]:
    """Sessions of a table recorded as empty, as of one of its versions (None: all)."""
    mine = known.filter(pl.col("table_name") == table.name)
    if version is not None:
        mine = mine.filter(pl.col("after_version") < version)
    return sorted(mine.select("session").unique().collect()["session"])
