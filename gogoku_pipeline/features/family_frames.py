"""A family as its table wants it: declared columns, the sessions asked for, `available_at`.

Belongs here: the last step before storing. Does not belong here: values (`engine`), storing (`store`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from gogoku_pipeline.features.append import append
from gogoku_pipeline.features.availability import stamp_available_at
from gogoku_pipeline.features.carried import Carried
from gogoku_pipeline.features.carrying import compute_carrying
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.family_tables import family_table
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.schema.availability import AFTER_CLOSE
from gogoku_pipeline.schema.tables import Table


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
    names = names_of(table)
    if not sessions:
        return table.empty()
    frame = compute(names, inputs, start=min(sessions), end=max(sessions), registry=registry)
    return _rows(table, frame, inputs, sessions, registry)


def carried_family_frame(
    family: str,
    inputs: FeatureInputs,
    sessions: Sequence[date],
    carried: Carried | None = None,
    registry: Registry | None = None,
) -> tuple[pl.DataFrame, Carried]:
    """Rows of a family's table, and what the next session needs: the same rows with and without a carried state.

    Args:
        family: e.g. `feat__prices`.
        inputs: without a carried state as in `family_frame`, else as `append` takes them.
        sessions: sessions of the result, at least one; with a carried state the ones right after it.
        carried: the state after the session before; None to start from the inputs' history.
        registry: where the family is declared; None for the house registry.

    Returns:
        The frame of `family_frame` and the state after the last session.

    Raises:
        FeatureError: an unknown family, or a carried state that does not fit.
    """
    registry = registry or house()
    table = family_table(family, registry)
    names = names_of(table)
    span = {"start": min(sessions), "end": max(sessions)}
    if carried is None:
        frame, left = compute_carrying(names, inputs, **span, registry=registry)
    else:
        frame, left = append(names, inputs, carried, **span, registry=registry)
    return _rows(table, frame, inputs, sessions, registry), left


def names_of(table: Table) -> list[str]:
    """The features of a family's table."""
    return [name for name in table.polars_schema.names() if name not in (*table.key, "available_at")]


def _rows(
    table: Table, frame: pl.DataFrame, inputs: FeatureInputs, sessions: Sequence[date], registry: Registry
) -> pl.DataFrame:
    """Computed values as rows of a family's table."""
    names = names_of(table)
    wanted = pl.Series("session", sorted(set(sessions)), dtype=pl.Date)
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
