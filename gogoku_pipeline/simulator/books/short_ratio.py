"""/markets/short-ratio: how much of each sector's selling is short, in yen.

The three columns are the sector's sells in the auction (the same orders that `breakdown` prints per issue), so their
sum stays below the sector's turnover. One row per sector with a listed issue; none on 2020-10-01. Out at 16:30.
Source: API reference 2.14.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.book import Book, DayRows
from gogoku_pipeline.simulator.code_lists import SECTOR33
from gogoku_pipeline.simulator.ledgers_orders import orders
from gogoku_pipeline.simulator.ledgers_release import is_out, once_out, place_of

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

OUT_AT = time(16, 30)
KEYS = ("Date", "S33", "SellExShortVa", "ShrtWithResVa", "ShrtNoResVa")
FREE_SHARE = (0.12, 0.28)


def day_rows(market: Market, day: date, now: datetime) -> DayRows:
    """One row per sector, in sector order."""
    place = place_of(market, day)
    if place is None or place == market.outage or not is_out(day, OUT_AT, now):
        return []
    told = orders(market, place)
    listed = market.listings.listed(place)
    owned = told.yen["LongSell"] + told.yen["MrgnSellClose"]
    short = told.yen["ShrtNoMrgn"] + told.yen["MrgnSellNew"]
    per_sector = np.zeros((2, len(SECTOR33)), dtype=np.int64)
    for side, yen in enumerate((owned, short)):
        np.add.at(per_sector[side], market.listings.sector[listed], yen[listed])
    share = stream(market.config.seed, "short-ratio", place).uniform(*FREE_SHARE, len(SECTOR33))
    free = np.floor(per_sector[1] * share).astype(np.int64)
    present = np.isin(np.arange(len(SECTOR33)), market.listings.sector[listed])
    frame = pl.DataFrame(
        {
            "Date": [day.isoformat()] * len(SECTOR33),
            "S33": [sector for sector, _, _ in SECTOR33],
            "SellExShortVa": per_sector[0].astype(np.float64),
            "ShrtWithResVa": (per_sector[1] - free).astype(np.float64),
            "ShrtNoResVa": free.astype(np.float64),
        }
    )
    return frame.filter(pl.Series(present))


BOOK = Book(
    "/markets/short-ratio",
    "standard",
    date(2008, 11, 5),
    day_rows,
    code_key="",
    filters={"s33": "S33"},
    needs_one_of=("date", "s33"),
    keys=KEYS,
    widths={"s33": 4},
    version=once_out(OUT_AT),
)
