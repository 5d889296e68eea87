"""A family as its table wants it: declared columns, the sessions asked for, `available_at`.

Belongs here: the last step before storing. Does not belong here: values (`engine`), storing (`store`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from gogoku_pipeline.features.availability import stamp_available_at
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.family_tables import families, family_table
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.schema.availability import AFTER_CLOSE


def family_frame(
    family: str, inputs: FeatureInputs, sessions: Sequence[date], registry: Registry | None = None
) -> pl.DataFrame:
    """Rows of a family's table.

    Args:
        family: e.g. `feat__prices`.
        inputs: staged prices, universe and index with the history the family needs (`engine.warmup_sessions`).
        sessions: sessions of the result.
        registry: where the family is declared; None for the house registry.

    Returns:
        Columns of `family_table(family)`, sorted by (session, code), the sessions asked for and no other.

    Raises:
        FeatureError: an unknown family.
    """
    registry = registry or house()
    table = family_table(family, registry)
    names = [feature.name for feature in families(registry)[family]]
    if not sessions:
        return table.empty()
    wanted = pl.Series("session", sorted(set(sessions)), dtype=pl.Date)
    frame = compute(names, inputs, start=min(sessions), end=max(sessions), registry=registry)
    rows = stamp_available_at(frame.filter(pl.col("session").is_in(wanted.implode())), names, registry, inputs)
    if "available_at" in inputs.universe.columns:
        rows = stamped(rows, inputs.universe)
    return rows.select(table.polars_schema.names()).cast(table.polars_schema)


def stamped(frame: pl.DataFrame, universe: pl.DataFrame) -> pl.DataFrame:
    """Add or raise `available_at` to the instant at which the row's universe entry was known.

    Args:
        frame: [session, code, ...]; an `available_at` it has is kept where it is the later one.
        universe: `core__universe`; a (session, code) it lacks counts as known at 16:30 of the session.

    Returns:
        The frame, same rows in the same order, with `available_at` as last column.
    """
    known = universe.select("session", "code", pl.col("available_at").alias("known_at"))
    joined = frame.join(known, on=["session", "code"], how="left", maintain_order="left")
    instants = [pl.col("known_at").fill_null(AFTER_CLOSE.instant(pl.col("session")))]
    if "available_at" in frame.columns:
        instants.append(pl.col("available_at"))
    latest = joined.with_columns(pl.max_horizontal(instants).alias("available_at"))
    return latest.select(*(name for name in frame.columns if name != "available_at"), "available_at")
