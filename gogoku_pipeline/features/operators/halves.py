"""Several windows of one series from one set of halves: sums, means, counts, variances, highs.

Sums over 1, 2, 4, .. places are made once, each of two halves; a window over n places is put together from those that
make up n, newest part first. A window costs a few additions whatever its length, and its bits depend on n alone: not
on the other windows asked for, nor on where the rows begin.

A variance is the sum of squares less what the mean explains. Where less than SCARCE of the squares is left the
difference is too rough, and the deviations of that window are squared one by one (two passes).

Series stand behind `pad` empty places, so that no window needs a case for the first rows: arrays of halves are
[halves, pad + places], 0 (for highs: -inf) where nothing is there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Values, Whole

TOTAL, MEAN, COUNT, VARIANCE, HIGHEST = range(5)
"""What can be asked of a window."""

NEGLIGIBLE = 1e-13
"""A deviation below this share of the mean is the rounding of a constant series: its variance is zero."""

SCARCE = 1e-6
"""Below this share of the squares the deviations are squared one by one."""


class Halves(NamedTuple):
    """Memory for one unit, used again for the next.

    Attributes:
        pad: empty places in front, as many as the longest window.
        sums, squares, tops: sums of values and of squares, and highs, over 1, 2, 4, .. places.
        seen: [pad + places] how many values there are up to each place.
        part: [5, places] the window at hand: sum, count, squares, mean, squared deviations.
    """

    pad: int
    sums: Values
    squares: Values
    tops: Values
    seen: Values
    part: Values


@compiled
def together(x: Values, starts: Whole, asked: Whole, out: Values, to: Whole) -> None:
    """Windows of every unit from its first row on, written to rows `to` of `out`; `asked` as in `windows_of_unit`."""
    memory = halves_for(np.max(starts[1:] - starts[:-1]) if starts.size > 1 else 0, asked)
    for u in range(starts.size - 1):
        windows_of_unit(x, starts[u], starts[u + 1], starts[u], asked, memory, out, to)


@compiled
def alone(x: Values, starts: Whole, since: Whole, what: int, n: int, ddof: int) -> Values:
    """One window of every unit from row since[u] on; rows before it hold anything."""
    out, asked, to = np.empty((1, x.size)), np.array([[what, n, ddof]]), np.zeros(1, np.int64)
    longest = 0
    for u in range(starts.size - 1):
        longest = max(longest, min(starts[u + 1] - starts[u], starts[u + 1] - since[u] + n - 1))
    memory = halves_for(longest, asked)
    for u in range(starts.size - 1):
        windows_of_unit(x, starts[u], starts[u + 1], since[u], asked, memory, out, to)
    return np.asarray(out[0])


@compiled
def halves_for(places: int, asked: Whole) -> Halves:
    """Memory for units of up to so many places."""
    pad, levels = int(np.max(asked[:, 1])), 1
    while 2**levels <= pad:
        levels += 1
    has_sums = has_squares = has_tops = False
    for k in range(asked.shape[0]):
        has_sums |= asked[k, 0] in (TOTAL, MEAN, VARIANCE)
        has_squares |= asked[k, 0] == VARIANCE
        has_tops |= asked[k, 0] == HIGHEST
    size = pad + places
    sums = np.zeros((levels if has_sums else 0, size))
    squares = np.zeros((levels if has_squares else 0, size))
    tops = np.full((levels if has_tops else 0, size), -np.inf)
    return Halves(pad, sums, squares, tops, np.zeros(size), np.empty((5, places)))


@compiled
def windows_of_unit(
    x: Values, first: int, end: int, begin: int, asked: Whole, memory: Halves, out: Values, to: Whole
) -> None:
    """Windows of the unit that has rows first .. end-1, from row `begin` on.

    Args:
        x: [rows] NaN for null.
        first: first row of the unit.
        end: the row after its last one.
        begin: first row wanted.
        asked: [windows, 3] what, sessions, ddof; equal sessions side by side save a step.
        memory: of `halves_for`.
        out: [.., rows] what is written to.
        to: [windows] row of `out` each window goes to.
    """
    first = max(first, begin - memory.pad + 1)
    held, low = x[first:end], begin - first
    fill(held, memory)
    known = 0
    for k in range(asked.shape[0]):
        what, n, ddof = asked[k]
        room = out[to[k], begin:end]
        if what == HIGHEST:
            highest_of(memory.tops, memory.pad + low, n, room)
            continue
        if n != known:
            window_at_hand(memory, low, n, room.size)
            known = n
        if what == VARIANCE:
            variances(memory, held, low, n, ddof, room)
        else:
            sums_and_counts(what, memory.part[0], memory.part[1], room)


@compiled
def window_at_hand(memory: Halves, low: int, n: int, m: int) -> None:
    """Sums and counts of the windows over n places that end in m places from `low` on."""
    if memory.sums.shape[0]:
        sum_parts(memory.sums, memory.pad + low, n, memory.part[0, :m])
    newer, older = memory.seen[memory.pad + low :], memory.seen[memory.pad + low - n :]
    c = memory.part[1, :m]
    for i in range(m):
        c[i] = newer[i] - older[i]


@compiled
def sums_and_counts(what: int, s: Values, c: Values, out: Values) -> None:
    """What sums and counts say by themselves."""
    if what == TOTAL:
        for i in range(out.size):
            out[i] = s[i] if c[i] > 0.0 else np.nan
    elif what == MEAN:
        for i in range(out.size):
            out[i] = s[i] / c[i]
    else:
        for i in range(out.size):
            out[i] = c[i]


@compiled
def fill(held: Values, memory: Halves) -> None:
    """The halves of one unit."""
    pad, m = memory.pad, held.size
    seen, count = memory.seen[pad:], 0
    for i in range(m):
        count += held[i] == held[i]
        seen[i] = count
    if memory.tops.shape[0]:
        top = memory.tops[0, pad:]
        for i in range(m):
            top[i] = held[i] if held[i] == held[i] else -np.inf
        for level in range(1, memory.tops.shape[0]):
            newer, older = memory.tops[level - 1, pad:], memory.tops[level - 1, pad - 2 ** (level - 1) :]
            longer = memory.tops[level, pad:]
            for i in range(m):
                longer[i] = max(newer[i], older[i])
    if memory.sums.shape[0]:
        one = memory.sums[0, pad:]
        for i in range(m):
            one[i] = held[i] if held[i] == held[i] else 0.0
        double(memory.sums, pad, m)
    if memory.squares.shape[0]:
        one, square = memory.sums[0, pad:], memory.squares[0, pad:]
        for i in range(m):
            square[i] = one[i] * one[i]
        double(memory.squares, pad, m)


@compiled
def double(halves: Values, pad: int, m: int) -> None:
    """Sums over 2, 4, .. places from those over 1."""
    for level in range(1, halves.shape[0]):
        newer, older = halves[level - 1, pad:], halves[level - 1, pad - 2 ** (level - 1) :]
        longer = halves[level, pad:]
        for i in range(m):
            longer[i] = newer[i] + older[i]


@compiled
def sum_parts(halves: Values, at: int, n: int, out: Values) -> None:
    """Sums over the n places up to place `at` and those after it."""
    done = 0
    for level in range(halves.shape[0]):
        if n & (1 << level):
            part = halves[level, at - done :]
            if done:
                for i in range(out.size):
                    out[i] += part[i]
            else:
                for i in range(out.size):
                    out[i] = part[i]
            done += 1 << level


@compiled
def highest_of(tops: Values, at: int, n: int, out: Values) -> None:
    """Largest values of the n places up to place `at` and those after it, of two parts that overlap."""
    level = 0
    while 2 ** (level + 1) <= n:
        level += 1
    newer, older = tops[level, at:], tops[level, at - (n - 2**level) :]
    for i in range(out.size):
        top = max(newer[i], older[i])
        out[i] = top if top > -np.inf else np.nan


@compiled
def variances(memory: Halves, held: Values, low: int, n: int, ddof: int, out: Values) -> None:
    """Variances of the window whose sums and counts are at hand."""
    m = out.size
    s, c, squares = memory.part[0, :m], memory.part[1, :m], memory.part[2, :m]
    mid, q = memory.part[3, :m], memory.part[4, :m]
    sum_parts(memory.squares, memory.pad + low, n, squares)
    for i in range(m):
        mid[i] = s[i] / c[i]
    scarce = 0
    for i in range(m):
        q[i] = squares[i] - s[i] * mid[i]
        scarce += q[i] < SCARCE * squares[i]
    if scarce:
        for i in range(m):
            if q[i] < SCARCE * squares[i]:
                q[i] = deviations_squared(held, max(low + i - n + 1, 0), low + i, mid[i])
    for i in range(m):
        floor = NEGLIGIBLE * mid[i]
        left = q[i] if q[i] > c[i] * floor * floor else 0.0
        out[i] = left / (c[i] - ddof) if c[i] > ddof else np.nan


@compiled
def deviations_squared(held: Values, first: int, last: int, mid: float) -> float:
    """Squared distances of places last .. first from the mean."""
    left = 0.0
    for i in range(last, first - 1, -1):
        if held[i] == held[i]:
            left += (held[i] - mid) * (held[i] - mid)
    return left
