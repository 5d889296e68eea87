"""Which version of a row is in force, and since when: the newest landing wins, and a change is known from its fetch on.

A row that has said the same since its first landing is available by the publication rule. A row that a later landing
changed (or added to a day that was complete without it) is available from the fetch that brought it. What was in
force before is rebuilt from the landings known by then (`known_at`), not kept in the table.
Source: features.md 1.1; J-Quants overwrites rows in place without a marker.
"""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from gogoku_pipeline.core.errors import SchemaError
from gogoku_pipeline.schema.availability import PublicationRule
from gogoku_pipeline.schema.columns import JST_INSTANT
from gogoku_pipeline.schema.tables import Table

FETCH_DEPENDENT = ("served_adjusted_close_jpy",)
"""Columns that differ from fetch to fetch by design: every split rewrites them all, which is no correction."""


def publication_rule(table: Table) -> PublicationRule:
    """The rule of a typed table; raises SchemaError for a table computed from others."""
    if table.rule is None:
        raise SchemaError(
            f"declaration of {table.name}",
            got="no publication rule",
            want="one, because rows typed from a source must know when they were published",
            remedy="Declare `rule=` in schema/.",
        )
    return table.rule


def published_at(table: Table, event: date) -> datetime:
    """The instant from which the publisher's final rows of an event date exist."""
    instant: datetime = pl.select(publication_rule(table).instant(pl.lit(event))).item()
    return instant


def first_version(table: Table, event: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Rows of the first landing, available by the publication rule of their event date."""
    return frame.with_columns(publication_rule(table).instant(pl.col(event)))


def next_version(
    table: Table, event: str, before: pl.DataFrame, frame: pl.DataFrame, fetched_at: datetime, *, by_date: bool
) -> pl.DataFrame:
    """Rows in force after a later landing.

    Args:
        table: declaration.
        event: the column the publication rule counts from.
        before: rows in force so far, with `available_at`.
        frame: rows of the later landing.
        fetched_at: when it was fetched.
        by_date: True if a landing is all there is about its date: rows it lacks are gone, rows it adds are late.
            False for range calls: rows it lacks stay, rows it adds are first versions of their own dates.

    Returns:
        Typed rows with `available_at`.
    """
    content = [name for name in frame.columns if name not in (*table.key, *FETCH_DEPENDENT)]
    known = before.select(
        *table.key,
        *(pl.col(name).alias(f"{name}__before") for name in content),
        pl.col("available_at").alias("__since"),
    )
    is_same = pl.all_horizontal(
        pl.col("__since").is_not_null(), *(pl.col(name).eq_missing(pl.col(f"{name}__before")) for name in content)
    )
    rule = publication_rule(table).instant(pl.col(event))
    changed = pl.max_horizontal(rule, pl.lit(fetched_at, JST_INSTANT))
    is_first = pl.lit(value=not by_date) & pl.col("__since").is_null()
    stamped = frame.join(known, on=list(table.key), how="left").with_columns(
        pl.when(is_same).then("__since").when(is_first).then(rule).otherwise(changed).alias("available_at")
    )
    current = stamped.select(*frame.columns, "available_at")
    if by_date:
        return current
    return pl.concat([current, before.join(frame, on=list(table.key), how="anti")])
