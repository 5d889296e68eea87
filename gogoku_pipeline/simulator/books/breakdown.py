"""/markets/breakdown: the auction turnover of every traded issue by kind of order.

Sell side (cash, short without margin, margin new, margin close) and buy side (cash, margin new, margin close) add up to
the same yen and the same shares: AUCTION_SHARE of the day's volume. An issue without trade has no row; the whole
outage of 2020-10-01 has none. Out at 18:00. Source: API reference 2.18.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING

import polars as pl

from gogoku_pipeline.simulator.book import Book, DayRows
from gogoku_pipeline.simulator.ledgers_orders import BUYS, SELLS, orders
from gogoku_pipeline.simulator.ledgers_release import is_listed, is_out, issue_by_issue, once_out, place_of

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

OUT_AT = time(18, 0)
KEYS = ("Date", "Code", *(kind + "Va" for kind in SELLS + BUYS), *(kind + "Vo" for kind in SELLS + BUYS))


def day_rows(market: Market, day: date, now: datetime) -> DayRows:
    """One row per issue that traded on the day, in code order."""
    place = place_of(market, day)
    if place is None or not is_out(day, OUT_AT, now):
        return []
    told = orders(market, place)
    frame = pl.DataFrame(
        {"Date": [day.isoformat()] * len(market.codes), "Code": market.codes}
        | {kind + "Va": told.yen[kind].astype("float64") for kind in SELLS + BUYS}
        | {kind + "Vo": told.shares[kind].astype("float64") for kind in SELLS + BUYS}
    )
    return frame.filter(pl.Series(told.traded)) if told.traded.any() else []


BOOK = Book(
    "/markets/breakdown",
    "premium",
    date(2015, 4, 1),
    day_rows,
    keys=KEYS,
    span=issue_by_issue(day_rows, is_listed),
    version=once_out(OUT_AT),
)
