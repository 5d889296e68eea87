"""Least squares over a window, by complete pairs: both moments are taken over the sessions where both values exist.

Dividing a covariance over the pairs by a variance over all market returns is the classic error (golden example G7).
Arguments: y, x [rows] float64, NaN = null; n sessions. Results of `pair_regression`: slope, residual deviation
(ddof 2), squared correlation; null where x (for r2 also y) has no variance, the deviation with fewer than 3 pairs.
`trend_tstat`: t statistic of the slope of ln(price) on the session index. Prices are split into mantissa and binary
exponent before the logarithm, so multiplying a history by 2^k changes no bit. `line_end`: value at t of the line
through x on the session index, a = (S_kk * S_x - S_k * S_kx) / (S_0 * S_kk - S_k^2) with k the sessions before t and
S over the values present; null with fewer than 2 of them.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.operators.products import COUNT, SUM_X, SUM_Y, XX, XY, YY, place_products
from gogoku_pipeline.features.operators.windows import NEGLIGIBLE, window

LN2 = math.log(2.0)

SCARCE = 1e-4
"""Below this share of the variance the residuals are summed one by one."""


class Regression(NamedTuple):
    """The three results of one regression, computed once."""

    slope: Expr
    residual_deviation: Expr
    r2: Expr


def pair_regression(y: Expr, x: Expr, n: int) -> Regression:
    """Regression of y on x over the complete pairs of the last n sessions."""
    whole = window("pair_regression", _pair_regression_kernel, y, x, n=n)
    return Regression(*(replace(whole, field=i) for i in range(3)))


def trend_tstat(price: Expr, n: int) -> Expr:
    """T statistic of the least-squares slope of ln(price) on the session index over the last n sessions."""
    return window("trend_tstat", _trend_tstat_kernel, price, n=n)


def line_end(x: Expr, n: int) -> Expr:
    """Where the least-squares line through the last n sessions stands today; null with fewer than 2 values."""
    return window("line_end", _line_end_kernel, x, n=n)


@compiled
def complete_pairs(y: Values, x: Values, a: int, m: int, first: int) -> tuple[Values, Values, Values]:
    """Pairs of places first .. m-1 of the unit that starts in row a (0 where incomplete) and their validity."""
    zy, zx, v = np.zeros(m), np.zeros(m), np.zeros(m)
    ys, xs, to_y, to_x, there = y[a + first : a + m], x[a + first : a + m], zy[first:], zx[first:], v[first:]
    for i in range(there.size):
        there[i] = 1.0 if (xs[i] == xs[i]) & (ys[i] == ys[i]) else 0.0
    for i in range(there.size):
        to_y[i] = ys[i] if there[i] > 0.0 else 0.0
    for i in range(there.size):
        to_x[i] = xs[i] if there[i] > 0.0 else 0.0
    return zy, zx, v


@compiled
def _pair_regression_kernel(y: Values, x: Values, starts: Whole, begin: Whole, n: int) -> tuple[Values, Values, Values]:
    slope, spread, r2 = np.empty(x.size), np.empty(x.size), np.empty(x.size)
    for u in range(starts.size - 1):
        a, m, low = starts[u], starts[u + 1] - starts[u], begin[u] - starts[u]
        first = max(0, low - n + 1)
        zy, zx, v = complete_pairs(y, x, a, m, first)
        moments = place_products(zy, zx, v, first, low, n)
        line, left, share = slope[a + low : a + m], spread[a + low : a + m], r2[a + low : a + m]
        scarce = lines_through(moments[:, low:], line, left, share)
        c, sx, sy = moments[COUNT, low:], moments[SUM_X, low:], moments[SUM_Y, low:]
        if scarce:
            for i in range(c.size):
                if left[i] < SCARCE * moments[YY, low + i]:
                    oldest, mx, my = max(low + i - n + 1, first), sx[i] / c[i], sy[i] / c[i]
                    left[i] = residual_squares(zy, zx, v, oldest, low + i, line[i], mx, my)
        for i in range(c.size):
            left[i] = np.sqrt(left[i] / (c[i] - 2.0)) if c[i] > 2.0 else np.nan
    return slope, spread, r2


@compiled
def lines_through(moments: Values, slope: Values, left: Values, share: Values) -> int:
    """Slopes, squared residuals and squared correlations; in how many windows little is left of the squares."""
    c, sx, sy = moments[COUNT], moments[SUM_X], moments[SUM_Y]
    sxx, sxy, syy = moments[XX], moments[XY], moments[YY]
    scarce = 0
    for i in range(c.size):
        flat = NEGLIGIBLE * (sx[i] / c[i])
        slope[i] = sxy[i] / sxx[i] if sxx[i] > c[i] * flat * flat else np.nan
    for i in range(c.size):
        left[i] = syy[i] - slope[i] * sxy[i]
        scarce += left[i] < SCARCE * syy[i]
    for i in range(c.size):
        flat = NEGLIGIBLE * (sy[i] / c[i])
        share[i] = slope[i] * sxy[i] / syy[i] if syy[i] > c[i] * flat * flat else np.nan
    return scarce


@compiled
def residual_squares(
    y: Values, x: Values, v: Values, first: int, last: int, line: float, mx: float, my: float
) -> float:
    """Squared residuals of places last .. first, one by one: where little is left, a difference is too rough."""
    left = 0.0
    for t in range(last, first - 1, -1):
        e = v[t] * ((y[t] - my) - line * (x[t] - mx))
        left += e * e
    return left


@compiled
def _line_end_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    out = np.empty(x.size)
    for u in range(starts.size - 1):
        a, m, low = starts[u], starts[u + 1] - starts[u], begin[u] - starts[u]
        s, c = np.zeros(m), np.zeros(m)
        sk, skk, skx = np.zeros(m), np.zeros(m), np.zeros(m)
        for k in range(min(n, m)):
            p = max(k, low)
            one, two, three, four, five = c[p:], sk[p:], skk[p:], s[p:], skx[p:]
            old = x[a + p - k : a + m - k]
            for i in range(one.size):
                good = old[i] == old[i]
                there, value = (1.0, old[i]) if good else (0.0, 0.0)
                one[i] += there
                two[i] += k * there
                three[i] += k * k * there
                four[i] += value
                five[i] += k * value
        for t in range(low, m):
            known = c[t] * skk[t] - sk[t] * sk[t]
            out[a + t] = (skk[t] * s[t] - sk[t] * skx[t]) / known if c[t] > 1 else np.nan
    return out


@compiled
def split_logs(x: Values, a: int, first: int, m: int) -> tuple[Values, Values, Values]:
    """Ln of the mantissas, binary exponents and validity of rows a .. a+m-1, those before a+first left out."""
    logs, powers, v = np.zeros(m), np.zeros(m), np.zeros(m)
    for t in range(first, m):
        if x[a + t] > 0.0:
            mantissa, power = math.frexp(x[a + t])
            logs[t] = np.log(mantissa)
            powers[t] = power
            v[t] = 1.0
    return logs, powers, v


@compiled
def _trend_tstat_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    out = np.full(x.size, np.nan)
    for u in range(starts.size - 1):
        a, m, low = starts[u], starts[u + 1] - starts[u], begin[u] - starts[u]
        first = max(0, low - n + 1)
        logs, powers, v = split_logs(x, a, first, m)
        base = newest(powers, v, first)
        c, sum_x, sum_y = np.zeros(m), np.zeros(m), np.zeros(m)
        for k in range(min(n, m)):
            p, q = max(k, low), max(k, low) - k
            count, places, values, b = c[p:], sum_x[p:], sum_y[p:], base[p:]
            there, ln, power = v[q:], logs[q:], powers[q:]
            for i in range(count.size):
                count[i] += there[i]
                places[i] -= k * there[i]
                values[i] += there[i] * (ln[i] + (power[i] - b[i]) * LN2)
        slope, sxx, rss = line_through(logs, powers, v, base, low, n, sum_x / c, sum_y / c)
        for t in range(low, m):
            if c[t] > 2 and rss[t] == rss[t]:
                out[a + t] = slope[t] / np.sqrt(rss[t] / (c[t] - 2.0) / sxx[t])
    return out


@compiled
def newest(powers: Values, v: Values, first: int) -> Values:
    """The power of the newest price up to each place: what the window's powers are counted from."""
    base = powers.copy()
    for t in range(first + 1, v.size):
        if v[t] == 0.0:
            base[t] = base[t - 1]
    return base


