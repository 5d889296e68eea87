"""/equities/valuation: what the market pays for profit and equity, from the documents disclosed before the day.

Profit is that of the last twelve months, the forecast that of the running year; shares are those of the day without
the company's own. Funds, and issues that have not reported yet, have only a market value or nothing at all.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.simulator.announcements import announcements
from gogoku_pipeline.simulator.book import Book
from gogoku_pipeline.simulator.companies import companies
from gogoku_pipeline.simulator.documents import EPOCH, PROFIT_REVISION, RESULTS
from gogoku_pipeline.simulator.filings import Archive, archive
from gogoku_pipeline.simulator.guidance import net_profit
from gogoku_pipeline.simulator.once import once_per_market
from gogoku_pipeline.simulator.prints import cells_of_day, day_prints
from gogoku_pipeline.simulator.publication import newest_bars

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

KEYS = ("Date", "Code", "EPS", "FwdEPS", "BPS", "ROE", "FwdROE", "PER", "FwdPER", "PBR", "MktCap")
DAYS = 100_000


@dataclass(frozen=True)
class Known:
    """Figures that become known one after the other; before an issue's first row stands what was known before it.

    Attributes:
        key: issue x 100,000 + disclosure day, ascending, shape [rows].
        values: figures, shape [figures, rows].
        before: figures known before an issue's first row, nan for none, shape [figures, issues].
    """

    key: Places
    values: Floats
    before: Floats

    def until(self, day: int) -> Floats:
        """Figures of all issues from rows disclosed before a day, shape [figures, issues]."""
        issues = np.arange(self.before.shape[1])
        place = np.searchsorted(self.key, issues * DAYS + day) - 1
        is_known = (place >= 0) & (self.key[np.maximum(place, 0)] // DAYS == issues) if len(self.key) else place >= 0
        values = self.values[:, np.maximum(place, 0)] if len(self.key) else self.before
        return np.where(is_known, values, self.before)


def rows_of_day(market: Market, day: date, now: datetime) -> pl.DataFrame:
    """Every listed issue of a session, from 16:30 on."""
    place = bisect_left(market.sessions, day)
    if place > newest_bars(market, now) or market.sessions[place] != day:
        return pl.DataFrame(schema=dict.fromkeys(KEYS, pl.String))
    cells = cells_of_day(market, place, place)
    prints = day_prints(market, cells)
    on = cells.issues
    price = np.where(prints.traded, prints.prices["C"], np.nan)
    shares = market.listings.shares[on] / cells.basis
    profit, equity, treasury = (values[on] for values in _reported(market).until((day - EPOCH).days))
    forecast = _forecast(market).until((day - EPOCH).days)[0][on]
    per_share = 1.0 / (shares * (1.0 - treasury))
    eps, ahead, bps = profit * per_share, forecast * per_share, equity * per_share
    value = np.where(market.listings.is_fund[on], np.nan, np.floor(shares * price / 1e6))
    columns = {
        "EPS": np.round(eps, 2),
        "FwdEPS": np.round(ahead, 2),
        "BPS": np.round(bps, 2),
        "ROE": np.round(profit / equity, 4),
        "FwdROE": np.round(forecast / equity, 4),
        "PER": _multiple(price, eps),
        "FwdPER": _multiple(price, ahead),
        "PBR": _multiple(price, bps),
        "MktCap": value,
    }
    frame = {"Date": pl.Series([day.isoformat()] * len(on)), "Code": pl.Series(market.codes).gather(on)}
    return pl.DataFrame(frame | {name: pl.Series(values, nan_to_null=True) for name, values in columns.items()})


def version(market: Market, day: date, now: datetime) -> Hashable:
    """Changes once, when the day comes out."""
    place = bisect_left(market.sessions, day)
    return place <= newest_bars(market, now)


@once_per_market
def _reported(market: Market) -> Known:
    """Twelve months' profit, equity and the share of own stock, results by results."""
    papers = archive(market)
    filed, told = papers.documents, papers.told
    order = _in_order(papers, filed.kind == RESULTS)
    event = filed.event[order]
    issue, column = told.issue[event], told.column[event]
    year_to_date = np.zeros(len(event))
    for step in range(6):
        at = np.maximum(column - step, 0)
        inside = column - step >= papers.calendar.start[issue, column]
        year_to_date += np.where(inside, papers.book.np[issue, at], 0.0)
    misprint = np.rint(year_to_date * filed.slip[order] / papers.traits.unit[issue]) * papers.traits.unit[issue]
    values = _figures(papers, issue, column)
    values[:2] += misprint
    before = np.full((3, len(market.codes)), np.nan)
    who, first = _early(market)
    before[:, who] = _figures(papers, who, first)
    return Known(told.issue[event] * DAYS + filed.day[order], values, before)


@once_per_market
def _forecast(market: Market) -> Known:
    """Net profit forecast for the running year."""
    papers, traits = archive(market), companies(market)
    filed, told = papers.documents, papers.told
    order = _in_order(papers, (filed.kind == RESULTS) | (filed.kind == PROFIT_REVISION))
    event = filed.event[order]
    issue = told.issue[event]
    in_yen = papers.plan.first[event] < traits.dollars_from[issue]
    values = np.where(traits.guides[issue] & in_yen, papers.plan_np[event], np.nan)
    before = np.full(len(market.codes), np.nan)
    who, _ = _early(market)
    _, opening = net_profit(traits, who, papers.plan.opening_sales[who], papers.plan.opening_op[who])
    before[who] = np.where(traits.guides[who], opening, np.nan)
    return Known(issue * DAYS + filed.day[order], values[None, :], before[None, :])


def _figures(papers: Archive, issue: Places, column: Places) -> Floats:
    """Twelve months' profit, equity and own stock at a quarter's end; nan for figures in dollars."""
    profit = sum((papers.book.np[issue, np.maximum(column - step, 0)] for step in range(4)), np.zeros(len(issue)))
    in_yen = column < papers.traits.dollars_from[issue]
    figures = [profit, papers.book.equity[issue, column], papers.book.treasury[issue, column]]
    return np.where(in_yen, np.stack(figures), np.nan)


def _in_order(papers: Archive, chosen: npt.NDArray[np.bool_]) -> Places:
    """Chosen documents by issue, day and number."""
    filed, places = papers.documents, np.flatnonzero(chosen)
    issue = papers.told.issue[filed.event[places]]
    return np.asarray(places[np.lexsort((filed.number[places], filed.day[places], issue))], dtype=np.int64)


def _early(market: Market) -> tuple[Places, Places]:
    """Companies listed from the first session on, and the quarter they had reported by then."""
    told = announcements(market)
    who, first = np.unique(told.issue, return_index=True)
    early = market.listings.first[who] == 0
    return who[early], told.column[first][early] - 1


def _multiple(price: Floats, figure: Floats) -> Floats:
    """Price over a figure per share; nothing for losses."""
    return np.round(price / np.where(figure > 0, figure, np.nan), 2)


BOOK = Book(
    path="/equities/valuation",
    lowest_plan="free",
    starts=date(2008, 5, 7),
    day=rows_of_day,
    keys=KEYS,
    version=version,
)
