"""A table as it was known at an instant: rows in force now that were known then, and versions superseded since.

Nothing that a later landing said looks back: neither a corrected value nor a row that a correction took away.
"""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.corrections import CORRECTIONS, is_fetch_dependent, rows_from_json
from gogoku_pipeline.tables.derived import with_derived


def as_of(
    store: Store, table: Table, instant: datetime, *, start: date | None = None, end: date | None = None
) -> pl.DataFrame:
    """The rows of a core table that were in force at an instant.

    Args:
        store: where the table and its corrections are.
        table: a table typed from a source.
        instant: aware instant that asks; a row counts from its `available_at` on.
        start: first session, None for all.
        end: last session, included.

    Returns:
        The table's columns, sorted by its key; `available_at` is the instant from which that version was known.
        Columns that differ from fetch to fetch by design (served adjusted values) are null: the value served later
        knows of splits that were still to come.

    Raises:
        DataError: a naive instant.
    """
    if instant.tzinfo is None:
        raise DataError(
            f"{table.name} as of {instant}", got="a naive instant", want="an aware one", remedy="Add tzinfo=JST."
        )
    current = store.tables.scan(table, start=start, end=end).filter(pl.col("available_at") <= instant).collect()
    before = _superseded(store, table, instant, start, end)
    rows = current if before.is_empty() else with_derived(table, pl.concat([current, before.select(current.columns)]))
    served = [column.name for column in table.columns if is_fetch_dependent(column.name)]
    unknown = [pl.lit(None, dtype=table.polars_schema[name]).alias(name) for name in served]
    return rows.with_columns(unknown).select(table.polars_schema.names()).sort(table.key)


def _superseded(store: Store, table: Table, instant: datetime, start: date | None, end: date | None) -> pl.DataFrame:
    """Versions that were in force then and are no more."""
    asked = store.tables.scan(CORRECTIONS, start=start, end=end, ordered=False).filter(
        (pl.col("table") == table.name)
        & (pl.col("change") != "added")
        & (pl.col("known_from") <= instant)
        & (pl.col("superseded_at") > instant)
    )
    found = asked.collect()
    if found.is_empty():
        return table.empty()
    schema = pl.Schema({name: dtype for name, dtype in table.polars_schema.items() if name != "available_at"})
    return rows_from_json(found["before_json"], schema).with_columns(found["known_from"].alias("available_at"))
