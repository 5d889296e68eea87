"""When a ledger comes out: some sessions after the day it tells about, at an hour of the exchange's clock."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

import polars as pl

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.simulator.other_rows import exchange_calendar

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.book import Day, DayRows, Span, Version
    from gogoku_pipeline.simulator.market import Market


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


def issue_by_issue(tell: Day) -> Span:
    """A book's rows of one code over a range, told without encoding the other issues of each day.

    Args:
        tell: rows of one day, as a frame or as mappings, the issue under `Code`.
    """

    def span(market: Market, code: str | None, first: date, last: date, now: datetime) -> DayRows:
        days = market.sessions[bisect_left(market.sessions, first) : bisect_right(market.sessions, last)]
        told = [rows for rows in (tell(market, day, now) for day in days) if len(rows)]
        frames = [rows.filter(pl.col("Code") == code) for rows in told if isinstance(rows, pl.DataFrame)]
        if frames:
            return pl.concat(frames)
        return [row for rows in told if not isinstance(rows, pl.DataFrame) for row in rows if row["Code"] == code]

    return span
