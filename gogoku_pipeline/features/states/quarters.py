"""What is known of a company's results after each of its documents: quarters, twelve months, years, balances.

`replay` walks through the documents as they became usable, keeps the newest version of every period and states, after
each document, everything that follows from them. Kernels as in `lines`. Source: features.md 2.5 and 3.17.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Values, Whole
from gogoku_pipeline.features.states.lines import (
    AGO,
    BASIS,
    END,
    KIND,
    OPENS,
    ORDER,
    REACH,
    START,
    TOLERANCE_DAYS,
    YEAR_END,
    line,
    quarter,
    quarter_ago,
    reported,
    twelve_months,
)

FIGURES = (
    "sales_jpy",
    "operating_profit_jpy",
    "profit_jpy",
    "operating_cash_flow_jpy",
    "investing_cash_flow_jpy",
    "total_assets_jpy",
    "equity_jpy",
    "equity_ratio",
    "cash_jpy",
)
SALES, OP, NP, CFO, CFI, TA, EQ, EQAR, CASH = range(9)
"""Columns of `figures`."""

OUTPUTS = (
    *("sales_q", "sales_q4", "sales_ttm", "sales_ttm_before", "sue_sales"),
    *("op_q", "op_q4", "op_ttm", "op_ttm_before", "sue_op"),
    *("np_ttm", "np_q_sd8", "cfo_ttm", "cfi_ttm", "np_ttm_cfo"),
    *("op_ytd", "op_ytd_before", "op_year_before", "op_last_year", "sales_last_year"),
    *("total_assets", "total_assets_before", "equity", "equity_before", "equity_ratio"),
    *("cash", "cash_total_assets", "cash_equity", "period_end", "year_end"),
)
"""Columns of what `replay` returns."""

ONE_YEAR, TWO_YEARS = 366 + TOLERANCE_DAYS, 731 + TOLERANCE_DAYS
EIGHT_QUARTERS = 690
"""Eight quarters ending within this many days: the eighth ends some 640 days before the newest, the ninth 730."""

SEASONS, FEWEST_SEASONS, FEWEST_QUARTERS = 8, 4, 6
NEGLIGIBLE = 1e-13


def replay(firsts: Whole, when: Whole, figures: Values) -> Values:
    """What is known after each document.

    Args:
        firsts: [companies + 1] where each company's documents begin.
        when: [documents, 6] period end, first and last day of the fiscal year, the day twelve months before the period
            end, basis, order; each company's documents in the order in which they became usable.
        figures: [documents, FIGURES] as filed, NaN for blank.

    Returns:
        [documents, OUTPUTS], NaN for unknown.
    """
    return np.asarray(_replay(firsts, when, figures, len(OUTPUTS)))


@compiled
def _replay(firsts: Whole, when: Whole, figures: Values, columns: int) -> Values:
    out = np.full((when.shape[0], columns), np.nan)
    for company in range(firsts.size - 1):
        held = np.empty(firsts[company + 1] - firsts[company], np.int64)
        count = 0
        for doc in range(firsts[company], firsts[company + 1]):
            count = _hold(held, count, doc, when)
            _state(held[:count], when, figures, out[doc])
    return out


@compiled
def _hold(held: Whole, count: int, doc: int, when: Whole) -> int:
    """Put a document among the newest versions of all periods, sorted by period end; returns how many there are."""
    for place in range(count):
        other = held[place]
        if when[other, END] == when[doc, END] and when[other, START] == when[doc, START]:
            if when[doc, ORDER] > when[other, ORDER]:
                held[place] = doc
            return count
    place = count
    while place > 0 and (
        when[held[place - 1], END] > when[doc, END]
        or (when[held[place - 1], END] == when[doc, END] and when[held[place - 1], START] > when[doc, START])
    ):
        held[place] = held[place - 1]
        place -= 1
    held[place] = doc
    return count + 1


@compiled
def _state(held: Whole, when: Whole, figures: Values, out: Values) -> None:
    """One row of outputs."""
    newest = held[-1]
    points, values = line(held, when, figures, SALES)
    _flow(points, values, when[newest, END], out[0:5])
    points, values = line(held, when, figures, OP)
    _flow(points, values, when[newest, END], out[5:10])
    points, values = line(held, when, figures, NP)
    _profit(points, values, when[newest, END], out[10:12])
    _cash_flow(held, when, figures, points, values, out[12:15])
    _years(held, when, figures, out[15:20])
    out[20], out[21] = _balance(held, when, figures, TA)
    out[22], out[23] = _balance(held, when, figures, EQ)
    out[24], _ = _balance(held, when, figures, EQAR)
    doc = _newest_with(held, when, figures, CASH)
    if doc >= 0:
        out[25], out[26], out[27] = figures[doc, CASH], figures[doc, TA], figures[doc, EQ]
    out[28], out[29] = when[newest, END], when[newest, YEAR_END]


@compiled
def _flow(points: Whole, values: Values, newest: int, out: Values) -> None:
    """Quarter, quarter a year ago, twelve months, twelve months before, standardised seasonal change."""
    at = reported(points, newest, 0)
    if at < 0:
        return
    out[0], out[1] = quarter(points, values, at), quarter_ago(points, values, at)
    out[2], before = twelve_months(points, values, at)
    out[3], _ = twelve_months(points, values, before)
    seasons = np.empty(SEASONS)
    known = 0
    for k in range(at - 1, -1, -1):
        inside = points[k, KIND] != OPENS and newest - TWO_YEARS <= points[k, END] < newest
        if inside and known < SEASONS:
            change = quarter(points, values, k) - quarter_ago(points, values, k)
            if change == change:
                seasons[known] = change
                known += 1
    if known >= FEWEST_SEASONS:
        out[4] = (out[0] - out[1]) / _deviation(seasons[:known])


@compiled
def _deviation(values: Values) -> float:
    """Standard deviation (ddof 1); NaN where it is rounding only."""
    center = 0.0
    for value in values:
        center += value / values.size
    squares, size = 0.0, 0.0
    for value in values:
        squares += (value - center) ** 2
        size = max(size, abs(value))
    spread = np.sqrt(squares / (values.size - 1))
    return spread if spread > NEGLIGIBLE * size else np.nan


@compiled
def _profit(points: Whole, values: Values, newest: int, out: Values) -> None:
    """Twelve months, and the deviation of single quarters."""
    at = reported(points, newest, 0)
    if at < 0:
        return
    out[0], _ = twelve_months(points, values, at)
    quarters = np.empty(points.shape[0])
    known = 0
    for k in range(at, -1, -1):
        if points[k, KIND] != OPENS and points[k, END] >= newest - EIGHT_QUARTERS:
            value = quarter(points, values, k)
            if value == value:
                quarters[known] = value
                known += 1
    if known >= FEWEST_QUARTERS:
        out[1] = _deviation(quarters[:known])


@compiled
def _cash_flow(held: Whole, when: Whole, figures: Values, profits: Whole, profit_values: Values, out: Values) -> None:
    """Cash flows and profit of the newest twelve months for which the operating cash flow is known."""
    newest = when[held[-1], END]
    points, values = line(held, when, figures, CFO)
    for k in range(points.shape[0] - 1, -1, -1):
        if points[k, END] < newest - ONE_YEAR:
            return
        out[0], _ = twelve_months(points, values, k)
        if out[0] == out[0]:
            investing, investing_values = line(held, when, figures, CFI)
            out[1], _ = twelve_months(investing, investing_values, reported(investing, points[k, END], 0))
            out[2], _ = twelve_months(profits, profit_values, reported(profits, points[k, END], 0))
            return


@compiled
def _years(held: Whole, when: Whole, figures: Values, out: Values) -> None:
    """Operating profit to date, the same a year earlier, that whole year; profit and sales of the last full year.

    Years of one basis only; years of different lengths are not set against each other.
    """
    newest = held[-1]
    elapsed = when[newest, END] - when[newest, START]
    length = when[newest, YEAR_END] - when[newest, START]
    running = when[newest, END] != when[newest, YEAR_END]
    if running:
        out[0] = figures[newest, OP]
    for doc in held:
        if when[doc, BASIS] != when[newest, BASIS] or when[doc, END] < when[newest, END] - REACH:
            continue
        closes = when[doc, END] == when[doc, YEAR_END]
        if closes:
            out[3], out[4] = figures[doc, OP], figures[doc, SALES]
        is_previous = when[doc, YEAR_END] == when[newest, START] - 1
        as_long = abs(when[doc, YEAR_END] - when[doc, START] - length) <= TOLERANCE_DAYS
        if not (running and is_previous and as_long):
            continue
        if closes:
            out[2] = figures[doc, OP]
        elif abs(when[doc, END] - when[doc, START] - elapsed) <= TOLERANCE_DAYS:
            out[1] = figures[doc, OP]


@compiled
def _newest_with(held: Whole, when: Whole, figures: Values, item: int) -> int:
    """The newest document with a figure, not older than twelve months before the newest one; -1 for none."""
    for place in range(held.size - 1, -1, -1):
        doc = held[place]
        if when[doc, END] < when[held[-1], END] - ONE_YEAR:
            break
        if figures[doc, item] == figures[doc, item]:
            return int(doc)
    return -1


@compiled
def _balance(held: Whole, when: Whole, figures: Values, item: int) -> tuple[float, float]:
    """A balance in the newest document with it, and twelve months before that one."""
    newest = _newest_with(held, when, figures, item)
    if newest < 0:
        return np.nan, np.nan
    before = np.nan
    for doc in held:
        same = when[doc, BASIS] == when[newest, BASIS]
        if same and abs(when[doc, END] - when[newest, AGO]) <= TOLERANCE_DAYS:
            before = figures[doc, item]
    return figures[newest, item], before
