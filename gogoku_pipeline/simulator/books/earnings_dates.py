"""/fins/earnings-date: the log of announced reporting days, out at 10:05 on the session after the announcement."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from gogoku_pipeline.simulator.book import Book
from gogoku_pipeline.simulator.documents import EPOCH
from gogoku_pipeline.simulator.fiscal import fiscal_calendar
from gogoku_pipeline.simulator.other_rows import exchange_calendar
from gogoku_pipeline.simulator.schedules import OPEN, schedules

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

PUBLISHED_AT = time(10, 5)
KEYS = ("PubDate", "SchDate", "FQName", "FYE", "Code", "CoName", "CoNameEn")


def is_published(day: date, now: datetime) -> bool:
    """Whether the announcements of a day are out."""
    following = exchange_calendar().on_or_after(day + timedelta(days=1))
    return now.replace(tzinfo=None) >= datetime.combine(following, PUBLISHED_AT)


def rows_of_day(market: Market, day: date, now: datetime) -> Sequence[dict[str, str]]:
    """Announcements of a day, in code order."""
    if not is_published(day, now):
        return []
    plans, calendar = schedules(market), fiscal_calendar(market)
    rows = []
    for place in plans.on((day - EPOCH).days):
        issue, column, planned = int(plans.issue[place]), int(plans.column[place]), int(plans.planned[place])
        values = (
            day.isoformat(),
            "" if planned == OPEN else (EPOCH + timedelta(days=planned)).isoformat(),
            calendar.label(issue, column),
            f"{calendar.year_end(issue, column):%m%d}",
            market.codes[issue],
            market.listings.names[issue],
            market.listings.names_english[issue],
        )
        rows.append(dict(zip(KEYS, values, strict=True)))
    return rows


def version(market: Market, day: date, now: datetime) -> Hashable:
    """Changes once, when the day comes out."""
    return is_published(day, now)


BOOK = Book(
    path="/fins/earnings-date",
    lowest_plan="free",
    starts=date(2014, 9, 1),
    day=rows_of_day,
    event="PubDate",
    filters={"scheduled_date": "SchDate"},
    needs_one_of=("code", "date", "scheduled_date"),
    has_range=False,
    keys=KEYS,
    version=version,
)
