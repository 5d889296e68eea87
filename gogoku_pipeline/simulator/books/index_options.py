"""/derivatives/bars/daily/options/225: monthly Nikkei 225 options. Out at 03:00 of the next calendar day.

Weekly contracts are not part of this endpoint (see `options`). Source: API reference 2.19.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING

from gogoku_pipeline.simulator.book import Book, DayRows
from gogoku_pipeline.simulator.books import derivatives_calendar as months
from gogoku_pipeline.simulator.books import derivatives_rows as printed
from gogoku_pipeline.simulator.books.derivatives_market import paths, surface_of
from gogoku_pipeline.simulator.books.derivatives_options import OptionClass, day_columns
from gogoku_pipeline.simulator.books.derivatives_strikes import StrikeGrid
from gogoku_pipeline.simulator.ledgers_release import place_of

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

KEYS = (
    *("Date", "Code", "O", "H", "L", "C", "EO", "EH", "EL", "EC", "AO", "AH", "AL", "AC", "Vo", "OI", "Va", "CM"),
    *("Strike", "VoOA", "EmMrgnTrgDiv", "PCDiv", "LTD", "SQD", "Settle", "Theo", "BaseVol", "UnderPx", "IV", "IR"),
)

NIKKEI = OptionClass(
    "NK225E",
    "18",
    partial(months.expiries, months.Cycle(months.index_settlement, 9, 4)),
    StrikeGrid(125.0),
    surface_of,
    1000.0,
    900.0,
)


def day_rows(market: Market, day: date, now: datetime) -> DayRows:
    """Rows of every option that trades on a session, by expiry and strike, puts before calls."""
    place = place_of(market, day)
    if place is None or not printed.is_published(day, now):
        return []
    parts = day_columns(market, place, NIKKEI, paths(market)["nikkei"])
    return printed.as_rows(printed.stacked(parts), KEYS, day)


BOOK = Book(
    "/derivatives/bars/daily/options/225",
    "standard",
    date(2008, 5, 7),
    day_rows,
    code_key="",
    needs_one_of=("date",),
    has_range=False,
    keys=KEYS,
    version=printed.version,
)
