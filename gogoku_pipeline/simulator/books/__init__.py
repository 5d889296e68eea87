"""The books of the market, one file per endpoint: rows of a day as the publisher prints them.

Belongs here: encoding of facts into the publisher's keys and forms, publication hours of a source.
Does not belong here: what happens in the market (the modules above), queries, pages, plans (`desk`, `server`).
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from gogoku_pipeline.simulator.book import Book, DayRows
from gogoku_pipeline.simulator.books import (
    breakdown,
    dividends,
    earnings_calendar,
    earnings_dates,
    futures,
    index_options,
    indices,
    investor_types,
    margin_alerts,
    margin_interest,
    morning_bars,
    options,
    short_positions,
    short_ratio,
    statement_details,
    statements,
    valuation,
)

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

BOOKS: tuple[Book, ...] = (
    investor_types.BOOK,
    indices.BOOK,
    short_ratio.BOOK,
    short_positions.BOOK,
    margin_interest.BOOK,
    margin_alerts.BOOK,
    breakdown.BOOK,
    statements.BOOK,
    statement_details.BOOK,
    earnings_dates.BOOK,
    dividends.BOOK,
    valuation.BOOK,
    futures.BOOK,
    options.BOOK,
    index_options.BOOK,
)
"""Every endpoint that is asked by day."""

NOW_BOOKS: dict[str, Callable[["Market", datetime], DayRows | None]] = {
    earnings_calendar.PATH: earnings_calendar.rows_now,
    morning_bars.PATH: morning_bars.rows_now,
}
"""Endpoints that know only the present: rows at an instant, None outside their hours (HTTP 210)."""
