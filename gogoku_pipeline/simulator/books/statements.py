"""/fins/summary: what companies disclose, document by document.

The preliminary edition of a day comes at 18:00 with the documents timed until 17:30, a few of them still with gaps;
the final one half an hour after midnight with all. Rows are in the order of their numbers.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from gogoku_pipeline.simulator.book import Book
from gogoku_pipeline.simulator.filings import Filing, archive
from gogoku_pipeline.simulator.summary_fields import STILL_MISSING, SUMMARY_KEYS, Row, summary_row

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

PRELIMINARY_AT, FINAL_AT = time(18, 0), time(0, 30)
PRELIMINARY_UNTIL = 17 * 60 + 30
NO_EDITION, PRELIMINARY, FINAL = 0, 1, 2
UNTIMED = 24 * 60 + 30


def edition(day: date, now: datetime) -> int:
    """Which edition of a day's documents is out at an instant (JST)."""
    wall = now.replace(tzinfo=None)
    if wall >= datetime.combine(day + timedelta(days=1), FINAL_AT):
        return FINAL
    return PRELIMINARY if wall >= datetime.combine(day, PRELIMINARY_AT) else NO_EDITION


def filings_out(market: Market, day: date, now: datetime) -> list[Filing]:
    """The documents of a day that are out at an instant, by ascending number."""
    issue = edition(day, now)
    if issue == NO_EDITION:
        return []
    papers = archive(market)
    filings = [Filing(papers, place) for place in papers.documents.on(day)]
    return [filing for filing in filings if issue == FINAL or 0 <= filing.minute <= PRELIMINARY_UNTIL]


def rows_of_day(market: Market, day: date, now: datetime) -> Sequence[Row]:
    """Documents of a disclosure day as served at an instant."""
    rows = []
    is_preliminary = edition(day, now) == PRELIMINARY
    for filing in filings_out(market, day, now):
        row = summary_row(filing)
        if is_preliminary and filing.archive.documents.is_sketchy[filing.place]:
            row |= dict.fromkeys(STILL_MISSING, "")
        rows.append(row)
    return rows


def rows_live(market: Market, day: date, now: datetime) -> Sequence[Row]:
    """Documents of a day as Premium sees them: each from its minute on, those without a time with the final edition."""
    wall = now.replace(tzinfo=None)
    begin = datetime.combine(day, time())
    return [row for minute, row in rows_with_minutes(market, day) if begin + timedelta(minutes=minute) <= wall]


def version(market: Market, day: date, now: datetime) -> Hashable:
    """Changes every minute until the final edition of a day is out."""
    issue = edition(day, now)
    return issue if issue == FINAL else now.replace(second=0, microsecond=0)


def rows_with_minutes(market: Market, day: date) -> list[tuple[int, Row]]:
    """Documents of a day with the minute of the day from which a live stream shows them, by ascending number."""
    papers = archive(market)
    filings = [Filing(papers, place) for place in papers.documents.on(day)]
    return [(filing.minute if filing.minute >= 0 else UNTIMED, summary_row(filing)) for filing in filings]


BOOK = Book(
    path="/fins/summary",
    lowest_plan="free",
    starts=date(2008, 7, 7),
    day=rows_of_day,
    event="DiscDate",
    has_range=False,
    keys=SUMMARY_KEYS,
    live=rows_live,
    version=version,
)
