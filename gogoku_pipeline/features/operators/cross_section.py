"""Cross-sections: one session's stocks against each other, always over the universe U of that session.

`reduce` operators turn all members of a session (or of a sector on a session) into one value; `cross` operators give
each member its own. Stocks are visited in code order and every session has its own accumulator, so a value never
depends on row order, on other sessions or on where the frame begins.

Kernels take x [rows] float64 (NaN = null), `member` [rows] bool, `cell` [rows] int64 (number of the session or of the
session-and-sector; -1 for none) and the number of cells.
Ranks: average ties over the non-null count N, (rank - 1) / (N - 1); all equal gives 0.5, N = 1 gives null
(golden example G5). Leave-one-out mean: (S - x_i) / (N - 1), null for N < 3 (golden example G6).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gogoku_pipeline.features.expressions import Claims, Expr, Values, Whole
from gogoku_pipeline.features.operators.ordering import ascending
from gogoku_pipeline.features.operators.windows import compiled


def members_mean(x: Expr) -> Expr:
    """Mean of x over the members of the session (market series) or of the sector (group series)."""
    return Expr("members_mean", "reduce", (x,), (), _cell_mean_kernel)


def members_total(x: Expr) -> Expr:
    """Sum of x over the members that have it; null where no member has."""
    return Expr("members_total", "reduce", (x,), (), _cell_total_kernel)


def members_deviation(x: Expr) -> Expr:
    """Standard deviation (ddof 1) of x over the members."""
    return Expr("members_deviation", "reduce", (x,), (), _cell_deviation_kernel)


def members_median(x: Expr) -> Expr:
    """The middle value of x over the members, of an even number the mean of the two middle ones."""
    return Expr("members_median", "reduce", (x,), (), _cell_median_kernel)


def members_count(x: Expr) -> Expr:
    """How many members have a value of x."""
    return Expr("members_count", "reduce", (x,), (), cell_count_kernel)


def leave_one_out_mean(x: Expr, by: str) -> Expr:
    """Mean of x over the other members of the stock's own sector; `by` is `sector33` or `sector17`."""
    return Expr("leave_one_out_mean", "cross", (x,), (by,), _leave_one_out_kernel)


def others_total(x: Expr, by: str) -> Expr:
    """Sum of x over the other members of the stock's own sector that have it; null where none of the others has."""
    return Expr("others_total", "cross", (x,), (by,), _others_total_kernel)


def is_among_largest(x: Expr, by: str, percent: int, least: int) -> Expr:
    """1 for members whose x is among the largest `percent` of its sector's N values, 0 for the others that have x.

    The number taken is N * percent / 100 rounded down, at least `least`; members that tie with the last one taken are
    taken too, so codes decide nothing. Null with fewer than `least` values.
    """
    return Expr("is_among_largest", "cross", (x,), (by, percent, least), _largest_of(percent, least))


def rank_0_1(x: Expr, by: str = "session") -> Expr:
    """Position of x among the members, 0 for the lowest to 1 for the highest, ties sharing their average."""
    return Expr("rank_0_1", "cross", (x,), (by,), _rank_kernel)


@compiled
def cell_sums(x: Values, member: Claims, cell: Whole, cells: int) -> tuple[Values, Values]:
    """Sum and count of the members per cell."""
    s = np.zeros(cells)
    c = np.zeros(cells)
    for i in range(x.size):
        if member[i] and cell[i] >= 0 and x[i] == x[i]:
            s[cell[i]] += x[i]
            c[cell[i]] += 1.0
    return s, c


@compiled
def _cell_mean_kernel(x: Values, member: Claims, cell: Whole, cells: int) -> Values:
    s, c = cell_sums(x, member, cell, cells)
    return np.asarray(s / c)


@compiled
def _cell_total_kernel(x: Values, member: Claims, cell: Whole, cells: int) -> Values:
    s, c = cell_sums(x, member, cell, cells)
    for k in range(cells):
        if c[k] == 0.0:
            s[k] = np.nan
    return np.asarray(s)


@compiled
def cell_count_kernel(x: Values, member: Claims, cell: Whole, cells: int) -> Values:
    """Count of the members with a value per cell."""
    _, c = cell_sums(x, member, cell, cells)
    return np.asarray(c)


@compiled
def _cell_deviation_kernel(x: Values, member: Claims, cell: Whole, cells: int) -> Values:
    s, c = cell_sums(x, member, cell, cells)
    ss = np.zeros(cells)
    for i in range(x.size):
        if member[i] and cell[i] >= 0 and x[i] == x[i]:
            d = x[i] - s[cell[i]] / c[cell[i]]
            ss[cell[i]] += d * d
    out = np.full(cells, np.nan)
    for k in range(cells):
        if c[k] > 1:
            out[k] = np.sqrt(ss[k] / (c[k] - 1.0))
    return out


