"""When companies say they will report: first announcements, dates still open, changes, and the date that came true.

A company names the day four to six weeks ahead. One in twelve leaves it open at first, one in ten names another day
and changes it, one in seventy reports a session later than it last said. Days beyond the market's end are scheduled
like the others, as far as they are announced before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.announcements import announcements
from gogoku_pipeline.simulator.documents import EPOCH
from gogoku_pipeline.simulator.fiscal import fiscal_calendar
from gogoku_pipeline.simulator.once import once_per_market
from gogoku_pipeline.simulator.other_rows import exchange_calendar

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Places = npt.NDArray[np.int64]
OPEN = -1
NEVER = 10**6


@dataclass(frozen=True)
class Schedules:
    """Announced reporting days sorted by announcement; days since 1970-01-01, arrays [announcements].

    Attributes:
        issue: place.
        column: quarter that will be reported.
        told: day of the announcement.
        planned: day of the results, -1 for still open.
        replaced: day of the next announcement about the same results, far in the future for none.
    """

    issue: Places
    column: Places
    told: Places
    planned: Places
    replaced: Places

    def on(self, day: int) -> range:
        """Announcements of a day."""
        return range(int(np.searchsorted(self.told, day)), int(np.searchsorted(self.told, day + 1)))

    def valid_for(self, day: int, known_on: int) -> Places:
        """Announcements in force on one day that name another."""
        chosen = (self.planned == day) & (self.told <= known_on) & (self.replaced > known_on)
        return np.asarray(np.flatnonzero(chosen), dtype=np.int64)


@once_per_market
def schedules(market: Market) -> Schedules:
    """The announced reporting days of a market."""
    days = np.array([(day - EPOCH).days for day in exchange_calendar().sessions], dtype=np.int64)
    issue, column, place = _results(market, days)
    calendar = fiscal_calendar(market)
    number = column - calendar.start[issue, column]
    usual = (column == calendar.end[issue, column]) | (number < 3)
    issue, column, place = issue[usual], column[usual], place[usual]
    rng = stream(market.config.seed, "schedules")
    n = len(issue)
    kind, moved = rng.random(n), rng.integers(1, 6, n) * rng.choice([-1, 1], n)
    last = place - (rng.random(n) < 0.014)
    first_told = np.searchsorted(days, days[place] - rng.integers(25, 45, n))
    again = np.minimum(first_told + rng.integers(4, 11, n), np.minimum(last, last + moved) - 2)
    is_open, is_wrong = kind < 0.08, (kind >= 0.08) & (kind < 0.18)
    twice = (is_open | is_wrong) & (again > first_told)
    first_planned = np.where(is_open & twice, OPEN, days[np.where(is_wrong & twice, last + moved, last)])
    table = (
        np.concatenate([issue, issue[twice]]),
        np.concatenate([column, column[twice]]),
        np.concatenate([days[first_told], days[again[twice]]]),
        np.concatenate([first_planned, days[last[twice]]]),
        np.concatenate([np.where(twice, days[again], NEVER), np.full(int(twice.sum()), NEVER)]),
    )
    session_days = np.array([(day - EPOCH).days for day in market.sessions], dtype=np.int64)
    inside = (table[2] <= session_days[-1]) & (table[2] <= session_days[market.listings.last[table[0]]])
    listed = market.listings.first[table[0]]
    inside &= (listed == 0) | (table[2] >= session_days[listed])
    order = np.lexsort((table[1], table[0], table[2]))
    order = order[inside[order]]
    return Schedules(*(np.asarray(values[order], dtype=np.int64) for values in table))


def _results(market: Market, days: Places) -> tuple[Places, Places, Places]:
    """Every company's results with the place of their session in `days`, the next ones after the market included."""
    told, calendar = announcements(market), fiscal_calendar(market)
    issue, column = told.issue[told.is_result], told.column[told.is_result]
    offset = int(np.searchsorted(days, (market.sessions[0] - EPOCH).days))
    place = told.session[told.is_result] + offset
    lasts = np.flatnonzero(np.append(issue[1:] != issue[:-1], True)) if len(issue) else np.arange(0)
    stays = market.listings.last[issue[lasts]] == len(market.sessions) - 1
    lasts = lasts[stays]
    ends = [
        [
            (calendar.period_end(int(i), int(c) + more) - EPOCH).days
            for i, c in zip(issue[lasts], column[lasts], strict=True)
        ]
        for more in (0, 1)
    ]
    lag = days[place[lasts]] - np.array(ends[0], dtype=np.int64)
    coming = np.searchsorted(days, np.array(ends[1], dtype=np.int64) + lag)
    later = np.maximum(coming, offset + len(market.sessions))
    keep = later < len(days) - 10
    return (
        np.concatenate([issue, issue[lasts][keep]]),
        np.concatenate([column, column[lasts][keep] + 1]),
        np.concatenate([place, later[keep]]),
    )
