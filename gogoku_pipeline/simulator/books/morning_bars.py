"""/equities/bars/daily/am: the morning session of today, from noon until six the next morning."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from gogoku_pipeline.simulator.prints import cells_of_day, day_prints, half_prints

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

PATH = "/equities/bars/daily/am"
KEYS = ("Date", "Code", "MO", "MH", "ML", "MC", "MVo", "MVa")
OPENS, CLOSES = time(12, 0), time(6, 0)


def rows_now(market: Market, now: datetime) -> list[dict[str, Any]] | None:
    """Every listed issue's morning; None outside the hours and on days without a session (HTTP 210)."""
    wall = now.replace(tzinfo=None)
    if CLOSES <= wall.time() < OPENS:
        return None
    day = (wall - timedelta(hours=CLOSES.hour)).date()
    place = bisect_left(market.sessions, day)
    if place == len(market.sessions) or market.sessions[place] != day:
        return None
    cells = cells_of_day(market, place, place)
    morning, _ = half_prints(market, cells, day_prints(market, cells))
    columns = [*(morning.prices[key].tolist() for key in "OHLC"), morning.volume.tolist(), morning.turnover.tolist()]
    lines = zip(cells.issues.tolist(), morning.traded.tolist(), *columns, strict=True)
    return [
        dict(
            zip(
                KEYS,
                (day.isoformat(), market.codes[issue], *(value if traded else None for value in values)),
                strict=True,
            )
        )
        for issue, traded, *values in lines
    ]
