"""Fiscal calendars: which quarter belongs to which fiscal year of which company, and on which days it ends.

Quarters are *columns* on one axis for all companies: column c of a company with phase p ends with the month
`base + 3 c + p`. A few companies once move their year end: that year has three, five or six quarters, and its later
quarters are called 4Q and 5Q. Columns begin some years before the market, because last year's figures are needed.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.once import once_per_market

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Places = npt.NDArray[np.int64]
YEARS_BEFORE, YEARS_AFTER = 5, 2
SHIFTS = (-1, 1, 2)
"""Moves of a year end in quarters: a year of 9, 15 or 18 months."""


@dataclass(frozen=True)
class FiscalCalendar:
    """Quarters and fiscal years of all issues.

    Attributes:
        base: month that column 0 ends with for phase 0, counted from year 0.
        phase: months between that and the issue's own quarter ends, 0 to 2, shape [issues].
        start, end: first and last column of the fiscal year a quarter belongs to, shape [issues, columns].
        moved: issues that move their year end once.
        sessions: the market's sessions.
    """

    base: int
    phase: Places
    start: Places
    end: Places
    moved: tuple[int, ...]
    sessions: list[date]

    @property
    def columns(self) -> int:
        """How many quarters there are."""
        return int(self.start.shape[1])

    def period_end(self, issue: int, column: int) -> date:
        """Last day of a quarter."""
        return month_end(self.base + 3 * column + int(self.phase[issue]))

    def year_start(self, issue: int, column: int) -> date:
        """First day of the fiscal year a quarter belongs to."""
        return self.period_end(issue, int(self.start[issue, column]) - 1) + timedelta(days=1)

    def year_end(self, issue: int, column: int) -> date:
        """Last day of the fiscal year a quarter belongs to."""
        return self.period_end(issue, int(self.end[issue, column]))

    def label(self, issue: int, column: int) -> str:
        """1Q .. 5Q, or FY for the last quarter of a fiscal year."""
        if column == self.end[issue, column]:
            return "FY"
        return f"{column - int(self.start[issue, column]) + 1}Q"

    @cached_property
    def end_places(self) -> Places:
        """Place of the newest session at each quarter's end, -1 before the market, shape [issues, columns]."""
        ends = [[month_end(self.base + 3 * c + phase) for c in range(self.columns)] for phase in range(3)]
        places = np.array([[bisect_right(self.sessions, day) - 1 for day in row] for row in ends], dtype=np.int64)
        return places[self.phase]


@once_per_market
def fiscal_calendar(market: Market) -> FiscalCalendar:
    """The fiscal calendars of a market, taken from its disclosures."""
    reports, n = market.reports, len(market.codes)
    base = 12 * (market.sessions[0].year - YEARS_BEFORE)
    columns = 4 * (market.sessions[-1].year - market.sessions[0].year + 1 + YEARS_BEFORE + YEARS_AFTER)
    phase = np.full(n, 2, dtype=np.int64)
    rest = np.zeros(n, dtype=np.int64)
    issue = np.asarray(reports.issue, dtype=np.int64)
    year_end = month_numbers(reports.fiscal_year_end) - base
    phase[issue], rest[issue] = year_end % 3, (year_end // 3) % 4
    axis = np.arange(columns)
    end = axis + (rest[:, None] - axis) % 4
    start = end - 3
    reported = (month_numbers(reports.period_end) - base) // 3
    first, last = np.full(n, columns), np.zeros(n, dtype=np.int64)
    np.minimum.at(first, issue, reported)
    np.maximum.at(last, issue, reported)
    moved = _movers(market.config.seed, np.unique(issue))
    for number, place in enumerate(moved):
        _move_year_end(start[place], end[place], int(first[place] + last[place]) // 2 - 1, SHIFTS[number % len(SHIFTS)])
    return FiscalCalendar(base, phase, np.maximum(start, 0), end, moved, market.sessions)


def month_numbers(days: object) -> Places:
    """Months since year 0 of calendar days."""
    values = np.asarray(days, dtype="datetime64[M]").astype(np.int64) + 1970 * 12
    return np.asarray(values, dtype=np.int64)


def month_end(month: int) -> date:
    """Last day of a month counted from year 0."""
    following = month + 1
    return date(following // 12, following % 12 + 1, 1) - timedelta(days=1)


def _movers(seed: int, issues: Places) -> tuple[int, ...]:
    """One company for each kind of move, and one per 500 companies in large markets."""
    count = min(len(issues), max(len(SHIFTS), len(issues) // 500))
    return tuple(stream(seed, "year-end-moves").choice(issues, size=count, replace=False).tolist())


def _move_year_end(start: Places, end: Places, around: int, shift: int) -> None:
    """Move one company's year end near a column, in place."""
    column = int(end[max(around, 4)])
    first, stop = int(start[column]), column + shift
    axis = np.arange(len(end))
    later = axis > stop
    end[later] = (axis + (column + shift - axis) % 4)[later]
    start[later] = end[later] - 3
    end[first : stop + 1] = stop
    start[first : stop + 1] = first
