"""When a source is final for a day, and what it means if nothing came: judged by calendar, clock and source.

The service answers a holiday, an unpublished evening and a loss alike: 200 with an empty list.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import DataError, RequestError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.schema import daily_bars, listed_issues, topix
from gogoku_pipeline.schema.tables import Table

_TABLES: dict[str, Table] = {
    daily_bars.SOURCE.name: daily_bars.TABLE,
    listed_issues.SOURCE.name: listed_issues.SNAPSHOT,
    topix.SOURCE.name: topix.TABLE,
}


def published_at(source: str, day: date) -> datetime:
    """The instant from which the final rows of a day exist; raises RequestError for a source without such an hour."""
    table = _TABLES.get(source)
    if table is None or table.rule is None:
        raise RequestError(
            f"source {source!r}",
            got="no publication hour",
            want=f"one of {sorted(_TABLES)}",
            remedy="Fetch it as a range.",
        )
    return datetime.combine(day, table.rule.at, tzinfo=JST)


def is_session(day: date) -> bool:
    """Whether shares trade on a day."""
    return day in tse_calendar()


def unpublished(source: str, days: Sequence[date], now: datetime) -> DataError:
    """The error for days whose rows do not exist yet."""
    due = published_at(source, days[-1])
    return DataError(
        f"{source} {_named(days)}",
        got=f"not yet published at {now:%Y-%m-%d %H:%M} JST",
        want=f"a time from {due:%Y-%m-%d %H:%M} JST on",
        remedy="Run again after that hour.",
    )


def unexpectedly_empty(source: str, days: Sequence[date]) -> DataError:
    """The error for sessions that should have rows and have none."""
    hour = published_at(source, days[-1])
    return DataError(
        f"{source} {_named(days)}",
        got="no rows",
        want=f"rows, because it is a session and they are due at {hour:%H:%M} JST",
        remedy="The publisher may be late: run again in an hour. If it stays empty, ask the publisher.",
    )


def _named(days: Sequence[date], most: int = 5) -> str:
    shown = ", ".join(day.isoformat() for day in days[:most])
    return shown + (f" and {len(days) - most} more up to {days[-1].isoformat()}" if len(days) > most else "")
