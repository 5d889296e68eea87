"""Lines: a figure filed year to date, added up over adjoining fiscal years, and differences of it by date.

A *line* is one figure over a chain of adjoining fiscal years of one basis (consolidation, standard, currency): at
every period end known, the totals of the chain's completed years plus the year to date. Differences of a line are
what happened in between; a chain ends where a year's total is not known, and no difference crosses that.
Kernels: days are days since 1970-01-01, amounts float64 with NaN for unknown. Source: features.md 2.5.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Values, Whole

END, START, YEAR_END, AGO, BASIS, ORDER = range(6)
"""Columns of `when`: last day of the period, first and last day of its fiscal year, the day twelve months before the
period's last one, number of the basis, rank by disclosure."""

CHAIN, POINT_AGO, KIND = range(1, 4)
"""Columns of a line's points, after the day."""

IN_YEAR, CLOSES, OPENS = range(3)
"""Kinds of points: inside a fiscal year; its last day; the day before a chain's first year, where the line is 0."""

TOLERANCE_DAYS = 10
SHORTEST_QUARTER, LONGEST_QUARTER = 75, 105
REACH = 1830
"""Days before the newest period end that are looked at: nothing needs more than 13 quarters and a year."""


@compiled
def line(held: Whole, when: Whole, figures: Values, item: int) -> tuple[Whole, Values]:
    """The line of a figure on the newest document's basis: points [known, 4] (day, chain, year ago, kind), values."""
    newest = held[-1]
    points, values = np.empty((2 * held.size, 4), np.int64), np.empty(2 * held.size)
    count, chains = 0, 0
    for doc in held:
        known = figures[doc, item] == figures[doc, item] and when[doc, BASIS] == when[newest, BASIS]
        if not known or when[doc, END] < when[newest, END] - REACH:
            continue
        begins = when[doc, START] - 1
        at = -1
        for k in range(count):
            if points[k, END] == begins and points[k, KIND] != IN_YEAR:
                at = k
        if at < 0:
            at, count, chains = count, count + 1, chains + 1
            points[at], values[at] = (begins, chains, 0, OPENS), 0.0
        kind = CLOSES if when[doc, END] == when[doc, YEAR_END] else IN_YEAR
        points[count] = (when[doc, END], points[at, CHAIN], when[doc, AGO], kind)
        values[count] = values[at] + figures[doc, item]
        count += 1
    return points[:count], values[:count]


@compiled
def reported(points: Whole, day: int, tolerance: int) -> int:
    """The period end nearest to a day, in any chain; -1 for none within the tolerance."""
    best, distance = -1, tolerance + 1
    for k in range(points.shape[0]):
        gap = abs(points[k, END] - day)
        if points[k, KIND] != OPENS and gap < tolerance + 1 and gap <= distance:
            best, distance = k, gap
    return best


@compiled
def in_chain(points: Whole, day: int, chain: int) -> int:
    """The point of a chain nearest to a day, its start included; -1 for none within ten days."""
    best, distance = -1, TOLERANCE_DAYS + 1
    for k in range(points.shape[0]):
        gap = abs(points[k, END] - day)
        if points[k, CHAIN] == chain and gap < distance:
            best, distance = k, gap
    return best


@compiled
def twelve_months(points: Whole, values: Values, at: int) -> tuple[float, int]:
    """What happened in the twelve months to a period end, and the point where they begin (-1: not known)."""
    if at < 0 or points[at, KIND] == OPENS:
        return np.nan, -1
    k = in_chain(points, points[at, POINT_AGO], points[at, CHAIN])
    return (values[at] - values[k], k) if k >= 0 else (np.nan, -1)


@compiled
def quarter(points: Whole, values: Values, at: int) -> float:
    """What happened since the period end before, when that is a quarter ago."""
    best = -1
    for k in range(points.shape[0]):
        earlier = points[k, CHAIN] == points[at, CHAIN] and points[k, END] < points[at, END]
        if earlier and (best < 0 or points[k, END] > points[best, END]):
            best = k
    if best < 0:
        return np.nan
    days = points[at, END] - points[best, END]
    return values[at] - values[best] if SHORTEST_QUARTER <= days <= LONGEST_QUARTER else np.nan


@compiled
def quarter_ago(points: Whole, values: Values, at: int) -> float:
    """The quarter that ended twelve months earlier, by date."""
    k = reported(points, points[at, POINT_AGO], TOLERANCE_DAYS)
    return quarter(points, values, k) if k >= 0 else np.nan
