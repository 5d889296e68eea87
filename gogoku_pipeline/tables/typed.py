"""Raw landings in, typed point-in-time tables out: pure functions of everything that was landed.

Overwriting a session with the result is idempotent and loses nothing: the landings stay, and asking with `known_at`
rebuilds the table as it was known at that instant.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl

from gogoku_pipeline.core.errors import DataError, PartitionMissingError, PayloadError, SchemaError
from gogoku_pipeline.core.sessions import OUTAGE
from gogoku_pipeline.schema import calendar, daily_bars, listed_issues, topix
from gogoku_pipeline.schema.tables import Source, Table
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.landings import Walk, complete_walks, is_switched_off, read_landing
from gogoku_pipeline.tables.parsing import Parsed, parse_landing
from gogoku_pipeline.tables.rejects import REJECTS, Conservation, Typed
from gogoku_pipeline.tables.versions import first_version, next_version, published_at

SWITCHED_OFF = "{}: not in the plan, switched off"
"""What is said of a source that the plan lacks."""


def typed_daily_bars(store: Store, sessions: Sequence[date], *, known_at: datetime | None = None) -> Typed:
    """Daily bars of these sessions as `core_jquants__daily_bars`.

    Args:
        store: where the landings are.
        sessions: the sessions to type; each needs a complete landing fetched after its publication hour.
        known_at: use only what was fetched by then; None for everything.

    Raises:
        PartitionMissingError: a session has no such landing.
        SchemaError: a declared field is missing from a session's newest landing.
        DataError: contradicting rows inside a session's newest landing, or rows lost on the way.
    """
    return _typed_by_date(store, daily_bars.SOURCE, daily_bars.TABLE, sessions, known_at)


def typed_listed_issues(store: Store, sessions: Sequence[date], *, known_at: datetime | None = None) -> Typed:
    """Listing snapshots of these sessions as `core_jquants__listed_issues`; arguments and errors as for daily bars.

    A landing fetched before 08:00 of its session is the preview edition and is not used.
    """
    return _typed_by_date(store, listed_issues.SOURCE, listed_issues.SNAPSHOT, sessions, known_at)


def typed_topix(store: Store, sessions: Sequence[date], *, known_at: datetime | None = None) -> Typed:
    """TOPIX of these sessions as `core_jquants__topix`; errors as for daily bars.

    A session whose four prices all repeat the previous close is a market halt (`is_market_halt`). Where no previous
    close is stored, four equal prices count as a halt on the outage of 2020-10-01 only, which the calendar names.
    A plan without TOPIX leaves the table empty, with a warning.
    """
    if is_switched_off(store.raw.requests(topix.SOURCE.name), known_at):
        counts = tuple(Conservation(topix.SOURCE.name, session, 0, 0, 0, 0) for session in sorted(set(sessions)))
        return Typed(topix.TABLE.empty(), REJECTS.empty(), counts, (SWITCHED_OFF.format(topix.SOURCE.name),))
    typed = _typed_by_range(store, topix.SOURCE, topix.TABLE, "session", known_at)
    previous = pl.col("close_points").shift(1)
    is_flat = pl.all_horizontal(pl.col(f"{name}_points") == pl.col("close_points") for name in ("open", "high", "low"))
    is_stale = (
        pl.when(previous.is_null()).then(pl.col("session") == OUTAGE).otherwise(pl.col("close_points") == previous)
    )
    frame = typed.frame.sort("session").with_columns((is_flat & is_stale).alias("is_market_halt"))
    kept = frame.filter(pl.col("session").is_in(pl.Series(sessions, dtype=pl.Date).implode()))
    _require(topix.SOURCE, sorted(set(sessions) - set(kept["session"])))
    return Typed(_declared(topix.TABLE, kept), typed.rejects, typed.counts, typed.warnings)


def typed_calendar(store: Store, *, known_at: datetime | None = None) -> Typed:
    """Every landed calendar day as `core_jquants__calendar`; errors as for daily bars."""
    typed = _typed_by_range(store, calendar.SOURCE, calendar.TABLE, "date", known_at)
    frame = typed.frame.with_columns(pl.col("holiday_division").is_in(["1", "2"]).alias("is_session"))
    return Typed(_declared(calendar.TABLE, frame), typed.rejects, typed.counts, typed.warnings)


def _typed_by_date(
    store: Store, source: Source, table: Table, sessions: Sequence[date], known_at: datetime | None
) -> Typed:
    wanted = sorted(set(sessions))
    if not wanted:
        return Typed(table.empty(), REJECTS.empty(), (), ())
    walks: dict[date, list[Walk]] = {session: [] for session in wanted}
    for walk in complete_walks(store.raw.requests(source.name, wanted[0], wanted[-1]), known_at):
        if walk.event_date in walks and walk.fetched_at >= published_at(table, walk.event_date):
            walks[walk.event_date].append(walk)
    _require(source, [session for session, found in walks.items() if not found])
    parts = [_typed_session(store, source, table, walks[session]) for session in wanted]
    return _gathered(source, table, parts)


def _typed_session(
    store: Store, source: Source, table: Table, walks: list[Walk]
) -> tuple[pl.DataFrame, Parsed, Conservation, tuple[str, ...]]:
    """Rows of one session in force after its last landing, what became of that landing, the count, and warnings.

    A landing that cannot be typed counts only while nothing newer replaces it. Rows that no landing before could say
    are known from the fetch that brought them.
    """
    *replaced, newest = walks
    said: list[tuple[Walk, Parsed]] = []
    warnings = []
    for walk in replaced:
        try:
            said.append((walk, parse_landing(source, table, read_landing(store, walk))))
        except (DataError, PayloadError, SchemaError) as problem:
            warnings.append(f"{source.name} {walk.event_date}: the landing of {walk.fetched_at} is left out: {problem}")
    said.append((newest, parse_landing(source, table, read_landing(store, newest))))
    is_first_said = said[0][0] is walks[0]
    oldest = said[0][1].frame
    frame = first_version(table, "session", oldest if is_first_said else oldest.clear())
    for walk, parsed in said[1:] if is_first_said else said:
        frame = next_version(table, "session", frame, parsed.frame, walk.fetched_at, by_date=True)
    parsed = said[-1][1]
    raw_rows = sum(int(page["row_count"]) for page in newest.pages)
    session = newest.event_date or newest.fetched_at.date()
    return frame, parsed, _counted(source, session, raw_rows, frame.height, parsed), tuple(warnings)


def _typed_by_range(store: Store, source: Source, table: Table, event: str, known_at: datetime | None) -> Typed:
    """All rows of a range source in force after its last landing; derived columns are the caller's."""
    walks = complete_walks(store.raw.requests(source.name), known_at)
    if not walks:
        raise _missing(source, "no complete landing", "one")
    frame, parts = table.empty(), []
    for place, walk in enumerate(walks):
        parsed = parse_landing(source, table, read_landing(store, walk))
        fresh = _published(table, event, parsed.frame, walk.fetched_at)
        if place == 0:
            frame = first_version(table, event, fresh)
        else:
            frame = next_version(table, event, frame, fresh, walk.fetched_at, by_date=False)
        raw_rows = sum(int(page["row_count"]) for page in walk.pages)
        parts.append((parsed, _counted(source, walk.fetched_at.date(), raw_rows, parsed.frame.height, parsed)))
    rejects = pl.concat([parsed.rejects for parsed, _ in parts])
    warnings = tuple(dict.fromkeys(words for parsed, _ in parts for words in _warnings(source, parsed)))
    return Typed(frame, rejects.sort(REJECTS.key), tuple(count for _, count in parts), warnings)


