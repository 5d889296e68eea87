"""/markets/short-sale-report: large short positions as their holders report them.

Reports calculated on a session are disclosed on the second session after it, 17:30. A first report names no previous
one; a report below 0.005 says that the holder is out of the band. Now and then a report appears twice.
Source: API reference 2.15.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from gogoku_pipeline.simulator.book import Book, DayRows
from gogoku_pipeline.simulator.ledgers_release import is_out, once_out, place_of, sessions_later
from gogoku_pipeline.simulator.positions import HOLDERS, filings

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

OUT_AT = time(17, 30)
DISCLOSED_AFTER = 2
UNIT = 100
KEYS = (
    "DiscDate",
    "CalcDate",
    "Code",
    "SSName",
    "SSAddr",
    "DICName",
    "DICAddr",
    "FundName",
    "ShrtPosToSO",
    "ShrtPosShares",
    "ShrtPosUnits",
    "PrevRptDate",
    "PrevRptRatio",
    "Notes",
)


def day_rows(market: Market, day: date, now: datetime) -> DayRows:
    """The reports disclosed on a day, in code order."""
    calculated = sessions_later(day, -DISCLOSED_AFTER)
    place = None if calculated is None else place_of(market, calculated)
    if place is None or calculated is None or not is_out(day, OUT_AT, now):
        return []
    every = filings(market)
    found = np.arange(len(every.session))[every.of(place)]
    found = np.repeat(found, 1 + every.is_repeated[found])
    if len(found) == 0:
        return []
    issue, ratio = every.issue[found], every.ratio[found]
    holders = [HOLDERS[holder] for holder in every.holder[found]]
    outstanding = market.listings.shares[issue] / market.split_table.on_day(-1, place)[issue]
    shares = np.rint(outstanding * ratio / 1e4)
    earlier = every.previous_session[found].tolist()
    return pl.DataFrame(
        {
            "DiscDate": [day.isoformat()] * len(found),
            "CalcDate": [calculated.isoformat()] * len(found),
            "Code": [market.codes[column] for column in issue],
            "SSName": [holder.name for holder in holders],
            "SSAddr": [holder.address for holder in holders],
            "DICName": [holder.manager for holder in holders],
            "DICAddr": [holder.manager_address for holder in holders],
            "FundName": [holder.fund for holder in holders],
            "ShrtPosToSO": ratio / 1e4,
            "ShrtPosShares": shares,
            "ShrtPosUnits": np.floor(shares / UNIT),
            "PrevRptDate": ["" if past < 0 else market.sessions[past].isoformat() for past in earlier],
            "PrevRptRatio": every.previous_ratio[found] / 1e4,
            "Notes": [""] * len(found),
        }
    )


BOOK = Book(
    "/markets/short-sale-report",
    "standard",
    date(2013, 11, 7),
    day_rows,
    event="DiscDate",
    day_parameter="disc_date",
    needs_one_of=("code", "disc_date", "calc_date"),
    keys=KEYS,
    range_parameters=("disc_date_from", "disc_date_to"),
    other_days={"calc_date": ("CalcDate", lambda day: sessions_later(day, DISCLOSED_AFTER))},
    version=once_out(OUT_AT),
)
