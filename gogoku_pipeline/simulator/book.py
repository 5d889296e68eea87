"""A book: what one endpoint tells, day by day. The desk turns books into answers and files."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

DayRows = pl.DataFrame | Sequence[Mapping[str, Any]]
"""Rows with the publisher's keys in the publisher's order; mappings where keys differ from row to row."""

Day = Callable[["Market", date, datetime], DayRows]
"""Rows of one event day as served at an instant (JST): nothing before its hour, preliminary rows before the final."""

OtherDay = Callable[[date], date | None]
"""From a day of another kind (calculation, publication) to the event day whose rows carry it; None if there is none."""

Span = Callable[["Market", str | None, date, date, datetime], DayRows]
"""Rows of one code (None: all there is) from a first to a last event day as served at an instant."""

Version = Callable[["Market", date, datetime], Hashable]
"""Something that changes whenever what is served for an event day changes."""

SETTLED_AFTER = timedelta(days=12)


def by_minute(market: Market, day: date, now: datetime) -> Hashable:
    """The version of a book that says nothing about its hours: every minute until a day is long past."""
    is_settled = now.date() - day > SETTLED_AFTER
    return "settled" if is_settled else now.replace(second=0, microsecond=0)


@dataclass(frozen=True)
class Book:
    """One endpoint that is asked by day.

    Attributes:
        path: below the base URL, e.g. `/markets/breakdown`.
        lowest_plan: first plan that includes it.
        starts: first day the publisher has.
        day: rows of one event day.
        event: response key of the event day (Date, DiscDate, PubDate ...).
        day_parameter: query parameter that selects it.
        code_key: response key of the issue code, empty for none.
        filters: further query parameters and the response keys they select.
        needs_one_of: at least one of these parameters must be given.
        has_range: whether from/to (with a code or a filter) are understood.
        has_bulk: whether monthly files exist.
        keys: all response keys in order: header of bulk files; empty to take the rows' own.
        range_parameters: query parameters of a range of event days.
        range_alone: whether a range (or nothing at all) may be asked without day, code or filter.
        other_days: further query parameters that name a day of another kind: the response key it selects, and the
            event day on which such rows are found. They combine with the code, not with day or range (400).
        widths: filters that may be given shorter and are then filled with zeros from the left.
    """

    path: str
    lowest_plan: str
    starts: date
    day: Day
    event: str = "Date"
    day_parameter: str = "date"
    code_key: str = "Code"
    filters: Mapping[str, str] = field(default_factory=dict)
    needs_one_of: tuple[str, ...] = ("date", "code")
    has_range: bool = True
    has_bulk: bool = True
    keys: tuple[str, ...] = ()
    range_parameters: tuple[str, str] = ("from", "to")
    range_alone: bool = False
    other_days: Mapping[str, tuple[str, OtherDay]] = field(default_factory=dict)
    widths: Mapping[str, int] = field(default_factory=dict)
    live: Day | None = None
    span: Span | None = None
    premium_keys: frozenset[str] = frozenset()
    version: Version = by_minute
