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
                merge_products(whole[:, from_place:], part[:, from_place - done :], room)
            done += reach
        if reach * 2 > n:
            return whole
        longer[:, first:] = part[:, first:]
        edge = min(first + reach, m)
        merge_products(longer[:, edge:], part[:, first:], room)
        part, longer = longer, part
        reach *= 2


@compiled
def merge_products(to: Values, older: Values, room: Values) -> None:
    """Add the moments of older parts in place; `room` [3, places] is written over."""
    size = to.shape[1]
    c, sx, sy, c1, sx1, sy1 = to[0], to[1], to[2], older[0], older[1], older[2]
    weight, dx, dy = room[0], room[1], room[2]
    for i in range(size):
        product = c[i] * c1[i] * (c[i] + c1[i])
        weight[i] = 1.0 / product if product > 0.0 else 0.0
    for i in range(size):
        dx[i] = sx[i] * c1[i] - sx1[i] * c[i]
    for i in range(size):
        dy[i] = sy[i] * c1[i] - sy1[i] * c[i]
    xx, xy, yy, xx1, xy1, yy1 = to[3], to[4], to[5], older[3], older[4], older[5]
    for i in range(size):
        xx[i] += xx1[i] + dx[i] * dx[i] * weight[i]
    for i in range(size):
        xy[i] += xy1[i] + dx[i] * dy[i] * weight[i]
    for i in range(size):
        yy[i] += yy1[i] + dy[i] * dy[i] * weight[i]
    for row in range(3):
        sums, more = to[row], older[row]
        for i in range(size):
            sums[i] += more[i]
