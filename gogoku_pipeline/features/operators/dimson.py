"""Sensitivity to the market of a stock that trades late: Dimson (1979).

Formula: sum of the two slopes of the least-squares regression of y[t] on x[t] and x[t-1], over the sessions of the
window on which all three exist (complete triples, all moments over them). Null where the market's two series carry no
separate information (no variance, or perfectly correlated).
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.operators.windows import NEGLIGIBLE, lag, place_sums, window

COLLINEAR = 1e-12
"""Share of the product of two variances below which their determinant is rounding."""


def dimson_beta(y: Expr, x: Expr, n: int) -> Expr:
    """Sum of the slopes on the market of the same session and of the one before, over the last n sessions."""
    return window("dimson_beta", _dimson_kernel, y, x, lag(x, 1), n=n)


@compiled
def _triples(y: Values, x: Values, x1: Values, a: int, m: int, first: int) -> tuple[Values, Values, Values, Values]:
    """Complete triples of rows a + first .. a + m - 1 (0 where incomplete) and their validity."""
    zy, zx, zw, v = np.empty(m), np.empty(m), np.empty(m), np.empty(m)
    for t in range(first, m):
        good = (y[a + t] == y[a + t]) and (x[a + t] == x[a + t]) and (x1[a + t] == x1[a + t])
        zy[t] = y[a + t] if good else 0.0
        zx[t] = x[a + t] if good else 0.0
        zw[t] = x1[a + t] if good else 0.0
        v[t] = 1.0 if good else 0.0
    return zy, zx, zw, v


@compiled
def _mean_of(z: Values, count: Values, low: int, n: int) -> Values:
    return np.asarray(place_sums(z, max(0, low - n + 1), low, n) / count)


@compiled
def _product_of(
    left: Values, left_mean: Values, right: Values, right_mean: Values, v: Values, low: int, n: int
) -> Values:
    """Sum over the window of the product of two deviations."""
    s = np.zeros(left.size)
    for k in range(min(n, left.size)):
        start = max(k, low)
        sums, there = s[start:], v[start - k :]
        ours, theirs = left[start - k :], right[start - k :]
        our_mean, their_mean = left_mean[start:], right_mean[start:]
        for i in range(sums.size):
            sums[i] += there[i] * (ours[i] - our_mean[i]) * (theirs[i] - their_mean[i])
    return s


@compiled
def _dimson_kernel(y: Values, x: Values, x1: Values, starts: Whole, begin: Whole, n: int) -> Values:
    out = np.full(x.size, np.nan)
    for u in range(starts.size - 1):
        a, m, low = starts[u], starts[u + 1] - starts[u], begin[u] - starts[u]
        zy, zx, zw, v = _triples(y, x, x1, a, m, max(0, low - n + 1))
        c = place_sums(v, max(0, low - n + 1), low, n)
        my, mx, mw = _mean_of(zy, c, low, n), _mean_of(zx, c, low, n), _mean_of(zw, c, low, n)
        sxx, sww = _product_of(zx, mx, zx, mx, v, low, n), _product_of(zw, mw, zw, mw, v, low, n)
        sxw = _product_of(zx, mx, zw, mw, v, low, n)
        sxy, swy = _product_of(zx, mx, zy, my, v, low, n), _product_of(zw, mw, zy, my, v, low, n)
        for t in range(low, m):
            det = sxx[t] * sww[t] - sxw[t] * sxw[t]
            flat_x, flat_w = NEGLIGIBLE * mx[t], NEGLIGIBLE * mw[t]
            moves = sxx[t] > c[t] * flat_x * flat_x and sww[t] > c[t] * flat_w * flat_w
            if moves and det > COLLINEAR * sxx[t] * sww[t]:
                out[a + t] = (sxy[t] * (sww[t] - sxw[t]) + swy[t] * (sxx[t] - sxw[t])) / det
    return out
