"""One field's values, read by its declared kind. What is not of that kind is named, never turned into something else.

Two steps, both over whole columns. First the form: a JSON number is not a JSON text, and a CSV cell is always text
(an empty one is null). Then the meaning: text becomes a number, a date, a claim; marks that honestly mean "no value"
become null. Rows are looked at one by one only to say what is wrong with them.
Source: J-Quants V2 common rules (numbers are JSON numbers, flags the text "0"/"1", dates YYYY-MM-DD) and its table of
missing-value forms.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from math import inf, isfinite
from typing import Any

import polars as pl

from gogoku_pipeline.core.codes import CODE_PATTERN
from gogoku_pipeline.core.errors import SchemaError
from gogoku_pipeline.schema.columns import DTYPES, Column, SourceField
from gogoku_pipeline.tables.rows import ABSENT, Cells, Form

Bad = dict[int, str]
"""Reason by row number."""

NUMBERS = ("number", "factor")
_JSON_TYPES: dict[str, frozenset[type]] = {kind: frozenset({int, float}) for kind in NUMBERS} | {
    "object": frozenset({dict})
}
_WANTED = {
    "text": "text",
    "number": "a JSON number",
    "factor": "a JSON number",
    "text_number": "text holding a number",
    "date": "a date",
    "time": "a time",
    "flag": '"0" or "1"',
    "truth": '"true" or "false"',
    "object": "a JSON object",
}
_DATE = r"^\d{4}-\d{2}-\d{2}$"
_TIME = r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"


def read_values(field: SourceField, column: Column | None, cells: Cells, form: Form = "json") -> tuple[pl.Series, Bad]:
    """A typed series and the rows that have no honest place in it.

    Args:
        field: what the publisher declares.
        column: our column made of it, for what it allows; None for a field we check and do not keep.
        cells: one value per row; ABSENT where a JSON key is missing.
        form: what the cells are.

    Returns:
        The series in the type of the field's kind (null at bad rows) and the reason of each bad row.
    """
    nullable = field.nullable or field.optional or (column is not None and column.nullable)
    empty = sorted({*field.marks, *([""] if field.kind == "text" and nullable else [])})
    if form == "json":
        series, bad = _from_json(field, cells, empty, nullable=nullable)
    else:
        series, bad = _from_file(field, cells, nullable=nullable, form=form)
        if series.dtype == pl.String and empty:
            series = series.replace(empty, [None] * len(empty))
    return _READERS[field.kind](series, bad), bad


def _lowest(series: pl.Series) -> float:
    lowest = series.min()
    return float(lowest) if isinstance(lowest, int | float) else inf


def absent_values(field: SourceField, height: int) -> pl.Series:
    """What a field reads as that no row has, and that may be missing."""
    return pl.Series(field.name, [None], dtype=DTYPES[field.kind]).new_from_index(0, height)


def check_bounds(column: Column, series: pl.Series, bad: Bad) -> None:
    """The column's own shape, range and list of values, where it has them."""
    if column.name == "code":
        _refuse(series, ~series.str.contains(CODE_PATTERN), bad, "{} is no issue code")
    if column.at_least is not None and series.dtype.is_numeric() and _lowest(series) < column.at_least:
        _refuse(series, series < column.at_least, bad, f"{{}}: below {column.at_least:g}")
    if column.allowed:
        _refuse(series, ~series.is_in(list(column.allowed)), bad, f"{{}}: none of {', '.join(column.allowed)}")
    if column.dtype.is_integer():
        _refuse(series, series != series.round(), bad, "{}: not a whole number")


def _from_json(field: SourceField, cells: Cells, empty: Sequence[str], *, nullable: bool) -> tuple[pl.Series, Bad]:
    """The cells as text or numbers; a cell of another JSON type is bad."""
    values: Sequence[Any] = cells.to_list() if isinstance(cells, pl.Series) else cells
    wanted = _JSON_TYPES.get(field.kind, frozenset({str}))
    bad: Bad = {}
    allowed = wanted | {type(None)} if nullable else wanted
    if not set(map(type, values)) <= allowed:
        forgiven = field.marks if field.kind in (*NUMBERS, "object") else ()
        bad = {
            n: _wrong_form(field, value)
            for n, value in enumerate(values)
            if type(value) not in allowed
            and not (type(value) is str and value in forgiven)
            and not (value is ABSENT and field.optional)
        }
        values = [value if type(value) in wanted else None for value in values]
    if field.kind == "object":
        texts = [None if value is None else json_text(value) for value in values]
        return pl.Series(field.name, texts, dtype=pl.String), bad
    if empty and field.kind not in NUMBERS:
        nothing: dict[Any, Any] = dict.fromkeys(empty)
        values = list(map(nothing.get, values, values))
    dtype = pl.Float64 if field.kind in NUMBERS else pl.String
    return pl.Series(field.name, values, dtype=dtype, strict=False), bad


