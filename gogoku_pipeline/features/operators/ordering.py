"""The ascending order of a few thousand numbers, as fast as a session of stocks wants it.

Long arrays are sorted by the upper half of their bit patterns, three digits of 11 bits, each value's place beside it in
one word; values that share the upper half (they differ by less than a millionth, or not at all) are put in order
afterwards. Short arrays are sorted by comparison. Equal values are next to each other either way, which is all average
ranks need. No NaN among the values.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.features.expressions import Values, Whole
from gogoku_pipeline.features.operators.windows import compiled

DIGIT = 11
"""Bits per digit: 3 passes over 32 bits, 2,048 counters that stay in the nearest cache."""

LONG = 500
"""From this many values on the passes cost less than comparisons."""

FEW = 24
"""So many values with one upper half are put in order by insertion."""


@compiled
def ascending(x: Values) -> Whole:
    """Places of x in ascending order of its values; -0 equals 0."""
    return _by_digits(x) if x.size >= LONG else np.argsort(x)


@compiled
def _by_digits(x: Values) -> Whole:
    n = x.size
    sign, upper = np.uint64(1) << np.uint64(63), np.uint64(0xFFFFFFFF00000000)
    words, moved = (x + 0.0).view(np.uint64), np.empty(n, np.uint64)
    for i in range(n):
        key = ~words[i] if words[i] & sign else words[i] | sign
        words[i] = (key & upper) | np.uint64(i)
    counts = np.empty((1 << DIGIT) + 1, np.int64)
    shift, mask = np.uint64(DIGIT), np.uint64((1 << DIGIT) - 1)
    low = np.uint64(32)
    for _ in range(3):
        counts[:] = 0
        for word in words:
            counts[((word >> low) & mask) + np.uint64(1)] += 1
        for d in range(1 << DIGIT):
            counts[d + 1] += counts[d]
        for word in words:
            digit = (word >> low) & mask
            moved[counts[digit]] = word
            counts[digit] += 1
        words, moved = moved, words
        low += shift
    order = np.empty(n, np.int64)
    for i in range(n):
        order[i] = np.int64(words[i] & ~upper)
    _settle(x, words, order)
    return order


@compiled
def _settle(x: Values, words: Whole, order: Whole) -> None:
    """Put values that share the upper half of their bits in order."""
    half, low = np.uint64(32), 0
    while low < order.size:
        high = low + 1
        while high < order.size and words[high] >> half == words[low] >> half:
            high += 1
        if high - low > FEW:
            some = order[low:high].copy()
            order[low:high] = some[np.argsort(x[some])]
        elif high - low > 1:
            for i in range(low + 1, high):
                held, place = order[i], i
                while place > low and x[order[place - 1]] > x[held]:
                    order[place] = order[place - 1]
                    place -= 1
                order[place] = held
        low = high
