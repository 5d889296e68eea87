"""Books of the four endpoints every plan begins with: calendar, master, daily bars, TOPIX."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import date, datetime
from typing import TYPE_CHECKING

from gogoku_pipeline.simulator.bars_rows import BAR_KEYS, SESSION_KEYS, bars_frame
from gogoku_pipeline.simulator.book import Book, DayRows
from gogoku_pipeline.simulator.other_rows import (
    CALENDAR_START,
    calendar_end,
    calendar_rows,
    master_frame,
    topix_rows,
)
from gogoku_pipeline.simulator.prints import cells_of_day, cells_of_issue
from gogoku_pipeline.simulator.publication import newest_bars, newest_master, places_between, session_on_or_after

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

FIRST_DAY = date(2008, 5, 7)


def bars_of_day(market: Market, day: date, now: datetime) -> DayRows:
    """Daily bars of a session, adjusted values as of the instant."""
    place, newest = session_on_or_after(market, day), newest_bars(market, now)
    if place > newest or market.sessions[place] != day:
        return []
    return bars_frame(market, cells_of_day(market, place, newest))


def bars_of_issue(market: Market, code: str | None, first: date, last: date, now: datetime) -> DayRows:
    """Daily bars of one issue over a range."""
    newest = newest_bars(market, now)
    begin, stop = places_between(market, first, last, newest)
    if code is None or code not in market.codes or stop <= begin:
        return []
    cells = cells_of_issue(market, market.codes.index(code), begin, stop, newest)
    return bars_frame(market, cells) if len(cells.sessions) else []


def bars_version(market: Market, day: date, now: datetime) -> Hashable:
    """Served bars change at publication, and all of them with every ex-date."""
    newest = newest_bars(market, now)
    is_out = newest >= 0 and market.sessions[newest] >= day
    return is_out, market.split_table.events_until(newest)


def topix_of_days(market: Market, code: str | None, first: date, last: date, now: datetime) -> DayRows:
    """The index over a range."""
    return topix_rows(market, *places_between(market, first, last, newest_bars(market, now)))


def topix_of_day(market: Market, day: date, now: datetime) -> DayRows:
    """The index on a session."""
    return topix_of_days(market, None, day, day, now)


def master_of_day(market: Market, day: date, now: datetime) -> DayRows:
    """The listing of a session; nothing on other days."""
    place = session_on_or_after(market, day)
    if place > newest_master(market, now) or market.sessions[place] != day:
        return []
    return master_frame(market, place)


def calendar_of_day(market: Market, day: date, now: datetime) -> DayRows:
    """The day itself, if it is announced."""
    return calendar_rows(day, day) if CALENDAR_START <= day <= calendar_end(now.date()) else []


BARS = Book(
    "/equities/bars/daily",
    "free",
    FIRST_DAY,
    bars_of_day,
    keys=BAR_KEYS,
    span=bars_of_issue,
    premium_keys=frozenset(SESSION_KEYS),
    version=bars_version,
)
TOPIX = Book(
    "/indices/bars/daily/topix",
    "light",
    FIRST_DAY,
    topix_of_day,
    day_parameter="",
    code_key="",
    needs_one_of=(),
    range_alone=True,
    keys=("Date", "O", "H", "L", "C"),
    span=topix_of_days,
)
MASTER = Book("/equities/master", "free", FIRST_DAY, master_of_day, needs_one_of=(), has_range=False)
CALENDAR = Book(
    "/markets/calendar", "free", CALENDAR_START, calendar_of_day, code_key="", needs_one_of=(), keys=("Date", "HolDiv")
)
STANDING = (CALENDAR, MASTER, BARS, TOPIX)
"""The desk answers the calendar and the master in a manner of their own; their books fill the bulk files."""