@compiled
def line_through(
    logs: Values, powers: Values, v: Values, base: Values, low: int, n: int, mx: Values, my: Values
) -> tuple[Values, Values, Values]:
    """Slope, spread of places and squared residuals of each window's line; residuals NaN for a perfect or flat one."""
    m = v.size
    sxx, sxy, syy, rss = np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m)
    for k in range(min(n, m)):
        p, q = max(k, low), max(k, low) - k
        xx, xy, yy, b, cx, cy = sxx[p:], sxy[p:], syy[p:], base[p:], mx[p:], my[p:]
        there, ln, power = v[q:], logs[q:], powers[q:]
        for i in range(xx.size):
            dx = there[i] * (-k - cx[i])
            dy = there[i] * (ln[i] + (power[i] - b[i]) * LN2 - cy[i])
            xx[i] += dx * dx
            xy[i] += dx * dy
            yy[i] += dy * dy
    slope = sxy / sxx
    for k in range(min(n, m)):
        p, q = max(k, low), max(k, low) - k
        left, line, b, cx, cy = rss[p:], slope[p:], base[p:], mx[p:], my[p:]
        there, ln, power = v[q:], logs[q:], powers[q:]
        for i in range(left.size):
            e = there[i] * ((ln[i] + (power[i] - b[i]) * LN2 - cy[i]) - line[i] * (-k - cx[i]))
            left[i] += e * e
    for t in range(low, m):
        if rss[t] <= 1e-24 * n or rss[t] <= 1e-24 * syy[t]:
            rss[t] = np.nan
    return slope, sxx, rss
