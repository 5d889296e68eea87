"""Rows of a release state over time: what is said ends a number of sessions after the document that said it.

Belongs here: where the state of an issue changes because something grew too old, and the shape the engine reads.
Does not belong here: what any state says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from gogoku_pipeline.features.states.exchange_days import known_within


@dataclass(frozen=True)
class Lifetime:
    """How long some columns hold.

    Attributes:
        since: column with the number of the session they count from.
        sessions: sessions after it on which they still hold; on the next one they are null.
        columns: which ones.
    """

    since: str
    sessions: int
    columns: tuple[str, ...]


def release_rows(rows: pl.DataFrame, lifetimes: Sequence[Lifetime], sessions: pl.Series) -> pl.DataFrame:
    """What was said, with the sessions added on which a part of it ends.

    Args:
        rows: (code, number, columns): what is known from session `number` until the next row of the code, one row
            per (code, number); columns named in `lifetimes` are among them.
        lifetimes: which columns end when.
        sessions: the range, ascending.

    Returns:
        (code, release, known_session, number, columns), sorted by code and release.
    """
    # A foreign row of the code ends this one: no end beyond it matters.
    spans = rows.sort("code", "number").with_columns(until=pl.col("number").shift(-1).over("code"))
    ends = [
        spans.select("code", "number", "until", point=(pl.col(life.since) + life.sessions + 1).cast(pl.Int64))
        for life in lifetimes
    ]
    added = pl.concat(ends).filter(
        (pl.col("point") > pl.col("number")) & ((pl.col("point") < pl.col("until")) | pl.col("until").is_null())
    )
    points = pl.concat([spans.select("code", "number", point=pl.col("number").cast(pl.Int64)), added.drop("until")])
    points = points.unique().join(spans.drop("until"), on=["code", "number"], how="left")
    held = [
        pl.when(pl.col("point") <= pl.col(life.since) + life.sessions).then(pl.col(name)).alias(name)
        for life in lifetimes
        for name in life.columns
    ]
    placed = points.with_columns(held).drop("number").rename({"point": "number"}).sort("code", "number")
    return placed.with_columns(
        known_within(placed["number"], sessions).alias("known_session"),
        release=pl.int_range(pl.len()).over("code"),
    )
