"""What a frame must be before it may become a table: declared columns and types, no missing keys, no duplicates."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl

from gogoku_pipeline.core.errors import DataError, SchemaError
from gogoku_pipeline.core.fingerprints import sha256_frame, sha256_slices
from gogoku_pipeline.schema.columns import JST_INSTANT
from gogoku_pipeline.schema.tables import Table

_STORABLE = (
    *(pl.String, pl.Boolean, pl.Date, pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Float32, pl.Float64),
    JST_INSTANT,
)


def checked_rows(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame in declared column order, sorted by key.

    Raises:
        SchemaError: columns missing, unknown or of another type; nulls where none are allowed; duplicate keys.
    """
    _check_columns(table, frame)
    frame = frame.select(table.polars_schema.names())
    strict = [column.name for column in table.columns if column.name in table.key or not column.nullable]
    holes = {name: count for name in strict if (count := frame[name].null_count())}
    if holes:
        raise _wrong(table, f"nulls in {holes}", "values in every column that is not declared nullable")
    frame = frame.sort(table.key)
    repeated = frame.select(table.key).is_duplicated()
    if repeated.any():
        first = frame.select(table.key).filter(repeated).row(0)
        raise _wrong(table, f"{int(repeated.sum())} rows with repeated keys, first {first}", f"one row per {table.key}")
    return frame


def _check_columns(table: Table, frame: pl.DataFrame) -> None:
    want, got = table.polars_schema, frame.schema
    if missing := [name for name in want if name not in got]:
        raise _wrong(table, f"no column {missing}", "every declared column")
    if unknown := [name for name in got if name not in want]:
        raise _wrong(table, f"undeclared columns {unknown}", "declared columns only")
    retyped = {name: f"{got[name]} instead of {want[name]}" for name in want if got[name] != want[name]}
    if retyped:
        raise _wrong(table, f"types {retyped}", "the declared types")
    foreign = {name: str(dtype) for name, dtype in want.items() if not _storable(dtype)}
    if foreign:
        raise _wrong(table, f"types {foreign}", "types a Delta table can hold and return unchanged")


def _storable(dtype: pl.DataType) -> bool:
    if isinstance(dtype, pl.List):
        return _storable(dtype.inner)  # type: ignore[arg-type,unused-ignore]
    return dtype in _STORABLE


def check_sessions(table: Table, frame: pl.DataFrame, sessions: Iterable[date]) -> list[date]:
    """The asked sessions, sorted and distinct.

    Raises:
        DataError: rows of other sessions, or no session at all.
        SchemaError: the table is not partitioned by session.
    """
    if not table.partitioned:
        raise _wrong(table, "a write by session", "a table partitioned by session")
    wanted = sorted(set(sessions))
    if not wanted:
        raise DataError(
            f"write of {table.name}", got="no session", want="at least one", remedy="Name the sessions to replace."
        )
    stray = frame.filter(~pl.col("session").is_in(wanted))
    if stray.height:
        raise DataError(
            f"write of {table.name} for {wanted[0]} .. {wanted[-1]}",
            got=f"{stray.height} rows of other sessions, first {stray['session'].sort()[0]}",
            want="rows of the named sessions only",
            remedy="Correct the frame or name all its sessions.",
        )
    return wanted


def session_hashes(table: Table, frame: pl.DataFrame, sessions: Iterable[date]) -> dict[date, str]:
    """Content hash per session of rows already checked and sorted; sessions without rows hash as an empty frame."""
    if not table.partitioned:
        return {}
    rows = frame if frame["session"].is_sorted() else frame.sort("session", maintain_order=True)
    heights = dict(rows.group_by("session", maintain_order=True).len().iter_rows())
    hashes = dict(zip(heights, sha256_slices(rows, list(heights.values())), strict=True))
    empty = sha256_frame(table.empty())
    return {day: hashes.get(day, empty) for day in sessions}


def _wrong(table: Table, got: str, want: str) -> SchemaError:
    return SchemaError(
        f"table {table.name}", got=got, want=want, remedy=f"See `gogoku describe {table.name}`; nothing was written."
    )
