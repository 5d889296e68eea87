"""When a ledger comes out: some sessions after the day it tells about, at an hour of the exchange's clock."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

import polars as pl

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.simulator.other_rows import exchange_calendar

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.book import Day, DayRows, Span, Version
    from gogoku_pipeline.simulator.market import Market

HasRows = Callable[["Market", int, int], bool]
"""Whether the rows of a session (by place, which may lie beyond the last one) may hold an issue (by place)."""

LAST_WORDS = 2
"""Sessions after the market's last one on which a book may still speak about it."""


def place_of(market: Market, day: date) -> int | None:
    """Place of a session of the market, None for any other day."""
    place = bisect_left(market.sessions, day)
    return place if place < len(market.sessions) and market.sessions[place] == day else None


def sessions_later(day: date, n: int) -> date | None:
    """The session n sessions after this one (n < 0: before), None beyond the announced calendar."""
    sessions = exchange_calendar().sessions
    place = bisect_left(sessions, day)
    if place == len(sessions) or sessions[place] != day or not 0 <= place + n < len(sessions):
        return None
    return sessions[place + n]


def ends_week(day: date) -> bool:
    """Whether a session is the last one of its calendar week."""
    later = sessions_later(day, 1)
    return later is not None and later - timedelta(days=later.weekday()) > day


def is_out(day: date | None, hour: time, now: datetime) -> bool:
    """Whether the given hour (JST) of a publication day has come."""
    return day is not None and now >= datetime.combine(day, hour, JST)


def once_out(hour: time) -> Version:
    """The version of a book whose day never changes after its hour: not yet, or there."""

    def version(market: Market, day: date, now: datetime) -> bool:
        return is_out(day, hour, now)

    return version


def issue_by_issue(tell: Day, has_rows: HasRows) -> Span:
    """A book's rows of one code over a range, told without encoding the other issues of each day.

    Args:
        tell: rows of one day, as a frame or as mappings, the issue under `Code`.
        has_rows: whether a session's day may hold rows of an issue; days without are not told.
    """

    def span(market: Market, code: str | None, first: date, last: date, now: datetime) -> DayRows:
        if code not in market.codes:
            return []
        issue, frames, rows = market.codes.index(code), [], []
        calendar = exchange_calendar().sessions
        start = bisect_left(calendar, market.sessions[0])
        stop = min(bisect_right(calendar, last), start + len(market.sessions) + LAST_WORDS)
        for at in range(max(bisect_left(calendar, first), start), stop):
            told = tell(market, calendar[at], now) if has_rows(market, at - start, issue) else []
            if isinstance(told, pl.DataFrame):
                frames.append(told[(told["Code"] == code).arg_true()])  # a copy: a filtered frame keeps the day alive
            else:
                rows += [row for row in told if row["Code"] == code]
        return pl.concat(frames) if frames else rows

    return span


def is_listed(market: Market, place: int, issue: int) -> bool:
    """Whether an issue is listed on a session."""
    return bool(market.listings.first[issue] <= place <= market.listings.last[issue])
