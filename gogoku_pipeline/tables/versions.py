"""Which version of a row is in force, and since when: the newest landing wins, and a change is known from its fetch on.

A row that has said the same since its first landing is available by the publication rule. A row that a later landing
changed, or brought although an earlier landing should have had it, is available from the fetch that brought it. What
was in force before is kept as a superseded version.
All days advance together, one landing per day and round, so that a month is as cheap as a day.
Source: features.md 1.1; J-Quants overwrites rows in place without a marker.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from gogoku_pipeline.core.errors import SchemaError
from gogoku_pipeline.schema.availability import PublicationRule
from gogoku_pipeline.schema.columns import JST_INSTANT
from gogoku_pipeline.schema.tables import Source, Table
from gogoku_pipeline.tables.corrections import CORRECTIONS, is_fetch_dependent, superseded_rows

_ORDER: dict[str, pl.DataType | type[pl.DataType]] = {
    "__day": pl.Date,
    "__landing": pl.Int64,
    "__nth": pl.Int64,
    "__fetched": JST_INSTANT,
    "__heard": JST_INSTANT,
}
ORDER = pl.Schema(_ORDER)
"""Which landings speak of a day: the n-th one, when it was fetched, and until when the one before was heard."""


@dataclass(frozen=True)
class InForce:
    """Rows in force after the last landing.

    Attributes:
        frame: typed rows with `available_at`, `__day` and `__landing`, the landing each of them is from.
        superseded: rows of CORRECTIONS, without run.
    """

    frame: pl.DataFrame
    superseded: pl.DataFrame


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


def by_rule(table: Table, rows: pl.DataFrame) -> pl.Series:
    """`available_at` of rows by the publication rule alone; `__fetched` is their fetch."""
    rule = publication_rule(table)
    needed = rows.rename({"__fetched": "fetched_at"}) if "fetched_at" in rule.needs else rows
    return rule.available_at(needed).alias("available_at")


def in_force(source: Source, table: Table, rows: pl.DataFrame, order: pl.DataFrame) -> InForce:
    """Walk through the landings of every day.

    Args:
        source: whether corrections overwrite rows or append further ones; a range call speaks only of what it has.
        table: declaration.
        rows: typed rows of all landings, with `__day` and `__landing`.
        order: ORDER.

    Returns:
        The rows in force and the versions they superseded.
    """
    is_day = source.axis == "day"
    removes = is_day and source.versions == "overwritten"
    stamped = rows.join(order, on=["__day", "__landing"], how="inner", maintain_order="left")
    stamped = stamped.with_columns(by_rule(table, stamped).alias("__rule"))
    if is_day:
        is_late = pl.col("__heard").is_not_null() & (pl.col("__rule") <= pl.col("__heard"))
    else:
        is_late = pl.lit(value=False)
    known = pl.max_horizontal("__rule", "__fetched")
    stamped = stamped.with_columns(
        pl.when(is_late).then(known).otherwise("__rule").alias("available_at"),
        is_late.alias("__late"),
        known.alias("__known"),
    )
    state = stamped.clear().select(_state_columns(rows))
    superseded: list[pl.DataFrame] = []
    for nth in order["__nth"].unique().sort():
        arriving = order.filter(pl.col("__nth") == nth)
        is_touched = pl.col("__day").is_in(arriving["__day"].implode())
        before, incoming = state.filter(is_touched), stamped.filter(pl.col("__nth") == nth)
        current, gone, noted = _met(table, before, incoming, rows.columns)
        superseded.extend(noted)
        if removes:
            left = gone.join(arriving.select("__day", "__fetched"), on="__day", how="left")
            superseded.append(_noted(table, "removed", left.rename({"__fetched": "superseded_at"}), []))
        kept = gone.clear() if removes else gone
        state = pl.concat([state.filter(~is_touched), current, kept])
    return InForce(state, pl.concat([CORRECTIONS.empty(), *superseded]))


def _state_columns(rows: pl.DataFrame) -> list[str]:
    return [*rows.columns, "available_at"]


def _met(
    table: Table, before: pl.DataFrame, incoming: pl.DataFrame, columns: list[str]
) -> tuple[pl.DataFrame, pl.DataFrame, list[pl.DataFrame]]:
    """What a landing makes of the rows before it: current rows, rows it lacks, and the changes."""
    match = list(dict.fromkeys([*table.key, "__day"]))
    content = [
        name for name in columns if name not in (*match, "session", "__landing") and not is_fetch_dependent(name)
    ]
    held = [name for name in columns if name not in (*match, "session", "__landing")]
    known = before.select(
        *match,
        *(pl.col(name).alias(f"{name}__before") for name in held),
        pl.col("available_at").alias("known_from"),
    )
    pairs = incoming.join(known, on=match, how="left", maintain_order="left")
    was_there = pl.col("known_from").is_not_null()
    same = pl.all_horizontal(
        pl.lit(value=True), *(pl.col(name).eq_missing(pl.col(f"{name}__before")) for name in content)
    )
    pairs = pairs.with_columns((was_there & same).alias("__same"), (was_there & ~same).alias("__changed"))
    pairs = pairs.with_columns(
        pl.when("__same")
        .then("known_from")
        .when("__changed")
        .then("__known")
        .otherwise("available_at")
        .alias("available_at")
    ).with_columns(pl.col("available_at").alias("superseded_at"))
    noted = [
        _noted(table, "changed", pairs.filter("__changed"), content),
        _noted(table, "added", pairs.filter(~was_there & pl.col("__late")).drop("known_from"), []),
    ]
    gone = before.join(incoming.select(match), on=match, how="anti")
    return pairs.select(_state_columns(incoming.select(columns))), gone, noted


def _noted(table: Table, change: str, pairs: pl.DataFrame, content: list[str]) -> pl.DataFrame:
    """CORRECTIONS of these rows; a version that was replaced before it was ever known is none."""
    if change != "added":
        if "known_from" not in pairs.columns:
            pairs = pairs.with_columns(pl.col("available_at").alias("known_from"))
        pairs = pairs.filter(pl.col("known_from") < pl.col("superseded_at"))
    if pairs.is_empty():
        return CORRECTIONS.empty()
    return superseded_rows(table, change, pairs, content)
