"""One landing, typed row by row: the rows that fit the declaration, the rows that do not, and the count of both."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from gogoku_pipeline.core.errors import DataError, SchemaError
from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import Source, Table
from gogoku_pipeline.tables.landings import Landing, Row
from gogoku_pipeline.tables.rejects import REJECTS
from gogoku_pipeline.tables.values import ABSENT, read_values


@dataclass(frozen=True)
class Parsed:
    """What became of one landing.

    Attributes:
        frame: typed rows, the table's columns that come straight from fields.
        rejects: rows of REJECTS.
        outcomes: (event: Date, outcome: kept | rejected | duplicate), one row per raw row.
        undeclared: fields nobody declared, in order; they stay in the raw landing.
    """

    frame: pl.DataFrame
    rejects: pl.DataFrame
    outcomes: pl.DataFrame
    undeclared: tuple[str, ...]


def parse_landing(source: Source, table: Table, landing: Landing) -> Parsed:
    """Type the rows of one landing.

    Args:
        source: fields the publisher sends.
        table: the table they are for; columns are matched by `Column.source`, Date and Code also by the key.
        landing: the rows; with an event date, rows of another date are rejected.

    Raises:
        SchemaError: a declared field is missing from every row (renamed or removed).
        DataError: one key with two different contents inside the landing.
    """
    rows = [row for _, page in landing.pages for row in page]
    mapping = _mapping(source, table)
    undeclared = _check_fields(source, rows)
    bad: dict[int, list[tuple[str, str]]] = {}
    series = []
    for field in source.fields:
        column = mapping.get(field.name)
        read, wrong = read_values(field, column, [row.get(field.name, ABSENT) for row in rows])
        for n, words in wrong.items():
            bad.setdefault(n, []).append((field.name, words))
        if column is not None:
            series.append(read)
    typed = pl.DataFrame(series).with_row_index("__row")
    day = mapping["Date"].name
    if landing.event_date is not None:
        for n in typed.filter(pl.col(day) != landing.event_date)["__row"]:
            bad.setdefault(n, []).append(("Date", f"{rows[n]['Date']!r} in the answer for {landing.event_date}"))
    repeated = _repeated(source, [mapping[name].name for name in source.key], typed, rows, set(bad))
    event = typed[day].fill_null(landing.fetched_at.date()) if landing.event_date is None else landing.event_date
    outcomes = typed.select(pl.lit(event).alias("event"), _outcome(set(bad), repeated).alias("outcome"))
    return Parsed(
        frame=typed.filter(~pl.col("__row").is_in([*bad, *repeated])).drop("__row"),
        rejects=_rejects(landing, bad, outcomes["event"]),
        outcomes=outcomes,
        undeclared=undeclared,
    )


def _mapping(source: Source, table: Table) -> dict[str, Column]:
    """Our column of each publisher's field."""
    found = {column.source: column for column in table.columns if column.source}
    for field, name in (("Date", "session"), ("Code", "code")):
        if field not in found and name in table.polars_schema:
            found[field] = table.column(name)
    return {field.name: found[field.name] for field in source.fields if field.name in found}


def _check_fields(source: Source, rows: Sequence[Row]) -> tuple[str, ...]:
    """Fields that are there and undeclared; raises SchemaError for a declared field that no row has."""
    shapes = dict.fromkeys(map(tuple, rows))  # a handful of key lists, however many rows
    seen = dict.fromkeys(name for shape in shapes for name in shape)
    declared = [field.name for field in source.fields]
    undeclared = tuple(name for name in seen if name not in declared and name not in source.untyped)
    missing = [name for name in declared if name not in seen] if rows else []
    if missing:
        similar = difflib.get_close_matches(missing[0], undeclared, n=3, cutoff=0.5)
        hint = f", similar: {', '.join(similar)}" if similar else ""
        raise SchemaError(
            f"{source.name} ({source.path})",
            got=f"rows without {', '.join(missing)}{hint}",
            want="every declared field",
            remedy="Read the publisher's change notes, correct schema/ and type the landings again; nothing is lost.",
        )
    return undeclared


def _repeated(source: Source, key: list[str], typed: pl.DataFrame, rows: Sequence[Row], bad: set[int]) -> list[int]:
    """Row numbers of identical repetitions among the good rows; raises DataError for contradictions."""
    good = typed.filter(~pl.col("__row").is_in(bad))
    twice = good.filter(good.select(key).is_duplicated())
    repeated: list[int] = []
    for group in twice.partition_by(key):
        first, *others = group["__row"].to_list()
        if any(rows[n] != rows[first] for n in others):
            raise DataError(
                f"{source.name} {group.select(key).row(0)}",
                got="two different rows with this key in one answer",
                want="one row per key",
                remedy=f"The data changed between two pages: `gogoku fetch {source.name} DATE --refetch`.",
            )
        repeated.extend(others)
    return repeated


def _outcome(bad: set[int], repeated: list[int]) -> pl.Expr:
    place = pl.col("__row")
    return (
        pl.when(place.is_in(list(bad)))
        .then(pl.lit("rejected"))
        .when(place.is_in(repeated))
        .then(pl.lit("duplicate"))
        .otherwise(pl.lit("kept"))
    )


def _rejects(landing: Landing, bad: dict[int, list[tuple[str, str]]], events: pl.Series) -> pl.DataFrame:
    places = [(sha, n, row) for sha, page in landing.pages for n, row in enumerate(page)]
    records = []
    for place in sorted(bad):
        sha, n, row = places[place]
        records.append(
            {
                "session": events[place],
                "source": landing.source,
                "reason": "; ".join(f"{name}: {words}" for name, words in bad[place]),
                "field": ",".join(name for name, _ in bad[place]),
                "row_json": json.dumps(row, ensure_ascii=False, sort_keys=True),
                "sha256": sha,
                "row_number": n,
                "available_at": landing.fetched_at,
            }
        )
    return pl.DataFrame(records, schema=REJECTS.polars_schema)
