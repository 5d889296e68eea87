"""Which sessions the service has published at an instant: the simulator's side of "is it there yet?"."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import date, datetime, time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

BARS_AT = time(16, 30)
MASTER_PREVIEW_AT = time(17, 30)


def newest_bars(market: Market, now: datetime) -> int:
    """Place of the newest session whose bars and index are out (16:30 of the day), -1 for none."""
    count = bisect_right(market.sessions, now.date())
    is_today = count > 0 and market.sessions[count - 1] == now.date()
    return count - 2 if is_today and now.time() < BARS_AT else count - 1


def newest_master(market: Market, now: datetime) -> int:
    """Place of the newest session whose listing is out: 17:30 of the session before, final at 08:00. -1 for none."""
    count = bisect_right(market.sessions, now.date())
    is_session_today = count > 0 and market.sessions[count - 1] == now.date()
    if is_session_today and now.time() < MASTER_PREVIEW_AT:
        return count - 1
    return min(count, len(market.sessions) - 1)


def session_on_or_after(market: Market, day: date) -> int:
    """Place of the first session >= day; the number of sessions if there is none."""
    return bisect_left(market.sessions, day)


def places_between(market: Market, first: date, last: date, newest: int) -> tuple[int, int]:
    """Places of the published sessions in [first, last], the second one exclusive and never below the first."""
    begin = bisect_left(market.sessions, first)
    return begin, max(begin, min(bisect_right(market.sessions, last), newest + 1))
