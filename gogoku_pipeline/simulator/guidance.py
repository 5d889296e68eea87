"""What companies say about the year ahead, and when they change their minds.

With the year's results comes the first forecast of the next year, a little cautious. Later forecasts repeat it until
what is expected has moved by more than a fifth of the operating profit; a revision document always says what is
expected now. One filed together with a quarter's results says what they say. Forecasts are rounded to three figures,
as companies do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.simulator.accounts import Accounts, accounts, expected
from gogoku_pipeline.simulator.announcements import Announcements, announcements
from gogoku_pipeline.simulator.companies import Companies, companies
from gogoku_pipeline.simulator.fiscal import FiscalCalendar, fiscal_calendar
from gogoku_pipeline.simulator.once import once_per_market

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

TOLERANCE = 0.2
LONGEST_YEAR = 6


@dataclass(frozen=True)
class Guidance:
    """Forecasts in force right after each announcement, and those before the first; arrays [announcements].

    Attributes:
        first, last: first and last quarter of the fiscal year that is forecast.
        sales, op: forecast of that year, yen.
        half_sales, half_op: of its first half.
        old_op: operating profit of the forecast for the same year before this announcement, nan for none.
        is_changed: a forecast for the running year that differs from the one before.
        opening_sales, opening_op: forecast before a company's first announcement, shape [issues].
    """

    first: Places
    last: Places
    sales: Floats
    op: Floats
    half_sales: Floats
    half_op: Floats
    old_op: Floats
    is_changed: Flags
    opening_sales: Floats
    opening_op: Floats


@dataclass(frozen=True)
class Outlook:
    """Expected sales and operating profit of fiscal years and of their first halves."""

    sales: Floats
    op: Floats
    half_sales: Floats
    half_op: Floats


@once_per_market
def guidance(market: Market) -> Guidance:
    """The forecasts of a market's companies."""
    traits, book, calendar, told = companies(market), accounts(market), fiscal_calendar(market), announcements(market)
    n = len(told)
    known = np.where(told.is_result, told.column, told.column - 1)
    first = calendar.start[told.issue, known + 1]
    last = calendar.end[told.issue, known + 1]
    values = {name: np.zeros(n) for name in ("sales", "op", "half_sales", "half_op")}
    old_op, is_changed = np.full(n, np.nan), np.zeros(n, dtype=np.bool_)
    state = _opening(traits, book, calendar, told.issue, known)
    opening = state["sales"].copy(), state["op"].copy()
    for wave in told.waves():
        issue = told.issue[wave]
        news = np.where(told.is_result[wave], 0.0, told.surprise[wave])
        seen = _outlook(traits, book, issue, first[wave], last[wave], known[wave], news)
        is_new_year = told.is_result[wave] & (first[wave] == known[wave] + 1)
        moved = np.abs(seen.op - state["op"][issue]) > TOLERANCE * np.abs(state["op"][issue]) + 0.004 * seen.sales
        takes = is_new_year | moved | ~told.is_result[wave]
        caution = np.where(is_new_year, 1.0 - np.sign(seen.op) * traits.caution[issue], 1.0)
        old_op[wave] = np.where(is_new_year, np.nan, state["op"][issue])
        for name, scale in (("sales", 1.0), ("op", caution), ("half_sales", 1.0), ("half_op", caution)):
            fresh = _three_figures(getattr(seen, name) * scale, traits.unit[issue])
            state[name][issue] = np.where(takes, fresh, state[name][issue])
            values[name][wave] = state[name][issue]
        is_changed[wave] = takes & ~is_new_year
    _say_the_same(told, first, values, old_op)
    is_changed &= values["op"] != old_op
    return Guidance(
        first, last, **values, old_op=old_op, is_changed=is_changed, opening_sales=opening[0], opening_op=opening[1]
    )


def net_profit(traits: Companies, issue: Places, sales: Floats, op: Floats) -> tuple[Floats, Floats]:
    """Ordinary and net profit that go with forecast sales and operating profit, rounded like a forecast."""
    ordinary = _three_figures(op + traits.below_line[issue] * sales, traits.unit[issue])
    profit = np.where(ordinary > 0, ordinary * (1.0 - traits.tax[issue]), ordinary * 0.95)
    return ordinary, _three_figures(profit, traits.unit[issue])


def _say_the_same(told: Announcements, first: Places, values: dict[str, Floats], old_op: Floats) -> None:
    """Give revisions filed together with a quarter's results the forecast of those results, in place."""
    together = (np.diff(told.issue) == 0) & (np.diff(told.session) == 0) & (np.diff(first) == 0)
    revision = np.flatnonzero(together & ~told.is_result[:-1] & told.is_result[1:])
    for name in values:
        values[name][revision] = values[name][revision + 1]
    old_op[revision + 1] = values["op"][revision + 1]


def _opening(
    traits: Companies, book: Accounts, calendar: FiscalCalendar, issue: Places, known: Places
) -> dict[str, Floats]:
    """Forecasts in force before a company's first announcement, shape [issues] each."""
    n = len(traits.reports)
    names = ("sales", "op", "half_sales", "half_op")
    state = {name: np.zeros(n) for name in names}
    who, places = np.unique(issue, return_index=True)
    before = np.maximum(known[places] - 1, 4)
    first, last = calendar.start[who, before + 1], calendar.end[who, before + 1]
    seen = _outlook(traits, book, who, first, last, first - 1, np.zeros(len(who)))
    for name in names:
        state[name][who] = _three_figures(getattr(seen, name), traits.unit[who])
    return state


def _outlook(
    traits: Companies, book: Accounts, issue: Places, first: Places, last: Places, known: Places, news: Floats
) -> Outlook:
    """What a fiscal year looks like when `known` is the last reported quarter and `news` tells about the next one."""
    total = {name: np.zeros(len(issue)) for name in ("sales", "op", "half_sales", "half_op")}
    for step in range(LONGEST_YEAR):
        column = np.minimum(first + step, last)
        sales, op = expected(traits, book, issue, np.maximum(column, known + 1), known)
        op = op + np.where(column == known + 1, traits.margin_scale[issue] * news * sales, 0.0)
        is_known = column <= known
        sales = np.where(is_known, book.sales[issue, column], sales)
        op = np.where(is_known, book.op[issue, column], op)
        inside = first + step <= last
        total["sales"] += np.where(inside, sales, 0.0)
        total["op"] += np.where(inside, op, 0.0)
        if step < 2:
            total["half_sales"] += np.where(inside, sales, 0.0)
            total["half_op"] += np.where(inside, op, 0.0)
    return Outlook(**total)


def _three_figures(values: Floats, unit: Floats) -> Floats:
    """Rounded to three significant figures, never finer than the unit."""
    size = np.floor(np.log10(np.maximum(np.abs(values), 1.0)))
    step = np.maximum(10.0 ** (size - 2.0), unit)
    return np.asarray(np.rint(values / step) * step, dtype=np.float64)
