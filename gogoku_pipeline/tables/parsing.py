"""One landing, typed as a whole: the rows that fit the declaration, the rows that do not, and the count of both."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date

import polars as pl

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.schema.tables import Source, Table
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.derived import with_session
from gogoku_pipeline.tables.fields import Fields, read_fields
from gogoku_pipeline.tables.landings import Walk
from gogoku_pipeline.tables.rejects import REJECTS
from gogoku_pipeline.tables.rows import RawRows, read_rows

COUNTS = pl.Schema(
    {"__day": pl.Date, "raw_rows": pl.Int64, "rejected": pl.Int64, "duplicates": pl.Int64, "early": pl.Int64}
)
"""Where the raw rows of each event day went."""


@dataclass(frozen=True)
class Parsed:
    """What became of one landing.

    Attributes:
        frame: typed rows: the table's columns that come straight from fields, `session`, and `__day`, the event date.
        rejects: rows of REJECTS, and `__day`, the event day each counts to.
        counts: COUNTS, one row per event day seen; a row without a readable date counts to the landing's first day.
        contradictions: event days on which one key had two different contents, and what they were.
        warnings: sentences a person should read.
    """

    frame: pl.DataFrame
    rejects: pl.DataFrame
    counts: pl.DataFrame
    contradictions: dict[date, str]
    warnings: tuple[str, ...]


def parse_landing(store: Store, source: Source, table: Table, walk: Walk) -> Parsed:
    """Read and type one landing; raises PayloadError for bytes that are no rows, and as `parse_rows`."""
    return parse_rows(source, table, walk, read_rows(store, walk))


def parse_rows(source: Source, table: Table, walk: Walk, rows: RawRows) -> Parsed:
    """Type the rows of one landing.

    Args:
        source: fields the publisher sends.
        table: the table they are for.
        walk: the landing; rows of days it was not asked for are rejected.
        rows: its rows as they came.

    Raises:
        SchemaError: a declared field is missing from every row (renamed or removed), or no row has its type.
    """
    fields = read_fields(source, table, rows, _about(walk))
    frame = fields.frame.with_row_index("__row")
    _reject_foreign_days(source, table, walk, frame, fields)
    first = _first_day(walk, frame)
    is_bad = _marked(rows.height, fields.bad)
    days = _days(frame, walk, first, is_bad)
    good = with_session(source, table, walk, frame.filter(~is_bad) if fields.bad else frame)
    repeated, contradictions = _repeated(source, table, good, rows)
    if repeated:
        good = good.filter(~pl.col("__row").is_in(repeated))
    outcome = pl.DataFrame({"__day": days, "rejected": is_bad, "duplicates": _marked(rows.height, repeated)})
    sums = pl.len().alias("raw_rows"), pl.col("rejected", "duplicates").sum(), pl.lit(0).alias("early")
    counts = outcome.group_by("__day").agg(sums)
    return Parsed(
        frame=good.drop("__row"),
        rejects=_rejects(source, table, walk, rows, fields, days),
        counts=counts.cast(COUNTS),
        contradictions=contradictions,
        warnings=(*_warnings(source, fields), *fields.warnings),
    )


def _about(walk: Walk) -> str:
    if walk.covers:
        return f"{walk.covers[0]} .. {walk.covers[1]}"
    return str(walk.event_date or f"fetched {walk.fetched_at:%Y-%m-%d %H:%M}")


def _reject_foreign_days(source: Source, table: Table, walk: Walk, frame: pl.DataFrame, fields: Fields) -> None:
    """Rows of days nobody asked for, and of days no calendar knows."""
    day = pl.col("__day")
    if walk.event_date is not None:
        stray, words = day != walk.event_date, f"in the answer for {walk.event_date}"
    elif walk.covers is not None:
        stray, words = ~day.is_between(*walk.covers), f"in the file for {walk.covers[0]} .. {walk.covers[1]}"
    elif table.partitioned:
        known = tse_calendar()
        stray, words = ~day.is_between(known.first, known.last), "outside the calendar"
    else:
        return
    for n, value in frame.filter(stray).select("__row", "__day").iter_rows():
        fields.bad.setdefault(n, []).append((source.event, f"'{value}' {words}"))


def _first_day(walk: Walk, frame: pl.DataFrame) -> date:
    """The day that rows without a readable date count to."""
    if walk.event_date is not None:
        return walk.event_date
    first = walk.covers[0] if walk.covers else frame["__day"].min()
    return first if isinstance(first, date) else walk.fetched_at.date()


def _days(frame: pl.DataFrame, walk: Walk, first: date, is_bad: pl.Series) -> pl.Series:
    """The event day each raw row counts to."""
    day = frame["__day"]
    if walk.event_date is not None:
        return pl.Series("__day", [first], dtype=pl.Date).new_from_index(0, frame.height)
    is_lost = day.is_null()
    if walk.covers is not None:
        is_lost = is_lost | ~day.is_between(*walk.covers)
    else:
        known = tse_calendar()
        is_lost = is_lost | (is_bad & ~day.is_between(known.first, known.last))
    return day.set(is_lost, first) if is_lost.any() else day


def _marked(height: int, places: dict[int, list[tuple[str, str]]] | list[int]) -> pl.Series:
    marks = pl.Series([False]).new_from_index(0, height)
    return marks.scatter(sorted(places), True) if places else marks


def _repeated(source: Source, table: Table, good: pl.DataFrame, rows: RawRows) -> tuple[list[int], dict[date, str]]:
    """Row numbers of identical repetitions among the good rows, and the days with contradictions."""
    key = list(dict.fromkeys([*(name for name in table.key if name in good.columns), "__day"]))
    is_twice = good.select(key).is_duplicated()
    if not is_twice.any():
        return [], {}
    first: dict[tuple[object, ...], int] = {}
    repeated: list[int] = []
    contradictions: dict[date, str] = {}
    for n, *values in good.filter(is_twice).select("__row", *key).iter_rows():
        before = first.setdefault(tuple(values), n)
        if before == n:
            continue
        repeated.append(n)
        if rows.row(n) != rows.row(before):
            shown = ", ".join(map(str, values[:-1]))
            contradictions.setdefault(values[-1], f"{source.name} {values[-1]} ({shown})")
    return repeated, contradictions


def _rejects(source: Source, table: Table, walk: Walk, rows: RawRows, fields: Fields, days: pl.Series) -> pl.DataFrame:
    sessions = {day: _session(table, day) for day in {days[n] for n in fields.bad}}
    records = []
    for n in sorted(fields.bad):
        sha, number = rows.place(n)
        records.append(
            {
                "session": sessions[days[n]],
                "source": source.name,
                "reason": "; ".join(f"{name}: {words}" for name, words in fields.bad[n]),
                "field": ",".join(dict.fromkeys(name for name, _ in fields.bad[n])),
                "row_json": json.dumps(rows.row(n), ensure_ascii=False, sort_keys=True, default=str),
                "sha256": sha,
                "row_number": number,
                "available_at": walk.fetched_at,
                "__day": days[n],
            }
        )
    return pl.DataFrame(records, schema={**REJECTS.polars_schema, "__day": pl.Date})


def _session(table: Table, day: date) -> date:
    return table.rule.session_of(day) if table.partitioned and table.rule else day


def _warnings(source: Source, fields: Fields) -> tuple[str, ...]:
    if not fields.undeclared:
        return ()
    names = ", ".join(fields.undeclared)
    return (f"{source.name}: {len(fields.undeclared)} undeclared fields stay in the raw landing: {names}",)
