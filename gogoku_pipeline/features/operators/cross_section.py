"""Cross-sections: one session's stocks against each other, always over the universe U of that session.

`reduce` operators turn all members of a session (or of a sector on a session) into one value; `cross` operators give
each member its own. Rows come session after session, in code order within each, and every sum is taken in that order:
a value never depends on row order, on other sessions or on where the frame begins.

Kernels take x [rows] float64 (NaN = null), `first` [sessions + 1] with the first row of each session, `group` [rows]
int32 (number of the row's sector, 0 where the whole session is compared; -1 for rows outside U or without a sector)
and how many groups a session has. `reduce` kernels give [sessions * groups], a session's groups in one piece.
Ranks: average ties over the non-null count N, (rank - 1) / (N - 1); all equal gives 0.5, N = 1 gives null
(golden example G5). Leave-one-out mean: (S - x_i) / (N - 1), null for N < 3 (golden example G6).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.operators.ordering import Places, ascending, desk_of


def members_mean(x: Expr) -> Expr:
    """Mean of x over the members of the session (market series) or of the sector (group series)."""
    return Expr("members_mean", "reduce", (x,), (), _mean_kernel)


def members_total(x: Expr) -> Expr:
    """Sum of x over the members that have it; null where no member has."""
    return Expr("members_total", "reduce", (x,), (), _total_kernel)


def members_deviation(x: Expr) -> Expr:
    """Standard deviation (ddof 1) of x over the members."""
    return Expr("members_deviation", "reduce", (x,), (), _deviation_kernel)


def members_median(x: Expr) -> Expr:
    """The middle value of x over the members, of an even number the mean of the two middle ones."""
    return Expr("members_median", "reduce", (x,), (), _median_kernel)


def members_count(x: Expr) -> Expr:
    """How many members have a value of x."""
    return Expr("members_count", "reduce", (x,), (), _count_kernel)


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
def group_sums(x: Values, first: Whole, group: Places, groups: int) -> tuple[Values, Values]:
    """Sum and count of the values per session and group."""
    s = np.zeros((first.size - 1) * groups)
    c = np.zeros(s.size)
    for k in range(first.size - 1):
        if groups == 1:
            s[k], c[k] = _session_sum(x[first[k] : first[k + 1]], group[first[k] : first[k + 1]])
            continue
        own, many = s[k * groups : (k + 1) * groups], c[k * groups : (k + 1) * groups]
        for i in range(first[k], first[k + 1]):
            if group[i] >= 0 and x[i] == x[i]:
                own[group[i]] += x[i]
                many[group[i]] += 1.0
    return s, c


@compiled
def _session_sum(x: Values, group: Places) -> tuple[float, float]:
    s, c = 0.0, 0
    for i in range(x.size):
        is_in = (group[i] >= 0) & (x[i] == x[i])
        s += x[i] if is_in else 0.0
        c += is_in
    return s, float(c)


@compiled
def _mean_kernel(x: Values, first: Whole, group: Places, groups: int) -> Values:
    s, c = group_sums(x, first, group, groups)
    return np.asarray(s / c)


@compiled
def _total_kernel(x: Values, first: Whole, group: Places, groups: int) -> Values:
    s, c = group_sums(x, first, group, groups)
    for k in range(s.size):
        if c[k] == 0.0:
            s[k] = np.nan
    return np.asarray(s)


@compiled
def _count_kernel(x: Values, first: Whole, group: Places, groups: int) -> Values:
    _, c = group_sums(x, first, group, groups)
    return np.asarray(c)


@compiled
def group_squares(x: Values, first: Whole, group: Places, groups: int, means: Values) -> Values:
    """Sum of squared distances from the means per session and group."""
    q = np.zeros(means.size)
    for k in range(first.size - 1):
        if groups == 1:
            q[k] = _session_squares(x[first[k] : first[k + 1]], group[first[k] : first[k + 1]], means[k])
            continue
        own, mean = q[k * groups : (k + 1) * groups], means[k * groups : (k + 1) * groups]
        for i in range(first[k], first[k + 1]):
            if group[i] >= 0 and x[i] == x[i]:
                d = x[i] - mean[group[i]]
                own[group[i]] += d * d
    return q


@compiled
def _session_squares(x: Values, group: Places, mean: float) -> float:
    q = 0.0
    for i in range(x.size):
        d = x[i] - mean
        q += d * d if (group[i] >= 0) & (d == d) else 0.0
    return q


@compiled
def _deviation_kernel(x: Values, first: Whole, group: Places, groups: int) -> Values:
    s, c = group_sums(x, first, group, groups)
    q = group_squares(x, first, group, groups, s / c)
    out = np.full(s.size, np.nan)
    for k in range(s.size):
        if c[k] > 1:
            out[k] = np.sqrt(q[k] / (c[k] - 1.0))
    return out


@compiled
def _leave_one_out_kernel(x: Values, first: Whole, group: Places, groups: int) -> Values:
    s, c = group_sums(x, first, group, groups)
    out = np.full(x.size, np.nan)
    for k in range(first.size - 1):
        own, many = s[k * groups : (k + 1) * groups], c[k * groups : (k + 1) * groups]
        for i in range(first[k], first[k + 1]):
            if group[i] >= 0 and x[i] == x[i] and many[group[i]] >= 3:
                out[i] = (own[group[i]] - x[i]) / (many[group[i]] - 1.0)
    return out


@compiled
def _others_total_kernel(x: Values, first: Whole, group: Places, groups: int) -> Values:
    s, c = group_sums(x, first, group, groups)
    out = np.full(x.size, np.nan)
    for k in range(first.size - 1):
        own, many = s[k * groups : (k + 1) * groups], c[k * groups : (k + 1) * groups]
        for i in range(first[k], first[k + 1]):
            if group[i] >= 0 and many[group[i]] > (x[i] == x[i]):
                out[i] = own[group[i]] - (x[i] if x[i] == x[i] else 0.0)
    return out


@compiled
def _median_kernel(x: Values, first: Whole, group: Places, groups: int) -> Values:
    out, desk = np.full((first.size - 1) * groups, np.nan), desk_of(first)
    for k in range(first.size - 1):
        own, of = x[first[k] : first[k + 1]], group[first[k] : first[k + 1]]
        n, _ = ascending(own, of, desk)
        order, middle = desk.order[:n], out[k * groups : (k + 1) * groups]
        many, seen = _counted(of, order, groups), np.zeros(groups, np.int64)
        for i in order:
            g = of[i]
            if seen[g] == (many[g] - 1) // 2:
                middle[g] = own[i]
            if seen[g] == many[g] // 2:
                middle[g] = (middle[g] + own[i]) / 2.0
            seen[g] += 1
    return out


@compiled
def _counted(group: Places, order: Places, groups: int) -> Whole:
    """How many of the names in an order belong to each group."""
    many = np.zeros(groups, np.int64)
    for i in order:
        many[group[i]] += 1
    return many


@compiled
def _rank_kernel(x: Values, first: Whole, group: Places, groups: int) -> Values:
    out, desk = np.full(x.size, np.nan), desk_of(first)
    share = np.empty(desk.order.size)
    shared = 0
    for k in range(first.size - 1):
        own, of, to = x[first[k] : first[k + 1]], group[first[k] : first[k + 1]], out[first[k] : first[k + 1]]
        n, ties = ascending(own, of, desk)
        order = desk.order[:n]
        if groups > 1 or ties:
            _rank(own, of, order, _counted(of, order, groups), to)
        elif n > 1:
            if n != shared:
                for place in range(n):
                    share[place] = place / (n - 1.0)
                shared = n
            for place in range(n):
                to[order[place]] = share[place]
    return out


@compiled
def _rank(x: Values, group: Places, order: Places, many: Whole, out: Values) -> None:
    """Average ranks within each group, 0 for the lowest to 1 for the highest; a group of one is left out."""
    seen, tied = np.zeros(many.size, np.int64), np.zeros(many.size, np.int64)
    low = 0
    while low < order.size:
        high = low + 1
        while high < order.size and x[order[high]] == x[order[low]]:
            high += 1
        for i in order[low:high]:
            tied[group[i]] += 1
        for i in order[low:high]:
            g = group[i]
            if many[g] > 1:
                out[i] = (2 * seen[g] + tied[g] - 1) / 2.0 / (many[g] - 1.0)
        for i in order[low:high]:
            seen[group[i]] += 1
            tied[group[i]] = 0
        low = high


def _largest_of(percent: int, least: int) -> Callable[..., Values]:
    """The kernel for one share: comparisons between stocks are called with their groups alone."""

    def kernel(x: Values, first: Whole, group: Places, groups: int) -> Values:
        return np.asarray(_largest_kernel(x, first, group, groups, percent, least))

    return kernel


@compiled
def _largest_kernel(x: Values, first: Whole, group: Places, groups: int, percent: int, least: int) -> Values:
    out, desk = np.full(x.size, np.nan), desk_of(first)
    for k in range(first.size - 1):
        own, of, claim = x[first[k] : first[k + 1]], group[first[k] : first[k + 1]], out[first[k] : first[k + 1]]
        n, _ = ascending(own, of, desk)
        order = desk.order[:n]
        many, seen, smallest = _counted(of, order, groups), np.zeros(groups, np.int64), np.full(groups, np.nan)
        for i in order:
            g = of[i]
            if many[g] >= least and seen[g] == many[g] - max(least, many[g] * percent // 100):
                smallest[g] = own[i]
            seen[g] += 1
        for i in order:
            if many[of[i]] >= least:
                claim[i] = 1.0 if own[i] >= smallest[of[i]] else 0.0
    return out
