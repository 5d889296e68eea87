"""/markets/margin-interest: shares bought and sold on margin, weekly until 2026-09-24, daily from 2026-09-25.

Weekly: the week's last session, published on the second session after it, 16:30; weeks of two sessions or fewer have no
rows; no publication date and no values. Daily: every session, published on the next one, 16:30. A request made before
2026-09-28 sees nine keys, afterwards sixteen. Class 3 issues have no margin trading and no rows. Raw share counts:
a split makes them jump. Source: API reference 2.16.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.schema.event_days import MARGIN_LAST_WEEKLY, is_margin_day
from gogoku_pipeline.simulator.book import Book, DayRows
from gogoku_pipeline.simulator.ledgers import Balances, balances, last_close, normals
from gogoku_pipeline.simulator.ledgers_release import is_listed, is_out, issue_by_issue, place_of, sessions_later

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

OUT_AT = time(16, 30)
WIDE_FROM = datetime(2026, 9, 28, tzinfo=JST)
VOLUMES = ("ShrtVol", "LongVol", "ShrtNegVol", "LongNegVol", "ShrtStdVol", "LongStdVol")
VALUES = tuple(name.replace("Vol", "Val") for name in VOLUMES)


def published_on(day: date) -> date | None:
    """The day on which the balances of a session come out, None if they never do."""
    return sessions_later(day, 2 if day <= MARGIN_LAST_WEEKLY else 1) if is_margin_day(day) else None


def day_rows(market: Market, day: date, now: datetime) -> DayRows:
    """One row per listed issue with margin trading, in code order."""
    place = place_of(market, day)
    out = published_on(day)
    if place is None or out is None or not is_out(out, OUT_AT, now):
        return []
    told = balances(market, place)
    shares = (
        told.short,
        told.long,
        told.short_negotiable,
        told.long_negotiable,
        told.short_standard,
        told.long_standard,
    )
    columns = {
        "Date": pl.Series([day.isoformat()] * len(market.codes)),
        "Code": pl.Series(market.codes),
        "IssType": pl.Series(market.listings.margin),
        **{name: pl.Series(count.astype(np.float64)) for name, count in zip(VOLUMES, shares, strict=True)},
    }
    if now >= WIDE_FROM:
        is_daily = day > MARGIN_LAST_WEEKLY
        published = [out.isoformat() if is_daily else None] * len(market.codes)
        values = _values(told, last_close(market, place) if is_daily else None)
        columns = {"PubDate": pl.Series(published, dtype=pl.String), **columns, **values}
    present = market.listings.listed(place) & normals(market).has_margin
    return pl.DataFrame(columns).filter(pl.Series(present))


def _values(told: Balances, price: npt.NDArray[np.float64] | None) -> dict[str, pl.Series]:
    """The balances in whole yen at the last close, the totals as sums of their parts; null without prices."""
    if price is None:
        return {name: pl.Series([None] * len(told.long), dtype=pl.Float64) for name in VALUES}
    parts = (told.short_negotiable, told.long_negotiable, told.short_standard, told.long_standard)
    yen = [np.rint(count * price) for count in parts]
    every = (yen[0] + yen[2], yen[1] + yen[3], *yen)
    return {name: pl.Series(value) for name, value in zip(VALUES, every, strict=True)}


def _applied_on(published: date) -> date | None:
    """The session whose balances carry this publication date: the one before, in the daily regime only."""
    day = sessions_later(published, -1)
    return day if day is not None and day > MARGIN_LAST_WEEKLY else None


def _version(market: Market, day: date, now: datetime) -> tuple[bool, bool]:
    """Every day is told anew once the columns change."""
    return is_out(published_on(day), OUT_AT, now), now >= WIDE_FROM


BOOK = Book(
    "/markets/margin-interest",
    "standard",
    date(2012, 2, 10),
    day_rows,
    needs_one_of=("date", "code", "published_date"),
    other_days={"published_date": ("PubDate", _applied_on)},
    span=issue_by_issue(day_rows, is_listed),
    version=_version,
)
