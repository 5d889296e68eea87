"""Trading sessions of the Tokyo Stock Exchange: the axis everything else is counted on.

Source: exchange_calendars ``XTKS``, plus 2020-10-01. On that day the exchange failed and nothing traded, but the
publisher's calendar calls it a business day and serves (empty) rows for it, so it occupies a place in every window.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, lru_cache

import exchange_calendars

from gogoku_pipeline.core.errors import DataError

OUTAGE = date(2020, 10, 1)
"""The session without trades that exchange calendars leave out."""

SESSIONS_PER_YEAR = 245
"""One constant for every annualisation in the house."""


@dataclass(frozen=True)
class SessionCalendar:
    """An ordered list of sessions with the questions people ask of it.

    Attributes:
        sessions: strictly ascending session dates; answers are given only inside this span.
    """

    sessions: tuple[date, ...]

    @cached_property
    def _known(self) -> frozenset[date]:
        return frozenset(self.sessions)

    def __contains__(self, day: object) -> bool:
        return day in self._known

    @property
    def first(self) -> date:
        """The earliest session of the span."""
        return self.sessions[0]

    @property
    def last(self) -> date:
        """The latest session of the span."""
        return self.sessions[-1]

    def between(self, start: date, end: date) -> list[date]:
        """Sessions in [start, end], both included."""
        return list(self.sessions[bisect_left(self.sessions, start) : bisect_right(self.sessions, end)])

    def index(self, session: date) -> int:
        """Place of a session in the span; raises DataError for a day that is none."""
        place = bisect_left(self.sessions, session)
        if place == len(self.sessions) or self.sessions[place] != session:
            raise DataError(
                f"session {session}",
                got="a day without trading or outside the calendar",
                want=f"a session in {self.first} .. {self.last}",
                remedy="Choose a session; `gogoku doctor` prints the newest one.",
            )
        return place

    def shift(self, session: date, n: int) -> date:
        """The session n places after (n < 0: before) this one; raises DataError beyond the span."""
        place = self.index(session) + n
        if not 0 <= place < len(self.sessions):
            raise DataError(
                f"{n} sessions from {session}",
                got="a place outside the calendar",
                want=f"a session in {self.first} .. {self.last}",
                remedy="Load a longer calendar: tse_calendar(start, end).",
            )
        return self.sessions[place]

    def on_or_before(self, day: date) -> date:
        """The newest session <= day."""
        place = bisect_right(self.sessions, day) - 1
        if place < 0:
            raise DataError(
                f"session on or before {day}",
                got="none",
                want=f"a day from {self.first} on",
                remedy="Load a longer calendar.",
            )
        return self.sessions[place]

    def on_or_after(self, day: date) -> date:
        """The first session >= day."""
        place = bisect_left(self.sessions, day)
        if place == len(self.sessions):
            raise DataError(
                f"session on or after {day}",
                got="none",
                want=f"a day up to {self.last}",
                remedy="Load a longer calendar.",
            )
        return self.sessions[place]

    def weekday_holidays(self) -> list[date]:
        """Monday-to-Friday days inside the span on which the exchange does not trade."""
        days = (self.last - self.first).days + 1
        every = (self.first + timedelta(days=n) for n in range(days))
        return [day for day in every if day.weekday() < 5 and day not in self]


@lru_cache(maxsize=8)
def tse_calendar(start: date = date(2008, 1, 4), end: date | None = None) -> SessionCalendar:
    """Sessions of the exchange in [start, end], 2020-10-01 included.

    Args:
        start: first calendar day asked for.
        end: last calendar day; None means as far as the exchange has announced its holidays
            (the library's horizon, about one year ahead).
    """
    listing = exchange_calendars.get_calendar("XTKS", start=start.isoformat())
    horizon = listing.sessions[-1].date()
    stop = min(end, horizon) if end else horizon
    days: Sequence[date] = [stamp.date() for stamp in listing.sessions if stamp.date() <= stop]
    if start <= OUTAGE <= stop:
        days = sorted({*days, OUTAGE})
    return SessionCalendar(tuple(days))
