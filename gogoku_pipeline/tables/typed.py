"""Raw landings in, typed point-in-time tables out: pure functions of everything that was landed.

Overwriting a session with the result is idempotent and loses nothing: the landings stay, versions that were replaced
are told in `superseded`, and asking with `known_at` rebuilds the table as it was known at that instant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import polars as pl

from gogoku_pipeline.core.errors import SchemaError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.schema.external import EXTERNAL, ExternalSeries
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from gogoku_pipeline.schema.tables import Source, Table
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.counting import (
    SWITCHED_OFF,
    missing,
    not_published,
    nothing,
    require,
    summed_up,
    switched_off,
)
from gogoku_pipeline.tables.landings import Walk, complete_walks, is_switched_off, walks_by_day, without_repeats
from gogoku_pipeline.tables.rejects import REJECTS, Typed
from gogoku_pipeline.tables.versions import publication_rule
from gogoku_pipeline.tables.words import Words, heard, listened

__all__ = ["SWITCHED_OFF", "typed_external", "typed_sessions", "typed_whole"]


def typed_sessions(store: Store, source: str, sessions: Sequence[date], *, known_at: datetime | None = None) -> Typed:
    """Rows of these sessions of one source, as its core table holds them.

    A session holds the event days its publication rule names (a Saturday disclosure lies in Monday's partition).
    Pages fetched day by day and bulk or handed-in files that cover the day are versions of it, oldest fetch first.

    Args:
        store: where the landings are.
        source: our name of the source.
        sessions: the sessions to type; each needs a complete landing of each of its event days, fetched when the
            publisher had something to say about it.
        known_at: use only what was fetched by then; None for everything.

    Returns:
        The typed rows. A source that the plan lacks is empty, with a warning.

    Raises:
        PartitionMissingError: a session has no such landing.
        SchemaError: a declared field is missing from, or retyped in, a session's newest landing.
        DataError: contradicting rows inside a session's newest landing, or rows lost on the way.
    """
    declared, table = source_and_table(source)
    wanted = sorted(set(sessions))
    if not wanted:
        return Typed(table.empty(), REJECTS.empty(), (), ())
    if declared.axis != "day":
        return _range_sessions(store, declared, table, wanted, known_at)
    days, by_day = landed_days(store, declared, table, wanted, known_at)
    absent = [session for session in wanted if not is_landed(declared, days[session], by_day)]
    if absent and is_switched_off(store.raw.requests(source), known_at):
        return switched_off(declared, table, wanted)
    require(declared, absent)
    words = listened(store, declared, table, {day: walks for day, walks in by_day.items() if walks})
    return summed_up(declared, table, words, days)


def typed_whole(store: Store, source: str, *, known_at: datetime | None = None) -> Typed:
    """Every row of a source that is asked over a range or tells only the present; errors as for `typed_sessions`."""
    declared, table = source_and_table(source)
    if declared.axis == "day":
        return typed_sessions(store, source, landed_sessions(store, source, known_at=known_at), known_at=known_at)
    return _whole(store, declared, table, known_at)


def typed_external(store: Store, series: ExternalSeries, *, known_at: datetime | None = None) -> Typed:
    """Every row of a series from outside; a later file is a new version of the dates it covers.

    A date counts only in files that were landed when its rule says that it could be known. Arguments and errors as
    for `typed_sessions`.
    """
    return typed_whole(store, series.source.name, known_at=known_at)


def source_and_table(name: str) -> tuple[Source, Table]:
    """The declarations of a source or of an external series; raises SchemaError for an unknown name."""
    if name in SOURCES:
        return SOURCES[name], TABLE_OF[name]
    series = EXTERNAL.get(name.removeprefix("ext_"))
    if series is None:
        raise SchemaError(
            f"source {name!r}",
            got="no declaration",
            want=f"one of {', '.join([*SOURCES, *(series.source.name for series in EXTERNAL.values())])}",
            remedy="Declare it in schema/.",
        )
    return series.source, series.table


def landed_sessions(store: Store, source: str, *, known_at: datetime | None = None) -> list[date]:
    """The sessions of a source asked by day that can be typed: each of their event days is landed."""
    return list(landed_by_session(source, store.raw.requests(source), known_at=known_at))


def landed_by_session(
    source: str, requests: pl.DataFrame, *, known_at: datetime | None = None
) -> dict[date, dict[date, list[Walk]]]:
    """The sessions of a source asked by day that can be typed, in order, and what was landed for their event days.

    Args:
        source: our name of the source.
        requests: all rows of `raw_requests` of the source.
        known_at: use only what was fetched by then; None for everything.
    """
    declared, table = source_and_table(source)
    rule, calendar = publication_rule(table), tse_calendar()
    walks = complete_walks(requests, known_at)
    known = set()
    for walk in walks:
        first, last = walk.covers or (walk.event_date, walk.event_date)
        if first is None or last is None or first > calendar.last or last < calendar.first:
            continue
        begin = rule.session_of(max(first, calendar.first))
        known.update(calendar.between(begin, rule.session_of(min(last, calendar.on_or_before(calendar.last)))))
    days = {session: rule.days_of(session) for session in sorted(known)}
    by_day = walks_by_day(walks, (day for several in days.values() for day in several), rule)
    return {
        session: {day: by_day[day] for day in several}
        for session, several in days.items()
        if several and is_landed(declared, several, by_day)
    }


def landed_days(
    store: Store, source: Source, table: Table, sessions: Sequence[date], known_at: datetime | None = None
) -> tuple[dict[date, list[date]], dict[date, list[Walk]]]:
    """The event days of each session, and the landings that speak of each day."""
    rule = publication_rule(table)
    days = {session: rule.days_of(session) for session in sessions}
    every = sorted(day for several in days.values() for day in several)
    if not every:
        return days, {}
    walks = complete_walks(store.raw.requests(source.name, every[0], every[-1]), known_at)
    return days, walks_by_day(walks, every, rule)


def editions(store: Store, name: str, sessions: Sequence[date]) -> dict[date, str]:
    """Which answer the rows of each session came with: the file that covers it, or empty for pages of its own."""
    source, table = source_and_table(name)
    days, by_day = landed_days(store, source, table, sessions)
    newest = {session: by_day[days[session][-1]] for session in sessions if days[session] and by_day[days[session][-1]]}
    return {
        session: str(walks[-1].pages[0]["request_key"]) if walks[-1].covers else "" for session, walks in newest.items()
    }


def is_landed(source: Source, days: Sequence[date], by_day: Mapping[date, Sequence[Walk]]) -> bool:
    """Whether every event day from the publisher's first on was landed."""
    starts = date.fromisoformat(source.starts)
    return all(by_day[day] or day < starts for day in days)


def _whole(store: Store, source: Source, table: Table, known_at: datetime | None) -> Typed:
    requests = store.raw.requests(source.name)
    if is_switched_off(requests, known_at):
        return switched_off(source, table, [])
    walks = without_repeats(complete_walks(requests, known_at))
    if not walks:
        if source.axis == "now":
            return not_published(source, table)
        raise missing(source, "no complete landing", "one")
    words = heard(store, source, table, walks)
    return summed_up(source, table, words, _sessions_of(table, words))


def _sessions_of(table: Table, words: Words) -> dict[date, list[date]]:
    """The event days of each session of a range; a table without sessions counts under its newest fetch."""
    if not table.partitioned:
        return {words.landings[-1].fetched_at.date(): sorted(words.by_day)}
    rule = publication_rule(table)
    days: dict[date, list[date]] = {}
    for day in sorted(words.by_day):
        days.setdefault(rule.session_of(day), []).append(day)
    return days


def _range_sessions(store: Store, source: Source, table: Table, wanted: list[date], known_at: datetime | None) -> Typed:
    """These sessions of a source that is asked over a range."""
    requests = store.raw.requests(source.name)
    if is_switched_off(requests, known_at):
        return switched_off(source, table, wanted)
    typed = _whole(store, source, table, known_at)
    rule, counts = publication_rule(table), {count.session: count for count in typed.counts}
    newest = max(walk.fetched_at for walk in complete_walks(requests, known_at))
    with_rows = set(typed.frame["session"].unique())
    if source.empty == "never":
        absent = [session for session in wanted if session not in with_rows]
    else:
        absent = [s for s in wanted if s not in with_rows and newest < rule.final_at(max(rule.days_of(s) or [s]))]
    require(source, absent)
    chosen = pl.Series(wanted, dtype=pl.Date).implode()
    return Typed(
        frame=typed.frame.filter(pl.col("session").is_in(chosen)),
        rejects=typed.rejects,
        counts=tuple(counts.get(s) or nothing(source, s) for s in wanted),
        warnings=typed.warnings,
        superseded=typed.superseded.filter(pl.col("session").is_in(chosen)),
    )
