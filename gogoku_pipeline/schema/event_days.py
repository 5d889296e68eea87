"""Which session's partition an event day belongs to, and which event days a partition asks for.

A partition is a session t. Event logs written on any day (a Saturday disclosure) lie in the next session's partition;
sets published on a later session than their event lie in the partition of the session they are published on.
Source: J-Quants V2 "data update" page; the margin-interest change notes of 2026-09-28; JPX holiday trading.
"""

from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

import numpy as np
import polars as pl

from gogoku_pipeline.core.sessions import SessionCalendar, tse_calendar

EventDays = Literal["sessions", "every_day", "weekdays", "day_before", "margin", "none"]
"""On which days a source has events, and where they lie.

`sessions`: sessions only, each in its own partition. `every_day`: any calendar day, in the first session on or after
it. `weekdays`: sessions and, since derivatives trade on holidays, weekday holidays, in the first session on or after;
the publisher dates holiday trading with the next business day, so a holiday normally answers with nothing.
`day_before`: any calendar day, in the first session after it. `margin`: see `margin_session`. `none`: not
partitioned by event day.
"""

MARGIN_LAST_WEEKLY = date(2026, 9, 24)
"""Last application date of the weekly margin balances; from the next session on they are daily."""

HOLIDAY_TRADING_FROM = date(2022, 9, 23)
"""First public holiday on which derivatives traded."""

LEAST_SESSIONS_OF_A_MARGIN_WEEK = 3
"""Weeks with fewer sessions than this had no weekly margin balances."""


def session_of(kind: EventDays, day: date) -> date:
    """The partition an event day belongs to; raises DataError beyond the calendar."""
    if kind == "margin":
        return margin_session(day)
    if kind == "day_before":
        return session_after(day, 1)
    return tse_calendar().on_or_after(day)


def days_of(kind: EventDays, session: date) -> list[date]:
    """The event days of one partition in ascending order; raises DataError for a day that is no session."""
    calendar = tse_calendar()
    place = calendar.index(session)
    if kind == "none":
        return []
    if kind == "sessions":
        return [session]
    before = calendar.sessions[place - 1] if place else session - timedelta(days=1)
    if kind == "margin":
        near = [day for day in calendar.sessions[max(place - 2, 0) : place] if margin_session(day) == session]
        return [day for day in near if is_margin_day(day)]
    days = [before + timedelta(days=n) for n in range((session - before).days + 1)]
    if kind == "day_before":
        return days[:-1]
    if kind == "weekdays":
        return [day for day in days[1:] if day == session or _has_holiday_trading(day)]
    return days[1:]


def _has_holiday_trading(day: date) -> bool:
    return day.weekday() < 5 and day >= HOLIDAY_TRADING_FROM


def session_after(day: date, n: int) -> date:
    """The n-th session strictly after a calendar day; raises DataError beyond the calendar."""
    calendar = tse_calendar()
    return calendar.shift(calendar.on_or_after(day + timedelta(days=1)), n - 1)


def margin_session(day: date) -> date:
    """The session on which margin balances of an application date are published.

    To 2026-09-24 the second session after it (normally Tuesday for a Friday); from 2026-09-25 the next session.
    """
    return session_after(day, 2 if day <= MARGIN_LAST_WEEKLY else 1)


def is_margin_day(day: date) -> bool:
    """Whether margin balances exist for an application date.

    To 2026-09-24 the last session of a week with at least three sessions; from 2026-09-25 every session.
    """
    calendar = tse_calendar()
    if day > MARGIN_LAST_WEEKLY:
        return day in calendar
    monday = day - timedelta(days=day.weekday())
    week = calendar.between(monday, monday + timedelta(days=6))
    return len(week) >= LEAST_SESSIONS_OF_A_MARGIN_WEEK and week[-1] == day


def sessions_after(days: pl.Series, n: int) -> pl.Series:
    """The n-th session strictly after each day, null for null; raises DataError beyond the calendar."""
    calendar = tse_calendar()
    known = days.drop_nulls()
    if not known.is_empty():
        session_after(known.max(), n)  # type: ignore[arg-type]
    places = np.searchsorted(_epoch_days(calendar), days.fill_null(calendar.first).to_physical().to_numpy(), "right")
    found = pl.Series(days.name, calendar.sessions, dtype=pl.Date).gather(places + n - 1)
    return pl.select(pl.when(days.is_not_null()).then(found)).to_series().alias(days.name)


@lru_cache(maxsize=2)
def _epoch_days(calendar: SessionCalendar) -> np.ndarray:
    return np.array(calendar.sessions, dtype="datetime64[D]").astype(np.int64)