def _published(table: Table, event: str, frame: pl.DataFrame, fetched_at: datetime) -> pl.DataFrame:
    """Rows that were final when they were fetched; a calendar's announcement hour is a convention, not a filter."""
    stamped = first_version(table, event, frame)
    return frame.filter(stamped["available_at"] <= fetched_at) if table.partitioned else frame


def _gathered(
    source: Source, table: Table, parts: list[tuple[pl.DataFrame, Parsed, Conservation, tuple[str, ...]]]
) -> Typed:
    frame = pl.concat([part for part, *_ in parts])
    rejects = pl.concat([parsed.rejects for _, parsed, _, _ in parts])
    words = [text for _, parsed, _, left_out in parts for text in (*_warnings(source, parsed), *left_out)]
    counts = tuple(count for _, _, count, _ in parts)
    return Typed(_declared(table, frame), rejects.sort(REJECTS.key), counts, tuple(dict.fromkeys(words)))


def _declared(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(table.polars_schema.names()).cast(table.polars_schema).sort(table.key)


def _counted(source: Source, session: date, raw_rows: int, table_rows: int, parsed: Parsed) -> Conservation:
    duplicates = int((parsed.outcomes["outcome"] == "duplicate").sum())
    return Conservation(source.name, session, raw_rows, table_rows, parsed.rejects.height, duplicates)


def _warnings(source: Source, parsed: Parsed) -> list[str]:
    if not parsed.undeclared:
        return []
    names = ", ".join(parsed.undeclared)
    return [f"{source.name}: {len(parsed.undeclared)} undeclared fields stay in the raw landing: {names}"]


def _require(source: Source, absent: list[date]) -> None:
    if absent:
        shown = ", ".join(day.isoformat() for day in absent[:5]) + (" ..." if len(absent) > 5 else "")
        raise _missing(
            source, f"no complete landing for {len(absent)} sessions: {shown}", "one fetched after publication"
        )


def _missing(source: Source, got: str, want: str) -> PartitionMissingError:
    return PartitionMissingError(
        f"raw landings of {source.name}",
        got=got,
        want=want,
        remedy=f"Materialise raw_jquants__{source.name} for them first.",
    )
