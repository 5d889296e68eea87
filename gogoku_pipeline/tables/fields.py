"""Every declared field of a landing read into typed columns; what is missing, new or retyped is said by name."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from gogoku_pipeline.core.errors import SchemaError
from gogoku_pipeline.schema.columns import PLANS, Column, FieldKind, SourceField
from gogoku_pipeline.schema.tables import Source, Table
from gogoku_pipeline.tables.rows import ABSENT, RawRows
from gogoku_pipeline.tables.values import Bad, absent_values, check_bounds, read_values

RETYPED_ROWS = 10
"""From this many rows on, a field that no row holds in its declared form was retyped by the publisher."""


@dataclass(frozen=True)
class Fields:
    """The typed columns of a landing.

    Attributes:
        frame: one row per raw row: the table's columns that come from fields, and `__day`, the event date.
        bad: (field, reason) of each row that has no honest place in a column.
        undeclared: fields nobody declared, in order.
        warnings: values outside a documented list, sentence by sentence.
    """

    frame: pl.DataFrame
    bad: dict[int, list[tuple[str, str]]]
    undeclared: tuple[str, ...]
    warnings: tuple[str, ...]


def read_fields(source: Source, table: Table, rows: RawRows, of: str) -> Fields:
    """Read every declared field.

    Args:
        source: fields the publisher sends.
        table: the table they are for; columns are matched by `Column.source`, Date and Code also by the key.
        rows: the landing, column by column.
        of: what the landing is about (a session, a range), for messages.

    Raises:
        SchemaError: a declared field is missing from every row (renamed or removed), or no row has its type.
    """
    undeclared = _check_names(source, rows, of)
    places = _columns_of(source, table)
    bad: dict[int, list[tuple[str, str]]] = {}
    series: dict[str, pl.Series] = {}
    for field in source.fields:
        columns = places.get(field.name, [])
        values = _read_field(source, field, columns, rows, of, bad)
        if field.name == source.event:
            series["__day"] = values
        for column in columns:
            kept = _taken_out(column, values, bad) if column.inside else values
            wrong: Bad = {}
            check_bounds(column, kept, wrong)
            _note(bad, field.name, wrong)
            series[column.name] = kept.cast(column.dtype, strict=False)
    frame = pl.DataFrame([values.alias(name) for name, values in series.items()])
    return Fields(frame, bad, undeclared, _unexpected(source, table, frame))


def _read_field(
    source: Source,
    field: SourceField,
    columns: Sequence[Column],
    rows: RawRows,
    of: str,
    bad: dict[int, list[tuple[str, str]]],
) -> pl.Series:
    cells = rows.cells.get(field.name)
    if cells is None:
        return absent_values(field, rows.height)
    whole = next((column for column in columns if not column.inside), None)
    values, wrong = read_values(field, whole, cells, rows.form)
    if len(wrong) == rows.height >= RETYPED_ROWS:
        raise SchemaError(
            f"{source.name} ({source.path}) {of}",
            got=f"{field.name} in another form in every row: {wrong[0]}",
            want=f"the declared kind, {field.kind}",
            remedy="Read the publisher's change notes, correct schema/ and type the landings again; nothing is lost.",
        )
    _note(bad, field.name, wrong)
    return values


def _note(bad: dict[int, list[tuple[str, str]]], name: str, wrong: Bad) -> None:
    for n, words in wrong.items():
        bad.setdefault(n, []).append((name, words))


def _columns_of(source: Source, table: Table) -> dict[str, list[Column]]:
    """Our columns of each publisher's field."""
    found: dict[str, list[Column]] = {}
    for column in table.columns:
        if name := column.source or column.inside.partition(".")[0]:
            found.setdefault(name, []).append(column)
    names = {field.name for field in source.fields}
    if "Code" in names and "Code" not in found and "code" in table.polars_schema:
        found["Code"] = [table.column("code")]
    return found


def _check_names(source: Source, rows: RawRows, of: str) -> tuple[str, ...]:
    """Fields that are there and undeclared; raises SchemaError for a declared field that no row has."""
    declared = [field.name for field in source.fields]
    undeclared = tuple(name for name in rows.cells if name not in declared and name not in source.untyped)
    if not rows.cells:
        return ()
    lowest = PLANS.index(source.lowest_plan)
    required = [field.name for field in source.fields if not field.optional and PLANS.index(field.plan) <= lowest]
    missing = [name for name in required if name not in rows.cells]
    if missing:
        similar = difflib.get_close_matches(missing[0], undeclared, n=3, cutoff=0.5)
        hint = f", similar: {', '.join(similar)}" if similar else ""
        raise SchemaError(
            f"{source.name} ({source.path}) {of}",
            got=f"rows without {', '.join(missing)}{hint}",
            want="every declared field",
            remedy="Read the publisher's change notes, correct schema/ and type the landings again; nothing is lost.",
        )
    return undeclared


def _taken_out(column: Column, objects: pl.Series, bad: dict[int, list[tuple[str, str]]]) -> pl.Series:
    """One key of each JSON object, read by the kind of the column made of it."""
    key = column.inside.partition(".")[2]
    opened = {text: json.loads(text) for text in objects.unique().to_list() if text is not None}
    cells = [None if text is None else opened[text].get(key, ABSENT) for text in objects.to_list()]
    kind: FieldKind = "flag" if column.dtype == pl.Boolean else "number" if column.dtype.is_numeric() else "text"
    field = SourceField(column.inside, kind, nullable=column.nullable, optional=column.nullable)
    values, wrong = read_values(field, column, cells)
    is_null = objects.is_null()
    _note(bad, field.name, {n: words for n, words in wrong.items() if not is_null[n]})
    return values


def _unexpected(source: Source, table: Table, frame: pl.DataFrame) -> tuple[str, ...]:
    """Sentences about values that no documentation names."""
    said = []
    for column in table.columns:
        if not column.expected or column.name not in frame.columns:
            continue
        foreign = frame[column.name].drop_nulls().unique().sort()
        foreign = foreign.filter(~foreign.is_in(list(column.expected)))
        if foreign.len():
            shown = ", ".join(map(str, foreign.head(5).to_list()))
            said.append(f"{source.name}: {column.source or column.name} has undocumented values: {shown}")
    return tuple(said)