def _from_file(field: SourceField, cells: Cells, *, nullable: bool, form: Form) -> tuple[pl.Series, Bad]:
    """The cells of a file as text, or as numbers, dates and claims where a parquet file has them."""
    series = cells if isinstance(cells, pl.Series) else pl.Series(field.name, cells)
    series = _native(field, series)
    if series.dtype != pl.String:
        holes = series.is_null()
    else:
        if form == "csv":
            series = series.replace("", None)
        if form == "csv" and field.kind == "text" and not nullable and "" not in field.marks:
            series = series.fill_null("")
        holes = series.is_null()
    if nullable or (form == "csv" and "" in field.marks) or not holes.any():
        return series, {}
    return series, {int(n): _wrong_form(field, None) for n in holes.arg_true()}


def _native(field: SourceField, series: pl.Series) -> pl.Series:
    """A column of a file in the type its kind is read from; raises SchemaError for another one."""
    dtype = series.dtype
    if dtype == pl.String:
        return series
    if dtype == pl.Null:
        return series.cast(DTYPES[field.kind])
    if dtype == pl.Categorical or isinstance(dtype, pl.Enum):
        return series.cast(pl.String)
    if field.kind in (*NUMBERS, "text_number") and dtype.is_numeric():
        return series.cast(pl.Float64)
    if field.kind == "date" and dtype in (pl.Date, pl.Datetime):
        return series.cast(pl.Date)
    if dtype == DTYPES[field.kind]:
        return series
    raise SchemaError(
        f"field {field.name}",
        got=f"a column of type {dtype}",
        want=f"text, or what holds {_WANTED[field.kind]}",
        remedy="Export the file with the publisher's types (codes and flags are text).",
    )


def _wrong_form(field: SourceField, value: Any) -> str:
    if value is ABSENT:
        return "the key is absent"
    shown = "null" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"
    return f"{shown} where {_WANTED[field.kind]} belongs"


def json_text(value: Any) -> str:
    """An object as canonical JSON text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _read_number(series: pl.Series, bad: Bad) -> pl.Series:
    numbers = series
    if series.dtype == pl.String:
        numbers = series.cast(pl.Float64, strict=False)
        if numbers.null_count() > series.null_count():
            _refuse(series, numbers.is_null() & series.is_not_null(), bad, "{} where a number belongs")
    if not isfinite(numbers.sum()):  # finite sum, finite numbers; the other way round is looked at
        _refuse(numbers, ~numbers.is_finite(), bad, "{}: not a finite number")
    return numbers


def _read_factor(series: pl.Series, bad: Bad) -> pl.Series:
    numbers = _read_number(series, bad)
    _refuse(numbers, numbers <= 0, bad, "{}: a factor that is not positive")
    return numbers


def _read_text(series: pl.Series, bad: Bad) -> pl.Series:
    return series


def _read_date(series: pl.Series, bad: Bad) -> pl.Series:
    if series.dtype == pl.Date:
        return series
    shaped = series.set(~series.str.contains(_DATE), None)
    dates = shaped.str.to_date("%Y-%m-%d", strict=False)
    _refuse(series, dates.is_null() & series.is_not_null(), bad, "{} is no date")
    return dates


def _read_time(series: pl.Series, bad: Bad) -> pl.Series:
    if series.dtype == pl.Time:
        return series
    is_time = series.str.contains(_TIME)
    full = pl.select(pl.when(series.str.len_bytes() == 5).then(series + ":00").otherwise(series)).to_series()
    times = full.set(~is_time, None).str.to_time("%H:%M:%S", strict=False)
    _refuse(series, ~is_time, bad, "{} is no time of day")
    return times.alias(series.name)


def _read_claim(yes: str, no: str) -> Callable[[pl.Series, Bad], pl.Series]:
    def read(series: pl.Series, bad: Bad) -> pl.Series:
        if series.dtype == pl.Boolean:
            return series
        _refuse(series, ~series.is_in([yes, no]), bad, f'{{}} where "{no}" or "{yes}" belongs')
        return series == yes

    return read


def _read_object(series: pl.Series, bad: Bad) -> pl.Series:
    """JSON text in canonical form; equal texts are read once."""
    read: dict[str | None, str | None] = {None: None}
    for text in series.unique().to_list():
        if text is not None:
            read[text] = _canonical(text)
    known = pl.Series(series.name, [read[text] for text in series.to_list()], dtype=pl.String)
    _refuse(series, known.is_null() & series.is_not_null(), bad, "{} where a JSON object belongs")
    return known


def _canonical(text: str) -> str | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return json_text(value) if isinstance(value, dict) else None


_READERS: dict[str, Callable[[pl.Series, Bad], pl.Series]] = {
    "number": _read_number,
    "text_number": _read_number,
    "factor": _read_factor,
    "text": _read_text,
    "date": _read_date,
    "time": _read_time,
    "flag": _read_claim("1", "0"),
    "truth": _read_claim("true", "false"),
    "object": _read_object,
}


def _refuse(series: pl.Series, is_bad: pl.Series, bad: Bad, words: str) -> None:
    """Name the rows that are bad; `words` has one place for the value."""
    if not is_bad.any():
        return
    for n in is_bad.fill_null(value=False).arg_true():
        bad.setdefault(int(n), words.format(repr(series[int(n)])))
