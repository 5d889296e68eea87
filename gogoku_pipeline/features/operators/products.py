"""Sums of products of deviations over a window of complete pairs, made of halves.

Sums of x, y, x^2, x y and y^2 over 1, 2, 4, .. places are doubled and the parts that make up n added, newest first:
log2(n) additions instead of n, in an order that depends on n alone. What the means explain is taken off; where less
than SCARCE of the squares is left, the difference is too rough and the deviations of that window are multiplied one
by one (two passes).
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Values
from gogoku_pipeline.features.operators.halves import SCARCE

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
    out, part, longer = np.zeros((6, m)), np.zeros(n + m - first), np.zeros(n + m - first)
    held = part[n:]
    one, xs, ys = v[first:], x[first:], y[first:]
    pairs_seen(one, held, n, low - first, out[COUNT, low:])
    for row in range(1, 6):
        if row in (SUM_X, SUM_Y):
            series = xs if row == SUM_X else ys
            for i in range(held.size):
                held[i] = series[i]
        else:
            left, right = xs if row != YY else ys, xs if row == XX else ys
            for i in range(held.size):
                held[i] = left[i] * right[i]
        window_sums(part, longer, n, low - first, out[row, low:])
    centred(out[:, low:], y, x, v, low, first, n)
    return out


@compiled
def pairs_seen(there: Values, seen: Values, n: int, low: int, out: Values) -> None:
    """How many pairs the windows hold; `seen` is written to."""
    known = 0
    for i in range(there.size):
        known += there[i] > 0.0
        seen[i] = known
    for i in range(out.size):
        out[i] = seen[low + i] - (seen[low + i - n] if low + i >= n else 0.0)


@compiled
def window_sums(part: Values, longer: Values, n: int, low: int, out: Values) -> None:
    """Sums over n places up to place `low` and those after it; places stand behind n empty ones.

    `part` and `longer` are written to.
    """
    done, reach = 0, 1
    while True:
        if n & reach:
            newest = part[n + low - done :]
            for i in range(out.size):
                out[i] += newest[i]
            done += reach
        if reach * 2 > n:
            break
        newer, older, to = part[n:], part[n - reach :], longer[n:]
        for i in range(to.size):
            to[i] = newer[i] + older[i]
        part, longer = longer, part
        reach *= 2


@compiled
def centred(moments: Values, y: Values, x: Values, v: Values, low: int, first: int, n: int) -> None:
    """Sums of products become sums of products of deviations."""
    c, sx, sy, xx, xy, yy = moments[0], moments[1], moments[2], moments[3], moments[4], moments[5]
    scarce, rough = 0, np.zeros(c.size, np.bool_)
    for i in range(c.size):
        share = 1.0 / c[i] if c[i] > 0.0 else 0.0
        left_x, left_y = xx[i] - sx[i] * (sx[i] * share), yy[i] - sy[i] * (sy[i] * share)
        rough[i] = (left_x < SCARCE * xx[i]) | (left_y < SCARCE * yy[i])
        scarce += rough[i]
        xy[i] -= sx[i] * (sy[i] * share)
        xx[i], yy[i] = left_x, left_y
    if scarce:
        for i in range(c.size):
            if rough[i]:
                oldest, mx, my = max(low + i - n + 1, first), sx[i] / c[i], sy[i] / c[i]
                xx[i], xy[i], yy[i] = deviations(y, x, v, oldest, low + i, mx, my)


@compiled
def deviations(
    y: Values, x: Values, v: Values, first: int, last: int, mx: float, my: float
) -> tuple[float, float, float]:
    """Sums of products of deviations of places last .. first, one by one."""
    xx, xy, yy = 0.0, 0.0, 0.0
    for t in range(last, first - 1, -1):
        dx, dy = v[t] * (x[t] - mx), v[t] * (y[t] - my)
        xx += dx * dx
        xy += dx * dy
        yy += dy * dy
    return xx, xy, yy
