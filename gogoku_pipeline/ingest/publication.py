"""When a source is final for a day, and what it means if nothing came: judged by calendar, clock and data set.

The service answers a holiday, an unpublished evening and a loss alike: 200 with an empty list.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from gogoku_pipeline.core.errors import DataError, RequestError
from gogoku_pipeline.core.sessions import OUTAGE, tse_calendar
from gogoku_pipeline.schema.availability import RULES, PublicationRule
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.schema.tables import Source

CLOCKS_DIFFER = timedelta(minutes=15)
"""How far this machine's clock may be ahead of the publisher's before an empty answer is believed."""


def rule_of(source: str) -> PublicationRule:
    """The publication rule of a source; raises RequestError for an unknown name."""
    if source not in RULES or source not in SOURCES:
        raise RequestError(
            f"source {source!r}",
            got="no publication rule",
            want=f"one of {sorted(SOURCES)}",
            remedy="Correct the name; `gogoku describe` lists the sources.",
        )
    return RULES[source]


def published_at(source: str, day: date) -> datetime:
    """The instant from which the final rows of an event day exist; raises RequestError for an unknown source."""
    return rule_of(source).final_at(day)


def is_session(day: date) -> bool:
    """Whether shares trade on a day."""
    return day in tse_calendar()


def event_days(source: str, sessions: Iterable[date]) -> tuple[list[date], int]:
    """The event days of a source that belong to some sessions, and how many lie before the publisher's first day.

    Args:
        source: our name of the endpoint.
        sessions: partitions; a day that is no session stands for itself.

    Returns:
        Event days in ascending order, without those before the source starts; the number of those.
    """
    rule, starts = rule_of(source), date.fromisoformat(SOURCES[source].starts)
    days = {day for session in sessions for day in (rule.days_of(session) if is_session(session) else [session])}
    kept = sorted(day for day in days if day >= starts)
    return kept, len(days) - len(kept)


def are_rows_due(source: Source, day: date) -> bool:
    """Whether an event day must have rows once it is published; `Source.empty` says which sessions may have none.

    On a holiday with derivatives trading either is right: the publisher may book its trades on the next session.
    """
    if source.empty == "may" or not is_session(day):
        return False
    return not (source.empty == "on_halt" and day == OUTAGE)


def is_believable(rows: int, asked_at: datetime, final_at: datetime) -> bool:
    """Whether an answer is final; one without rows only some minutes later, because clocks differ."""
    return asked_at >= final_at + (CLOCKS_DIFFER if rows == 0 else timedelta())


def unpublished(source: str, days: Sequence[date], now: datetime) -> DataError:
    """The error for days whose rows do not exist yet."""
    due = rule_of(source).first_at(days[-1])
    return DataError(
        f"{source} {named(days)}",
        got=f"not yet published at {now:%Y-%m-%d %H:%M} JST",
        want=f"a time from {due:%Y-%m-%d %H:%M} JST on",
        remedy="Run again after that hour.",
    )


def unexpectedly_empty(source: str, days: Sequence[date], now: datetime) -> DataError:
    """The error for days that should have rows and have none."""
    due = published_at(source, days[-1])
    is_fresh = timedelta() <= now - due <= CLOCKS_DIFFER
    clock = f"This clock says {now:%H:%M} JST: check it. " if is_fresh else ""
    return DataError(
        f"{source} {named(days)}",
        got="no rows",
        want=f"rows, because it is a session and they are due at {due:%H:%M} JST",
        remedy=f"{clock}The publisher may be late: run again in an hour. If it stays empty, ask the publisher.",
    )


def named(days: Sequence[date], most: int = 5) -> str:
    """Days for a person: the first few, and how many more."""
    shown = ", ".join(day.isoformat() for day in days[:most])
    return shown + (f" and {len(days) - most} more up to {days[-1].isoformat()}" if len(days) > most else "")
