"""Is a table as new as the publication clock says it could be?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.core.sessions import SessionCalendar


@dataclass(frozen=True)
class Freshness:
    """How far a table lags behind what was published.

    Attributes:
        table: its name.
        newest: newest session it holds; None for an empty table.
        expected: newest session that must be there by now.
        sessions_behind: sessions between the two; 0 is fresh.
        words: one sentence.
    """

    table: str
    newest: date | None
    expected: date
    sessions_behind: int
    words: str

    @property
    def is_fresh(self) -> bool:
        """Nothing that should be there is missing at the end."""
        return self.sessions_behind == 0


def expected_session(calendar: SessionCalendar, now: datetime, published_at: time, *, grace: timedelta) -> date:
    """The newest session whose rows must have arrived.

    Args:
        calendar: trading sessions around `now`.
        now: aware instant.
        published_at: JST hour at which the session's rows are published.
        grace: how long the house may take after that.
    """
    if now.tzinfo is None:
        raise DataError("freshness", got="a naive instant", want="an aware one", remedy="Ask the clock.")
    local = now.astimezone(JST)
    today = calendar.on_or_before(local.date())
    due = datetime.combine(today, published_at, JST) + grace
    return today if local >= due else calendar.on_or_before(today - timedelta(days=1))


def freshness(
    table: str,
    sessions: Sequence[date],
    calendar: SessionCalendar,
    *,
    now: datetime,
    published_at: time,
    grace: timedelta = timedelta(hours=3),
) -> Freshness:
    """Compare the newest written session of a table with the publication clock.

    Args:
        table: its name.
        sessions: sessions it holds, any order (`store.tables.sessions`).
        calendar: trading sessions that reach from the newest of them to now.
        now: aware instant.
        published_at: JST hour of publication.
        grace: how long the house may take after that.
    """
    expected = expected_session(calendar, now, published_at, grace=grace)
    if not sessions:
        behind = len(calendar.between(calendar.first, expected))
        return Freshness(table, None, expected, behind, f"{table} is empty; {expected} should be there")
    newest = max(sessions)
    behind = len(calendar.between(newest + timedelta(days=1), expected))
    words = (
        f"{table} is fresh: newest session {newest}"
        if behind == 0
        else f"{table} is {behind} sessions behind: newest {newest}, {expected} should be there"
    )
    return Freshness(table, newest, expected, behind, words)