@compiled
def _leave_one_out_kernel(x: Values, member: Claims, cell: Whole, cells: int) -> Values:
    s, c = cell_sums(x, member, cell, cells)
    out = np.full(x.size, np.nan)
    for i in range(x.size):
        if member[i] and cell[i] >= 0 and x[i] == x[i] and c[cell[i]] >= 3:
            out[i] = (s[cell[i]] - x[i]) / (c[cell[i]] - 1.0)
    return out


@compiled
def _others_total_kernel(x: Values, member: Claims, cell: Whole, cells: int) -> Values:
    s, c = cell_sums(x, member, cell, cells)
    out = np.full(x.size, np.nan)
    for i in range(x.size):
        if member[i] and cell[i] >= 0 and c[cell[i]] > (x[i] == x[i]):
            out[i] = s[cell[i]] - (x[i] if x[i] == x[i] else 0.0)
    return out


@compiled
def _grouped(x: Values, member: Claims, cell: Whole, cells: int) -> tuple[Whole, Values]:
    """Members with a value, cell after cell in one piece each, in row order: where each cell begins, their values."""
    first = np.zeros(cells + 1, np.int64)
    for i in range(x.size):
        if member[i] and cell[i] >= 0 and x[i] == x[i]:
            first[cell[i] + 1] += 1
    for k in range(cells):
        first[k + 1] += first[k]
    fill = first[:-1].copy()
    values = np.empty(first[cells])
    for i in range(x.size):
        if member[i] and cell[i] >= 0 and x[i] == x[i]:
            values[fill[cell[i]]] = x[i]
            fill[cell[i]] += 1
    return first, values


@compiled
def _to_rows(grouped: Values, first: Whole, x: Values, member: Claims, cell: Whole) -> Values:
    """What was worked out cell after cell, as `_grouped` lays values out, back on the rows; NaN on the others."""
    out, fill = np.full(x.size, np.nan), first[:-1].copy()
    for i in range(x.size):
        if member[i] and cell[i] >= 0 and x[i] == x[i]:
            out[i] = grouped[fill[cell[i]]]
            fill[cell[i]] += 1
    return out


@compiled
def _cell_median_kernel(x: Values, member: Claims, cell: Whole, cells: int) -> Values:
    first, values = _grouped(x, member, cell, cells)
    out = np.full(cells, np.nan)
    for k in range(cells):
        own = np.sort(values[first[k] : first[k + 1]])
        if own.size > 0:
            out[k] = (own[(own.size - 1) // 2] + own[own.size // 2]) / 2.0
    return out


@compiled
def _rank_kernel(x: Values, member: Claims, cell: Whole, cells: int) -> Values:
    first, values = _grouped(x, member, cell, cells)
    ranks = np.full(values.size, np.nan)
    for k in range(cells):
        if first[k + 1] - first[k] > 1:
            _ranks(values[first[k] : first[k + 1]], ranks[first[k] : first[k + 1]])
    return np.asarray(_to_rows(ranks, first, x, member, cell))


@compiled
def _ranks(own: Values, out: Values) -> None:
    """Average ranks of at least two values, 0 for the lowest to 1 for the highest."""
    order = ascending(own)
    low = 0
    while low < order.size:
        high = low
        while high + 1 < order.size and own[order[high + 1]] == own[order[low]]:
            high += 1
        for j in range(low, high + 1):
            out[order[j]] = (low + high) / 2.0 / (order.size - 1.0)
        low = high + 1


def _largest_of(percent: int, least: int) -> Callable[..., Values]:
    """The kernel for one share: comparisons between stocks are called with their cells alone."""

    def kernel(x: Values, member: Claims, cell: Whole, cells: int) -> Values:
        return np.asarray(_largest_kernel(x, member, cell, cells, percent, least))

    return kernel


@compiled
def _largest_kernel(x: Values, member: Claims, cell: Whole, cells: int, percent: int, least: int) -> Values:
    first, values = _grouped(x, member, cell, cells)
    claims = np.full(values.size, np.nan)
    for k in range(cells):
        own, claim = values[first[k] : first[k + 1]], claims[first[k] : first[k + 1]]
        if own.size < least:
            continue
        taken = max(least, own.size * percent // 100)
        smallest = own[ascending(own)[own.size - taken]]
        for j in range(own.size):
            claim[j] = 1.0 if own[j] >= smallest else 0.0
    return np.asarray(_to_rows(claims, first, x, member, cell))
