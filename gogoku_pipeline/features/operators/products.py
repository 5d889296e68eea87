"""Sums of products of deviations over a window of complete pairs, made of halves.

Two parts with c1, c2 pairs are merged by their means, xy = xy1 + xy2 + (sx1 c2 - sx2 c1)(sy1 c2 - sy2 c1) /
(c1 c2 (c1 + c2)) (Chan and others 1983): as exact as a second pass, log2(n) steps instead of n, in an order that
depends on n alone.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.features.expressions import Values
from gogoku_pipeline.features.operators.windows import compiled

COUNT, SUM_X, SUM_Y, XX, XY, YY = range(6)
"""Rows of the moments: pairs, sums, and sums of (x - mean x)^2, (x - mean x)(y - mean y), (y - mean y)^2."""


@compiled
def place_products(y: Values, x: Values, v: Values, first: int, low: int, n: int) -> Values:
    """Moments [6, places] of the n places up to each place from `low` on; nothing before place `first`.

    Args:
        y: [places] values, 0 where the pair is incomplete.
        x: the other values.
        v: 1 where the pair is complete, 0 elsewhere.
        first: first place looked at.
        low: first place wanted.
        n: places of the window.
    """
    m = v.size
    whole, part, longer, room = np.zeros((6, m)), np.zeros((6, m)), np.empty((6, m)), np.empty((3, m))
    part[COUNT], part[SUM_X], part[SUM_Y] = v, x, y
    done, reach = 0, 1
    while True:
        if n & reach:
            from_place = max(low, first + done)
            if from_place < m:
                merge_products(whole, whole, from_place, part, from_place - done, room)
            done += reach
        if reach * 2 > n:
            return whole
        edge = min(first + reach, m)
        for row in range(6):
            longer[row, first:edge] = part[row, first:edge]
        merge_products(longer, part, edge, part, first, room)
        part, longer = longer, part
        reach *= 2


@compiled
def merge_products(to: Values, newer: Values, at: int, older: Values, back: int, room: Values) -> None:
    """Moments of newer parts from place `at` on and of older ones from place `back` on together, written to `to`.

    `to` may be `newer`; `room` [3, places] is written over.
    """
    size = to.shape[1] - at
    c, sx, sy = newer[COUNT, at:], newer[SUM_X, at:], newer[SUM_Y, at:]
    c1, sx1, sy1 = older[COUNT, back:], older[SUM_X, back:], older[SUM_Y, back:]
    weight, dx, dy = room[0], room[1], room[2]
    for i in range(size):
        product = c[i] * c1[i] * (c[i] + c1[i])
        weight[i] = 1.0 / product if product > 0.0 else 0.0
    for i in range(size):
        dx[i] = sx[i] * c1[i] - sx1[i] * c[i]
    for i in range(size):
        dy[i] = sy[i] * c1[i] - sy1[i] * c[i]
    merge_one(to[XX, at:], newer[XX, at:], older[XX, back:], dx, dx, weight)
    merge_one(to[XY, at:], newer[XY, at:], older[XY, back:], dx, dy, weight)
    merge_one(to[YY, at:], newer[YY, at:], older[YY, back:], dy, dy, weight)
    for row in range(3):
        sums, one, two = to[row, at:], newer[row, at:], older[row, back:]
        for i in range(size):
            sums[i] = one[i] + two[i]


@compiled
def merge_one(to: Values, newer: Values, older: Values, dx: Values, dy: Values, weight: Values) -> None:
    """Sums of products of two parts, and what lies between their means."""
    for i in range(to.size):
        to[i] = newer[i] + older[i] + dx[i] * dy[i] * weight[i]
