"""Rows as they stood at an hour of decision, where a correction that came later is noted.

Belongs here: undoing noted corrections on frames. Does not belong here: reading a store as of an instant
(`tables.history`), what is asked (`truncation`).

The publisher corrects its past. What was known at t is the version in force then, and what t's features are compared
with today must start from that same version: otherwise every correction of a bar would look like a leak of the code. A
row that is late without a note stays as it is, because that is what the audit is there to find.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.tables.corrections import rows_from_json
from gogoku_pipeline.tables.derived import with_derived


def later_than(revisions: pl.DataFrame, hour: datetime) -> pl.DataFrame:
    """Corrections noted from an instant on, of each row the first: it says what stood at the instant."""
    later = revisions.filter(pl.col("superseded_at") >= hour).sort("superseded_at")
    return later.unique(["table", "session", "key_json"], keep="first", maintain_order=True)


def unrevised(table: Table, frame: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """Rows of a table with what later corrections did undone.

    Args:
        table: whose rows.
        frame: its rows in force today.
        later: `later_than` an instant, of any tables.

    Returns:
        Sorted by key. A row that was brought late is gone; one that was changed or removed is as it was, `available_at`
        being the instant since when that version was known.
    """
    own = later.filter(pl.col("table") == table.name)
    if own.is_empty():
        return frame
    key = list(table.key)
    schema = table.polars_schema
    touched = rows_from_json(own["key_json"], pl.Schema({name: schema[name] for name in key}))
    had = own.filter(pl.col("change") != "added")
    held = pl.Schema({name: kind for name, kind in schema.items() if name != "available_at"})
    before = rows_from_json(had["before_json"], held).with_columns(had["known_from"].alias("available_at"))
    kept = frame.join(touched, on=key, how="anti", nulls_equal=True)
    return with_derived(table, pl.concat([kept, before.select(frame.columns)])).sort(key)


def of_codes(revisions: pl.DataFrame, codes: Sequence[str]) -> pl.DataFrame:
    """Corrections of these issues' rows, and of rows that belong to no issue."""
    code = pl.col("key_json").str.json_path_match("$.code")
    return revisions.filter(code.is_null() | code.is_in(list(codes)))
