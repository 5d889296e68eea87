"""Is a typed table whole? Columns and keys, counts, sessions, coverage, units. Pure functions of frames.

Belongs here: checks that hold for any table. What only prices can get wrong lives in `price_quality`.
Every check returns a CheckResult; one that cannot run fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import pandera.errors
import polars as pl

from gogoku_pipeline.core.errors import SchemaError
from gogoku_pipeline.core.sessions import SessionCalendar, tse_calendar
from gogoku_pipeline.schema.pandera_models import pandera_model
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.schema.units import UNIT_RANGES
from gogoku_pipeline.tables.findings import Finding, check
from gogoku_pipeline.tables.rejects import Conservation


@check("schema_and_keys", "error")
def check_schema(table: Table, frame: pl.DataFrame) -> Finding:
    """Every column, type, null, bound, list and key is as declared.

    Args:
        table: declaration.
        frame: collected rows (a LazyFrame is refused: pandera would silently leave the data checks out).
    """
    if not isinstance(frame, pl.DataFrame):
        raise SchemaError(
            f"check of {table.name}",
            got=type(frame).__name__,
            want="a collected DataFrame",
            remedy="Call .collect() before checking.",
        )
    try:
        pandera_model(table).validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as problem:
        return Finding(
            max(frame.height, 1), _failure_cases(table, frame, problem.failure_cases), "against the declaration"
        )
    return Finding(frame.height, pl.DataFrame(), "")


def _failure_cases(table: Table, frame: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """Pandera's cases with the session and code of the rows they point to, where they point to rows."""
    shown = cases.select(pl.col("column").alias("field"), "check", pl.col("failure_case").cast(pl.String), "index")
    keys = [name for name in ("session", "code") if name in frame.columns and name in table.polars_schema]
    if not keys or shown["index"].null_count() == shown.height:
        return shown.drop("index")
    places = frame.select(keys).with_row_index("index").with_columns(pl.col("index").cast(shown.schema["index"]))
    return shown.join(places, on="index", how="left").drop("index").select(*keys, "field", "check", "failure_case")


@check("rows_conserved", "error")
def check_conservation(table: Table, frame: pl.DataFrame, counts: Sequence[Conservation]) -> Finding:
    """The stored sessions hold exactly the rows that typing counted.

    Args:
        table: declaration, partitioned by session.
        frame: stored rows of these sessions.
        counts: one Conservation per session, from the typing.
    """
    expected = pl.DataFrame(
        {"session": [count.session for count in counts], "typed": [count.table_rows for count in counts]},
        schema={"session": pl.Date, "typed": pl.Int64},
    )
    stored = frame.group_by("session").agg(pl.len().cast(pl.Int64).alias("stored"))
    both = expected.join(stored, on="session", how="full", coalesce=True).with_columns(
        pl.col("typed", "stored").fill_null(0)
    )
    bad = both.filter(pl.col("typed") != pl.col("stored")).sort("session")
    return Finding(len(counts), bad, f"rows of {table.name} that differ from what was typed")


@check("rejects_few", "warn")
def check_rejects(counts: Sequence[Conservation], *, at_most: float = 0.0) -> Finding:
    """No more raw rows than tolerated could not be typed.

    Args:
        counts: one Conservation per session.
        at_most: tolerated share of a session's rows.
    """
    bad = [count for count in counts if count.rejected > at_most * count.raw_rows]
    frame = pl.DataFrame(
        {
            "session": [c.session for c in bad],
            "rejected": [c.rejected for c in bad],
            "raw_rows": [c.raw_rows for c in bad],
        },
        schema={"session": pl.Date, "rejected": pl.Int64, "raw_rows": pl.Int64},
    )
    rejected = sum(count.rejected for count in counts)
    return Finding(len(counts), frame, "sessions with rejected rows", {"rejected": rejected})


@check("sessions_complete", "error")
def check_sessions_complete(table: Table, frame: pl.DataFrame, sessions: Iterable[date]) -> Finding:
    """Every wanted session has rows.

    Args:
        table: declaration, partitioned by session.
        frame: stored rows.
        sessions: sessions that must be there, e.g. ``calendar.between(start, end)``.
    """
    wanted = pl.DataFrame({"session": sorted(set(sessions))}, schema={"session": pl.Date})
    absent = wanted.join(frame.select("session").unique(), on="session", how="anti")
    return Finding(wanted.height, absent, f"sessions without rows in {table.name}")


@check("calendar_agrees", "error")
def check_calendar(calendar_rows: pl.DataFrame, calendar: SessionCalendar | None = None) -> Finding:
    """The publisher's calendar and ours name the same sessions.

    Args:
        calendar_rows: rows of `core_jquants__calendar`; the days both cover are compared.
        calendar: ours; None for the exchange's own.
    """
    known = calendar or tse_calendar()
    both = calendar_rows.filter(pl.col("date").is_between(known.first, known.last)).select(
        pl.col("date").alias("session"), pl.col("is_session").alias("is_session_theirs")
    )
    ours = pl.Series(known.sessions, dtype=pl.Date).implode()
    both = both.with_columns(pl.col("session").is_in(ours).alias("is_session_ours"))
    bad = both.filter(pl.col("is_session_theirs") != pl.col("is_session_ours")).sort("session")
    return Finding(both.height, bad, "days on which only one calendar trades")


@check("listing_covered", "error")
def check_listing_covered(rows: pl.DataFrame, listed_issues: pl.DataFrame, *, at_least: float = 0.98) -> Finding:
    """Nearly every listed issue has a row on every session.

    Args:
        rows: (session, code) of the table judged.
        listed_issues: `core_jquants__listed_issues` of the sessions judged.
        at_least: smallest share of the listed codes.
    """
    present = rows.select("session", "code").unique().with_columns(pl.lit(1).alias("has_row"))
    share = (
        listed_issues.select("session", "code")
        .join(present, on=["session", "code"], how="left")
        .group_by("session")
        .agg(pl.len().alias("listed"), pl.col("has_row").sum().alias("covered"))
        .with_columns((pl.col("covered") / pl.col("listed")).alias("coverage"))
    )
    bad = share.filter(pl.col("coverage") < at_least).sort("session")
    smallest = share["coverage"].min()
    counts = {"smallest_coverage": float(smallest) if isinstance(smallest, float) else 0.0}
    return Finding(share.height, bad, f"sessions with less than {at_least:.0%} of the listed codes", counts)


@check("values_in_unit_range", "error")
def check_unit_ranges(table: Table, frame: pl.DataFrame) -> Finding:
    """Every number lies where its unit allows; an unknown unit on a number is a failure too.

    Args:
        table: declaration, whose columns carry units.
        frame: rows.
    """
    numbers = [column for column in table.columns if column.unit]
    if unknown := [column.name for column in numbers if column.unit not in UNIT_RANGES]:
        raise SchemaError(
            f"units of {table.name}",
            got=f"units without a range in {unknown}",
            want=f"one of {sorted(UNIT_RANGES)}",
            remedy="Add the unit to schema.units.UNIT_RANGES.",
        )
    outside = [
        (column.name, ~pl.col(column.name).is_between(*UNIT_RANGES[column.unit]) & pl.col(column.name).is_not_null())
        for column in numbers
    ]
    keys = [name for name in table.key if name in frame.columns]
    bad = [
        frame.filter(is_outside).select(
            *keys, pl.lit(name).alias("field"), pl.col(name).cast(pl.Float64).alias("value")
        )
        for name, is_outside in outside
    ]
    return Finding(
        frame.height if numbers else 0, pl.concat(bad) if bad else pl.DataFrame(), "values outside their unit's range"
    )
