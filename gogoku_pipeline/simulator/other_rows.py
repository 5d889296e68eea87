"""Rows of the master, TOPIX and the calendar as the service prints them, before they are encoded."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import polars as pl

from gogoku_pipeline.core.sessions import SessionCalendar, tse_calendar
from gogoku_pipeline.simulator.code_lists import MARGIN_NAMES, MARKET_NAMES, SECTOR17_NAMES, SECTOR33
from gogoku_pipeline.simulator.truth import SEGMENTS_FROM

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Row = dict[str, Any]
CALENDAR_START = date(2008, 1, 1)
HOLIDAY_TRADING_FROM = date(2022, 9, 23)
_NEVER_TRADED = ((1, 1), (1, 2), (1, 3), (12, 31))


def master_frame(market: Market, session: int) -> pl.DataFrame:
    """The full listing of one session, in code order."""
    listings = market.listings
    day = market.sessions[session]
    sections = listings.market_after if day >= SEGMENTS_FROM else listings.market_before
    sectors = [SECTOR33[place] for place in listings.sector.tolist()]
    frame = pl.DataFrame(
        {
            "Date": [day.isoformat()] * len(sectors),
            "Code": listings.codes,
            "CoName": listings.names,
            "CoNameEn": listings.names_english,
            "S17": [sector17 for _, _, sector17 in sectors],
            "S17Nm": [SECTOR17_NAMES[sector17] for _, _, sector17 in sectors],
            "S33": [sector33 for sector33, _, _ in sectors],
            "S33Nm": [name for _, name, _ in sectors],
            "ScaleCat": listings.scale,
            "Mkt": sections,
            "MktNm": [MARKET_NAMES[section] for section in sections],
            "Mrgn": listings.margin,
            "MrgnNm": [MARGIN_NAMES[margin] for margin in listings.margin],
            "ProdCat": listings.product,
        }
    )
    return frame.filter(pl.Series(listings.listed(session)))


def topix_rows(market: Market, first: int, stop: int) -> list[Row]:
    """The index on sessions [first, stop)."""
    values = market.history.topix[first:stop].tolist()
    days = market.sessions[first:stop]
    return [
        {"Date": day.isoformat(), "O": bar[0], "H": bar[1], "L": bar[2], "C": bar[3]}
        for day, bar in zip(days, values, strict=True)
    ]


def calendar_rows(start: date, end: date) -> list[Row]:
    """Every calendar day in [start, end] with its division."""
    calendar = exchange_calendar()
    days = (start + timedelta(days=n) for n in range((end - start).days + 1))
    return [{"Date": day.isoformat(), "HolDiv": division(calendar, day)} for day in days]


def division(calendar: SessionCalendar, day: date) -> str:
    """1 open, 0 closed, 3 closed for shares while derivatives trade (national holidays since 2022-09-23)."""
    if day in calendar:
        return "1"
    derivatives = day.weekday() < 5 and day >= HOLIDAY_TRADING_FROM and (day.month, day.day) not in _NEVER_TRADED
    return "3" if derivatives else "0"


@lru_cache(maxsize=1)
def exchange_calendar() -> SessionCalendar:
    """The exchange's sessions as far as they are announced."""
    return tse_calendar()


def calendar_end(today: date) -> date:
    """Last announced day: end of next year once its calendar came out at the end of March, else of this year."""
    announced = today.year + 1 if (today.month, today.day) >= (3, 31) else today.year
    return min(date(announced, 12, 31), exchange_calendar().last)
