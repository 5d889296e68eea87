"""How our tables lie on disk: month folders, sorted rows, light compression, a history kept for ten years."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from urllib.parse import quote, unquote

import polars as pl
from deltalake import ColumnProperties, DeltaTable, Schema, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from gogoku_pipeline.core.errors import SchemaError, StoreError
from gogoku_pipeline.schema.columns import JST_INSTANT, Column
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store.commits import CommitInfo
from gogoku_pipeline.store.objects import first_line

MONTH = "month"
RETENTION = "interval 3650 days"
RETENTION_HOURS = 3650 * 24
_CONFIGURATION = {
    "delta.logRetentionDuration": RETENTION,
    "delta.deletedFileRetentionDuration": RETENTION,
    "delta.checkpointInterval": "20",
    "delta.dataSkippingNumIndexedCols": "4",
}
"""The log is read whenever a table is opened: it is summed up often, and tells bounds of the first columns only
(session and keys; others are pruned by the files' own footers). Opening costs a quarter of the default."""

_ROW_GROUP = 32_768
_UTC_INSTANT = pl.Datetime("us", "UTC")


def open_table(uri: str, options: Mapping[str, str], *, version: int | None = None) -> DeltaTable | None:
    """The table at a version (None: newest), or None where there is no table.

    Raises:
        StoreError: the storage cannot be reached, or the table has no such version.
    """
    try:
        return DeltaTable(uri, version=version, storage_options=dict(options))
    except TableNotFoundError:
        if version is None or not DeltaTable.is_deltatable(uri, dict(options)):
            return None
        problem = f"no version {version}"
    except (DeltaError, OSError, ValueError) as failure:
        problem = first_line(failure)
    raise StoreError(
        f"table at {uri}", got=problem, want="a readable table", remedy="Check the data URL and the version."
    )


def with_month(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame as it is stored: partitioned tables gain the month of their session."""
    return frame.with_columns(pl.col("session").dt.strftime("%Y-%m").alias(MONTH)) if table.partitioned else frame


def writer_properties(table: Table) -> WriterProperties:
    """Zstandard 1, no dictionary on float columns (it only costs there)."""
    floats = [column.name for column in table.columns if column.dtype in (pl.Float32, pl.Float64)]
    plain = ColumnProperties(dictionary_enabled=False)
    return WriterProperties(
        compression="ZSTD",
        compression_level=1,
        max_row_group_size=_ROW_GROUP,
        column_properties=dict.fromkeys(floats, plain) or None,
    )


def create_table(uri: str, table: Table, options: Mapping[str, str], commit: CommitInfo) -> None:
    """Version 0: the declared columns and no rows; raises CommitFailedError if someone else was faster."""
    write_deltalake(
        uri,
        with_month(table, table.empty()),
        mode="error",
        partition_by=[MONTH] if table.partitioned else None,
        configuration=_CONFIGURATION,
        description=table.description,
        storage_options=dict(options),
        commit_properties=commit.properties(),
    )


def replace_sessions(
    stored: DeltaTable, table: Table, rows: pl.DataFrame, sessions: Sequence[date], commit: CommitInfo
) -> None:
    """One commit: the rows of these sessions leave, the given rows come."""
    write_deltalake(
        stored,
        with_month(table, rows),
        mode="overwrite",
        predicate=replace_predicate(sessions),
        writer_properties=writer_properties(table),
        commit_properties=commit.properties(),
    )


def replace_all(stored: DeltaTable, table: Table, rows: pl.DataFrame, commit: CommitInfo) -> None:
    """One commit: every row (and column) leaves, the given ones come."""
    write_deltalake(
        stored,
        with_month(table, rows),
        mode="overwrite",
        schema_mode="overwrite",
        writer_properties=writer_properties(table),
        commit_properties=commit.properties(),
    )


def append_rows(stored: DeltaTable, table: Table, rows: pl.DataFrame, commit: CommitInfo) -> None:
    """One commit: the given rows come."""
    write_deltalake(
        stored,
        with_month(table, rows),
        mode="append",
        writer_properties=writer_properties(table),
        commit_properties=commit.properties(),
    )


def replace_predicate(sessions: Sequence[date]) -> str:
    """SQL that names exactly the rows of these sessions, and their months so that other folders stay untouched."""
    months = sorted({f"'{day:%Y-%m}'" for day in sessions})
    days = [f"'{day:%Y-%m-%d}'" for day in sessions]
    return f"{MONTH} IN ({', '.join(months)}) AND session IN ({', '.join(days)})"


def months(stored: DeltaTable) -> list[tuple[date, date]]:
    """First and last day of every month folder with rows, in order."""
    firsts = sorted({date.fromisoformat(f"{place[MONTH]}-01") for place in stored.partitions() if MONTH in place})
    return [(first, first.replace(day=monthrange(first.year, first.month)[1])) for first in firsts]


def stored_columns(stored: DeltaTable) -> pl.Schema:
    """Columns as they lie on disk, told by the log; no file is opened."""
    return pl.Schema(stored.schema())


def widen(stored: DeltaTable, table: Table, commit: CommitInfo) -> None:
    """One commit, if need be: a table written by a former declaration gains the columns its older rows may lack."""
    held = stored_columns(stored)
    gained = {one.name: _kept_type(one.dtype) for one in table.columns if one.older and one.name not in held}
    if gained:
        stored.alter.add_columns(Schema.from_arrow(pl.Schema(gained)).fields, commit_properties=commit.properties())


def check_stored_columns(table: Table, stored: pl.Schema) -> None:
    """Compare what lies on disk with the declaration; columns that say what older rows read as may be missing.

    Raises:
        SchemaError: a declared column is missing or of another type.
    """
    for column in table.columns:
        if column.older and column.name not in stored:
            continue
        if stored.get(column.name) != _kept_type(column.dtype):
            raise SchemaError(
                f"stored table {table.name}",
                got=f"column {column.name} of type {stored.get(column.name)}",
                want=f"{_kept_type(column.dtype)}, as declared now",
                remedy="The declaration changed: call tables.restart(table) and backfill (docs/operations.md, After an "
                "update); old versions stay readable.",
            )


def declared_view(table: Table, lazy: pl.LazyFrame, stored: pl.Schema) -> pl.LazyFrame:
    """Declared columns in declared order, instants in Tokyo time; older rows as their columns say."""
    return lazy.select(_declared(column, is_stored=column.name in stored) for column in table.columns)


def _declared(column: Column, *, is_stored: bool) -> pl.Expr:
    older = pl.lit(column.older.value if column.older else None, dtype=column.dtype).alias(column.name)
    if not is_stored:
        return older
    kept = pl.col(column.name)
    kept = kept.dt.convert_time_zone("Asia/Tokyo") if column.dtype == JST_INSTANT else kept
    return kept.fill_null(older) if column.older and column.older.value is not None else kept


def _kept_type(dtype: pl.DataType | type[pl.DataType]) -> pl.DataType | type[pl.DataType]:
    """The type a column has on disk."""
    return _UTC_INSTANT if dtype == JST_INSTANT else dtype


def lazily(uri: str, table: Table, stored: DeltaTable) -> pl.LazyFrame:
    """All stored columns at exactly the opened version.

    Polars 2.1 does not find a Delta table below a local folder whose name needs URL encoding (a space, an umlaut);
    there the table's files are scanned directly, which prunes by their footers instead of the log's statistics.
    """
    if "://" in uri or quote(uri) == uri:
        return pl.scan_delta(stored)
    files = [Path(uri) / unquote(str(name)) for name in stored.get_add_actions(flatten=True).column("path").to_pylist()]
    if not files:
        return with_month(table, table.empty()).with_columns(pl.col(pl.Datetime).dt.convert_time_zone("UTC")).lazy()
    return pl.scan_parquet(files, glob=False, hive_partitioning=False)
