"""The books of the market, one file per endpoint: rows of a day as the publisher prints them.

Belongs here: encoding of facts into the publisher's keys and forms, publication hours of a source.
Does not belong here: what happens in the market (the modules above), queries, pages, plans (`desk`, `server`).
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from gogoku_pipeline.simulator.book import Book, DayRows

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

BOOKS: tuple[Book, ...] = ()
"""Every endpoint that is asked by day."""

NOW_BOOKS: dict[str, Callable[["Market", datetime], DayRows | None]] = {}
"""Endpoints that know only the present: rows at an instant, None outside their hours (HTTP 210)."""
