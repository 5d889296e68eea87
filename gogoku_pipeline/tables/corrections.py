"""What was in force before a correction: superseded versions, kept beside the tables and never lost."""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.schema.columns import JST_INSTANT, Column
from gogoku_pipeline.schema.tables import SESSION, Table

CORRECTIONS = Table(
    name="core__corrections",
    description=(
        "One row of one table that a later landing changed, no longer has, or brought late. Append-only and shared by "
        "all tables; typing the same landings again finds the same corrections, so only unseen ones are appended. "
        "The table itself holds the version in force; the version before was in force from `known_from` until "
        "`superseded_at`."
    ),
    columns=(
        Column("table", pl.String, "Table whose row it was."),
        SESSION,
        Column("key_json", pl.String, "The row's key as JSON."),
        Column("change", pl.String, "What happened to the row.", allowed=("changed", "removed", "added")),
        Column("columns", pl.String, "The columns that changed, comma separated; empty unless changed."),
        Column("before_json", pl.String, "The row before as JSON; null if added.", nullable=True),
        Column("after_json", pl.String, "The row after as JSON; null if removed.", nullable=True),
        Column("known_from", JST_INSTANT, "Since when the row before was in force; null if added.", nullable=True),
        Column("superseded_at", JST_INSTANT, "Instant from which the change is known."),
        Column("run_id", pl.String, "Run that noted it."),
    ),
    key=("table", "session", "key_json", "superseded_at"),
    partitioned=False,
)

_BEFORE = "__before"


def is_fetch_dependent(name: str) -> bool:
    """Whether a column differs from fetch to fetch by design (served adjusted values), which is no correction."""
    return name.startswith("served_adjusted_")


def row_json(frame: pl.DataFrame, columns: list[str], suffix: str = "") -> pl.Series:
    """The given columns (carrying a suffix in this frame) of each row as JSON text; exact, also for numbers."""
    fields = [pl.col(f"{name}{suffix}").alias(name) for name in columns]
    texts = [
        field.cast(pl.String) if frame.schema[f"{name}{suffix}"] == pl.Date else field
        for name, field in zip(columns, fields, strict=True)
    ]
    return frame.select(pl.struct(texts).struct.json_encode()).to_series()


def rows_from_json(texts: pl.Series, schema: pl.Schema) -> pl.DataFrame:
    """The rows `row_json` wrote, in their types; columns that are not in the text read as null."""
    kept = pl.Struct({name: pl.String if dtype == pl.Date else dtype for name, dtype in schema.items()})
    rows = pl.DataFrame({"row": texts}).select(pl.col("row").str.json_decode(kept)).unnest("row")
    dates = [pl.col(name).str.to_date("%Y-%m-%d") for name, dtype in schema.items() if dtype == pl.Date]
    return rows.with_columns(dates)


def superseded_rows(table: Table, change: str, pairs: pl.DataFrame, content: list[str]) -> pl.DataFrame:
    """CORRECTIONS rows (without run) of rows that met a later landing.

    Args:
        table: whose rows.
        change: changed, removed or added.
        pairs: the table's typed columns after the change (of the row itself, if removed), those before under the
            suffix `__before` if changed, `known_from` unless added, and `superseded_at`.
        content: columns compared.
    """
    stored = [name for name in table.polars_schema.names() if name in pairs.columns and name != "available_at"]
    versions = {"removed": (row_json(pairs, stored), None), "added": (None, row_json(pairs, stored))}
    changed = pl.lit("")
    if change == "changed":
        outside = [name for name in stored if f"{name}{_BEFORE}" not in pairs.columns]
        before = pairs.with_columns(pl.col(name).alias(f"{name}{_BEFORE}") for name in outside)
        versions["changed"] = (row_json(before, stored, _BEFORE), row_json(pairs, stored))
        names = [pl.when(pl.col(name).ne_missing(pl.col(f"{name}{_BEFORE}"))).then(pl.lit(name)) for name in content]
        changed = pl.concat_list(names).list.drop_nulls().list.join(",")
    before_json, after_json = versions[change]
    return pairs.select(
        pl.lit(table.name).alias("table"),
        "session" if "session" in pairs.columns else pl.col("__day").alias("session"),
        row_json(pairs, list(table.key)).alias("key_json"),
        pl.lit(change).alias("change"),
        changed.alias("columns"),
        pl.lit(before_json, dtype=pl.String).alias("before_json"),
        pl.lit(after_json, dtype=pl.String).alias("after_json"),
        pl.col("known_from") if "known_from" in pairs.columns else pl.lit(None, JST_INSTANT).alias("known_from"),
        "superseded_at",
        pl.lit("").alias("run_id"),
    ).cast(CORRECTIONS.polars_schema)


def unseen_corrections(found: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """The corrections that are not in the table yet: what to append; keys as in CORRECTIONS, each once."""
    key = list(CORRECTIONS.key)
    return found.unique(subset=key, keep="first").join(kept, on=key, how="anti").sort(key)
