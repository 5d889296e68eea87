"""/fins/details: the statements behind a summary, item by item, under the labels of the EDINET taxonomy.

Which items appear depends on the accounting standard, on the company, and (cash flows since October 2025) on the day.
Labels as in the publisher's sample; values are text, flows with a fraction, balances without.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from gogoku_pipeline.simulator.book import Book
from gogoku_pipeline.simulator.books.statements import filings_out, rows_live, version
from gogoku_pipeline.simulator.filings import Filing, archive
from gogoku_pipeline.simulator.statement_items import statement_items
from gogoku_pipeline.simulator.summary_fields import Row, summary_row

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

KEYS = ("DiscDate", "DiscTime", "Code", "DiscNo", "DocType", "FS")


def rows_of_day(market: Market, day: date, now: datetime) -> Sequence[dict[str, Any]]:
    """Statements of a disclosure day as served at an instant, by ascending number; revisions have none."""
    return [_row(market, filing, summary_row(filing)) for filing in filings_out(market, day, now) if filing.is_results]


def rows_of_day_live(market: Market, day: date, now: datetime) -> Sequence[dict[str, Any]]:
    """Statements as Premium sees them, each from its own minute on."""
    out = {row["DiscNo"]: row for row in rows_live(market, day, now)}
    papers = archive(market)
    numbers = {place: str(int(papers.documents.number[place])) for place in papers.documents.on(day)}
    chosen = [(Filing(papers, place), out[number]) for place, number in numbers.items() if number in out]
    return [_row(market, filing, row) for filing, row in chosen if filing.is_results]


def _row(market: Market, filing: Filing, summary: Row) -> dict[str, Any]:
    issue = filing.issue
    names = market.listings.names[issue], market.listings.names_english[issue]
    return {key: summary[key] for key in KEYS[:-1]} | {"FS": statement_items(filing, summary, names)}


BOOK = Book(
    path="/fins/details",
    lowest_plan="premium",
    starts=date(2009, 1, 13),
    day=rows_of_day,
    event="DiscDate",
    has_range=False,
    keys=KEYS,
    live=rows_of_day_live,
    version=version,
)
