"""One field's values, read by its declared kind. What is not of that kind is named, never turned into something else.

Source: J-Quants V2 common rules (numbers are JSON numbers, flags the text "0"/"1", dates YYYY-MM-DD).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import polars as pl

from gogoku_pipeline.core.codes import CODE_PATTERN
from gogoku_pipeline.schema.columns import Column, SourceField

ABSENT: Final = object()
"""Stands for a key that a row does not have."""

_DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_CODE = re.compile(CODE_PATTERN)
_NUMBERS = frozenset({int, float})
_WANTED = {"number": "a JSON number", "factor": "a JSON number", "text": "text", "date": "a date", "flag": '"0" or "1"'}

Bad = dict[int, str]
"""Reason by row number."""


def read_values(field: SourceField, column: Column | None, values: list[Any]) -> tuple[pl.Series, Bad]:
    """A typed series and the rows that have no honest place in it.

    Args:
        field: what the publisher declares.
        column: our column made of it; None for a field we check and do not keep.
        values: one value per row; ABSENT where the key is missing.

    Returns:
        The series (null at bad rows) and the reason of each bad row.
    """
    nullable = field.nullable or (column is not None and column.nullable)
    kinds = _NUMBERS if field.kind in ("number", "factor") else frozenset({str})
    bad: Bad = {}
    allowed = kinds | {type(None)} if nullable else kinds
    if not set(map(type, values)) <= allowed:
        bad = {n: _wrong_kind(field, value) for n, value in enumerate(values) if type(value) not in allowed}
        values = [None if n in bad else value for n, value in enumerate(values)]
    series = _READERS[field.kind](field, values, bad, nullable=nullable)
    _check_bounds(field, column, series, bad)
    return series.alias(column.name if column else field.name), bad


def _wrong_kind(field: SourceField, value: Any) -> str:
    if value is ABSENT:
        return "the key is absent"
    shown = "null" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"
    return f"{shown} where {_WANTED[field.kind]} belongs"


def _read_number(field: SourceField, values: list[Any], bad: Bad, *, nullable: bool) -> pl.Series:
    series = pl.Series(field.name, values, dtype=pl.Float64, strict=False)
    _refuse(series, ~series.is_finite(), bad, "not a finite number")
    if field.kind == "factor":
        _refuse(series, series <= 0, bad, "a factor that is not positive")
    return series


def _read_text(field: SourceField, values: list[Any], bad: Bad, *, nullable: bool) -> pl.Series:
    if field.name == "Code":
        bad |= {n: f"{v!r} is no issue code" for n, v in enumerate(values) if v is not None and not _CODE.match(v)}
    series = pl.Series(field.name, values, dtype=pl.String)
    return series.replace("", None) if nullable else series


def _read_date(field: SourceField, values: list[Any], bad: Bad, *, nullable: bool) -> pl.Series:
    shaped = [value if value is not None and _DATE.match(value) else None for value in values]
    series = pl.Series(field.name, shaped, dtype=pl.String).str.to_date("%Y-%m-%d", strict=False)
    bad |= (
        {n: f"{value!r} is no date" for n, value in enumerate(values) if value is not None and series[n] is None}
        if series.null_count()
        else {}
    )
    return series


def _read_flag(field: SourceField, values: list[Any], bad: Bad, *, nullable: bool) -> pl.Series:
    if not set(values) <= {"0", "1", None}:
        bad |= {n: f'{v!r} where "0" or "1" belongs' for n, v in enumerate(values) if v not in ("0", "1", None)}
    return pl.Series(field.name, values, dtype=pl.String) == "1"


_READERS: dict[str, Callable[..., pl.Series]] = {
    "number": _read_number,
    "factor": _read_number,
    "text": _read_text,
    "date": _read_date,
    "flag": _read_flag,
}


def _check_bounds(field: SourceField, column: Column | None, series: pl.Series, bad: Bad) -> None:
    """The column's own range and list of values, where it has them."""
    if column is None:
        return
    if column.at_least is not None and series.dtype.is_numeric():
        _refuse(series, series < column.at_least, bad, f"below {column.at_least:g}")
    if column.allowed:
        _refuse(series, ~series.is_in(list(column.allowed)), bad, f"none of {', '.join(column.allowed)}")


def _refuse(series: pl.Series, is_bad: pl.Series, bad: Bad, words: str) -> None:
    for n in is_bad.fill_null(value=False).arg_true():
        bad.setdefault(int(n), f"{series[int(n)]!r}: {words}")
