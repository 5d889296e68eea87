"""Members of a session in ascending order of their values, as fast as a few thousand names allow.

Every value becomes a number of 20 bits or so: its distance from the session's middle in typical distances on its side,
squeezed into (-1, 1) by 1 - 1 / (1 + z), which rounding cannot turn round. The number and the name's place share one
word of 32 bits, two passes over half of the bits each put the words in order, and names whose numbers are equal are
settled by their values. Middle and distances are of a sample: they decide how long it takes, never the order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Values, Whole

Places = npt.NDArray[np.int32]
Words = npt.NDArray[np.uint32]

SAMPLE = 32
"""About so many values tell where the middle lies."""

LEAST_BITS = 6
"""Bits per pass for a handful of names; more names take as many as count them."""

FEW = 24
"""So many equal numbers are settled by insertion."""


class Desk(NamedTuple):
    """Room to sort one session after another.

    Attributes:
        own: values of those compared; place: where they stand in the session.
        words, moved: number and place, before and after a pass; order: places in ascending order of values.
        low, high: counters of the two passes.
    """

    own: Values
    place: Places
    words: Words
    moved: Words
    order: Places
    low: Places
    high: Places


@compiled
def desk_of(first: Whole) -> Desk:
    """Room for the longest session, from the first row of each."""
    most = 0
    for k in range(first.size - 1):
        most = max(most, first[k + 1] - first[k])
    counters = (1 << max(_bits_of(most), LEAST_BITS)) + 1
    return Desk(
        np.empty(most),
        np.empty(most, np.int32),
        np.empty(most, np.uint32),
        np.empty(most, np.uint32),
        np.empty(most, np.int32),
        np.empty(counters, np.int32),
        np.empty(counters, np.int32),
    )


@compiled
def _bits_of(count: int) -> int:
    """Binary digits that tell so many names apart."""
    bits = 0
    while (1 << bits) < count:
        bits += 1
    return bits


@compiled
def ascending(x: Values, group: Places, desk: Desk) -> tuple[int, bool]:
    """Put a session in order.

    Args:
        x: [names] values, NaN for none.
        group: [names] below 0 for names nobody compares.
        desk: its `order` gets the places of the names compared, lowest value first; -0 equals 0.

    Returns:
        How many names are compared, and whether two of them have the same value.
    """
    own, place = desk.own, desk.place
    n = 0
    for i in range(x.size):
        own[n], place[n] = x[i], i
        n += (group[i] >= 0) & (x[i] == x[i])
    if n == 0:
        return 0, False
    places = _bits_of(x.size)
    bits = min(max(places, LEAST_BITS), (32 - places) // 2)
    _number(own[:n], bits, desk.words)
    _pass_twice(n, bits, places, desk)
    words, order = desk.words, desk.order
    shift, mask = np.uint32(places), np.uint32((1 << places) - 1)
    alike = False
    order[0] = words[0] & mask
    for i in range(1, n):
        order[i] = words[i] & mask
        alike |= (words[i] >> shift) == (words[i - 1] >> shift)
    return n, alike and _settle(x, words[:n], shift, order)


@compiled
def _number(own: Values, bits: int, words: Words) -> None:
    """Numbers of 2 x `bits` bits that never fall where values rise."""
    middle, below, above = _middle(own)
    half = ((1 << (2 * bits)) - 1) * 0.5
    for i in range(own.size):
        apart = own[i] - middle
        z = apart * above if apart >= 0.0 else -apart * below
        squeezed = 1.0 - 1.0 / (1.0 + z)
        words[i] = np.uint32(np.int32(((squeezed if apart >= 0.0 else -squeezed) + 1.0) * half))


@compiled
def _middle(own: Values) -> tuple[float, float, float]:
    """Median of a sample, and one over the distance of its quartiles from it."""
    step = max(own.size // SAMPLE, 1)
    some = own[::step].copy()
    for i in range(1, some.size):
        held, place = some[i], i
        while place > 0 and some[place - 1] > held:
            some[place] = some[place - 1]
            place -= 1
        some[place] = held
    last = some.size - 1
    middle, quarter = some[last // 2], last // 4
    if not abs(middle) < np.inf:
        return 0.0, 1.0, 1.0
    below, above = middle - some[quarter], some[last - quarter] - middle
    below = below if below > 0.0 else middle - some[0]
    above = above if above > 0.0 else some[last] - middle
    return middle, 1.0 / below if 1e-290 < below < np.inf else 1.0, 1.0 / above if 1e-290 < above < np.inf else 1.0


@compiled
def _pass_twice(n: int, bits: int, places: int, desk: Desk) -> None:
    """Sort the words by their numbers, the lower half of the bits first; the place joins the number on the way."""
    words, moved, low, high = desk.words, desk.moved, desk.low, desk.high
    size = 1 << bits
    low[: size + 1] = 0
    high[: size + 1] = 0
    one, mask, by = np.uint32(1), np.uint32(size - 1), np.uint32(bits)
    for i in range(n):
        low[(words[i] & mask) + one] += 1
        high[(words[i] >> by) + one] += 1
    before, above = np.int32(0), np.int32(0)
    for k in range(size):
        before += low[k]
        low[k] = before
        above += high[k]
        high[k] = above
    shift = np.uint32(places)
    for i in range(n):
        digit = words[i] & mask
        moved[low[digit]] = (words[i] << shift) | np.uint32(desk.place[i])
        low[digit] += 1
    top = np.uint32(bits + places)
    for i in range(n):
        digit = moved[i] >> top
        words[high[digit]] = moved[i]
        high[digit] += 1


@compiled
def _settle(x: Values, words: Words, shift: int, order: Places) -> bool:
    """Put names with equal numbers in order of their values; whether any two values are equal."""
    ties, low = False, 0
    while low < words.size:
        high = low + 1
        while high < words.size and words[high] >> shift == words[low] >> shift:
            high += 1
        if high - low > FEW:
            _settle_many(x, order[low:high])
        elif high - low > 1:
            for i in range(low + 1, high):
                held, place = order[i], i
                while place > low and x[order[place - 1]] > x[held]:
                    order[place] = order[place - 1]
                    place -= 1
                order[place] = held
        for i in range(low + 1, high):
            ties |= x[order[i]] == x[order[i - 1]]
        low = high
    return ties


@compiled
def _settle_many(x: Values, order: Places) -> None:
    """The same for many names, of which often all have the same value."""
    for i in range(1, order.size):
        if x[order[i]] != x[order[0]]:
            order[:] = order[np.argsort(x[order])]
            return
