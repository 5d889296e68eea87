"""/indices/bars/daily: TOPIX and its families, sector, section, style and REIT indices.

Each code has its own life (the two old sections end on 2022-04-01, the new ones begin on 2022-06-27, TOPIX Small 500
and Prime 150 begin with closes only). On 2020-10-01 all four prices repeat the last close. Out at 16:30. Index codes
are a namespace of their own: index 0050 is Transportation Equipment. Source: API reference 2.12.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from gogoku_pipeline.simulator.book import Book, DayRows
from gogoku_pipeline.simulator.ledgers_indices import SECTOR17_CODES, index_levels
from gogoku_pipeline.simulator.ledgers_release import is_out, once_out, place_of

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

OUT_AT = time(16, 30)
KEYS = ("Date", "Code", "O", "H", "L", "C")
FIRST_DAY = date(2008, 5, 7)


@dataclass(frozen=True)
class Life:
    """From when to when an index is published, and from when with open, high and low."""

    first: date = FIRST_DAY
    last: date = date.max
    bars_from: date = FIRST_DAY


LIVES: dict[str, Life] = {
    "0001": Life(last=date(2022, 4, 1)),
    "0091": Life(last=date(2022, 4, 1)),
    "002F": Life(date(2018, 9, 3), bars_from=date(2018, 10, 9)),
    "0500": Life(date(2022, 6, 27)),
    "0501": Life(date(2022, 6, 27)),
    "0502": Life(date(2022, 6, 27)),
    "0503": Life(date(2023, 5, 29), bars_from=date(2023, 7, 3)),
    **{code: Life(date(2009, 2, 2)) for code in SECTOR17_CODES},
    **{code: Life(date(2009, 2, 9)) for code in ("8100", "812C", "812D", "8200", "822C", "822D")},
    **{code: Life(date(2010, 3, 1)) for code in ("8501", "8502", "8503")},
}
"""Codes that do not live through the whole history."""


def day_rows(market: Market, day: date, now: datetime) -> DayRows:
    """One row per index alive on the day, in code order."""
    place = place_of(market, day)
    if place is None or not is_out(day, OUT_AT, now):
        return []
    levels = index_levels(market)
    bars = levels.bars[place]
    lives = [LIVES.get(code, Life()) for code in levels.codes]
    is_close_only = np.array([day < life.bars_from for life in lives])
    frame = pl.DataFrame(
        {"Date": [day.isoformat()] * len(lives), "Code": levels.codes}
        | {
            key: pl.Series(np.where(is_close_only, np.nan, bars[:, place]), nan_to_null=True)
            for place, key in enumerate("OHL")
        }
        | {"C": bars[:, 3]}
    )
    return frame.filter(pl.Series([life.first <= day <= life.last for life in lives]))


BOOK = Book(
    "/indices/bars/daily",
    "standard",
    FIRST_DAY,
    day_rows,
    code_key="",
    filters={"code": "Code"},
    keys=KEYS,
    version=once_out(OUT_AT),
)
