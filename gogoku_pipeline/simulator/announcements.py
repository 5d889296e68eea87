"""The disclosures of a market company by company: results and forecast revisions, with the quarter each is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.simulator.fiscal import fiscal_calendar, month_numbers
from gogoku_pipeline.simulator.once import once_per_market

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Announcements:
    """Disclosures sorted by (issue, session, minute); arrays [announcements] unless said.

    Attributes:
        issue, session: places.
        minute: minute of the day, -1 where the time is missing.
        column: quarter it is about: the reported one, for a revision the next one to be reported.
        is_result: results; otherwise a revision of the forecast.
        surprise: how far the company did better than it had said, in standard deviations.
        rank: 0 for an issue's first announcement, 1 for its second ...
        news: surprises added up per quarter, shape [issues, columns]; 0 where nothing was announced.
        has_news: quarters that were announced, shape [issues, columns].
    """

    issue: Places
    session: Places
    minute: Places
    column: Places
    is_result: npt.NDArray[np.bool_]
    surprise: Floats
    rank: Places
    news: Floats
    has_news: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.issue)

    def waves(self) -> Iterator[Places]:
        """All first announcements, then all second ones, and so on: within a wave no issue appears twice."""
        order = np.argsort(self.rank, kind="stable")
        stops = np.searchsorted(self.rank[order], np.arange(int(self.rank.max(initial=-1)) + 2))
        for begin, stop in zip(stops[:-1], stops[1:], strict=True):
            yield order[begin:stop]


@once_per_market
def announcements(market: Market) -> Announcements:
    """The disclosures of a market, in the order in which each company makes them."""
    reports, calendar = market.reports, fiscal_calendar(market)
    issue = np.asarray(reports.issue, dtype=np.int64)
    session = np.asarray(reports.session, dtype=np.int64)
    minute = np.asarray(reports.minute, dtype=np.int64)
    is_result = ~np.asarray(reports.is_revision, dtype=np.bool_)
    order = np.lexsort((is_result, np.where(minute < 0, 24 * 60, minute), session, issue))
    issue, session, minute, is_result = issue[order], session[order], minute[order], is_result[order]
    own = (month_numbers(reports.period_end)[order] - calendar.base) // 3
    column = _next_results(issue, np.where(is_result, own, -1))
    column = np.where(column < 0, own, column)
    surprise = np.asarray(reports.surprise, dtype=np.float64)[order]
    news = np.zeros((len(market.codes), calendar.columns))
    np.add.at(news, (issue, column), surprise)
    has_news = np.zeros_like(news, dtype=np.bool_)
    has_news[issue, column] = True
    first = np.searchsorted(issue, issue)
    rank = np.arange(len(issue)) - first
    return Announcements(issue, session, minute, column, is_result, surprise, rank, news, has_news)


def _next_results(issue: Places, column: Places) -> Places:
    """Quarter of the next results of the same issue where `column` is -1, one after its last where none follow."""
    filled = column.copy()
    for place in range(len(filled) - 2, -1, -1):
        if filled[place] < 0 and issue[place + 1] == issue[place] and filled[place + 1] >= 0:
            filled[place] = filled[place + 1]
    for place in range(1, len(filled)):
        if filled[place] < 0 and issue[place - 1] == issue[place]:
            filled[place] = filled[place - 1] + (1 if column[place - 1] >= 0 else 0)
    return filled
