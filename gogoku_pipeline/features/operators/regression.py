"""Least squares over a window, by complete pairs: both moments are taken over the sessions where both values exist.

Dividing a covariance over the pairs by a variance over all market returns is the classic error (golden example G7).
Arguments: y, x [rows] float64, NaN = null; n sessions. Results of `pair_regression`: slope, residual deviation
(ddof 2), squared correlation; null where x (for r2 also y) has no variance, the deviation with fewer than 3 pairs.
`trend_tstat`: t statistic of the slope of ln(price) on the session index. Prices are split into mantissa and binary
exponent before the logarithm, so multiplying a history by 2^k changes no bit.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.operators.windows import NEGLIGIBLE, compiled, window


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


@compiled
def pair_means(
    y: Values, x: Values, a: int, m: int, low: int, n: int
) -> tuple[Values, Values, Values, Values, Values, Values]:
    """Complete pairs (0 where incomplete), their validity, window means and counts."""
    zx, zy, v = np.empty(m), np.empty(m), np.empty(m)
    for t in range(max(0, low - n + 1), m):
        good = (x[a + t] == x[a + t]) and (y[a + t] == y[a + t])
        zx[t] = x[a + t] if good else 0.0
        zy[t] = y[a + t] if good else 0.0
        v[t] = 1.0 if good else 0.0
    mx, my, c = zx.copy(), zy.copy(), v.copy()
    for k in range(1, min(n, m)):
        for t in range(max(k, low), m):
            mx[t] += zx[t - k]
            my[t] += zy[t - k]
            c[t] += v[t - k]
    return zx, zy, v, mx / c, my / c, c


@compiled
def _pair_regression_kernel(y: Values, x: Values, starts: Whole, begin: Whole, n: int) -> tuple[Values, Values, Values]:
    slope, spread, r2 = np.empty(x.size), np.empty(x.size), np.empty(x.size)
    for u in range(starts.size - 1):
        a, m, low = starts[u], starts[u + 1] - starts[u], begin[u] - starts[u]
        zx, zy, v, mx, my, c = pair_means(y, x, a, m, low, n)
        sxx, sxy, syy, rss = np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m)
        for k in range(min(n, m)):
            for t in range(max(k, low), m):
                dx = zx[t - k] - mx[t]
                dy = v[t - k] * (zy[t - k] - my[t])
                sxx[t] += v[t - k] * dx * dx
                sxy[t] += dx * dy
                syy[t] += dy * dy
        for t in range(low, m):
            flat = NEGLIGIBLE * mx[t]
            slope[a + t] = sxy[t] / sxx[t] if sxx[t] > c[t] * flat * flat else np.nan
        for k in range(min(n, m)):
            for t in range(max(k, low), m):
                e = v[t - k] * ((zy[t - k] - my[t]) - slope[a + t] * (zx[t - k] - mx[t]))
                rss[t] += e * e
        for t in range(low, m):
            flat = NEGLIGIBLE * my[t]
            spread[a + t] = np.sqrt(rss[t] / (c[t] - 2.0)) if c[t] > 2 else np.nan
            r2[a + t] = slope[a + t] * sxy[t] / syy[t] if syy[t] > c[t] * flat * flat else np.nan
    return slope, spread, r2


@compiled
def split_logs(x: Values, a: int, m: int) -> tuple[Values, Values, Values]:
    """Ln of the mantissas, binary exponents and validity of rows a .. a+m-1."""
    logs, powers, v = np.zeros(m), np.zeros(m), np.zeros(m)
    for t in range(m):
        if x[a + t] > 0.0:
            mantissa, power = math.frexp(x[a + t])
            logs[t] = np.log(mantissa)
            powers[t] = power
            v[t] = 1.0
    return logs, powers, v


@compiled
def _trend_tstat_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    ln2 = np.log(2.0)
    out = np.full(x.size, np.nan)
    y = np.empty(n)
    place = np.empty(n)
    for u in range(starts.size - 1):
        a, m = starts[u], starts[u + 1] - starts[u]
        logs, powers, v = split_logs(x, a, m)
        for t in range(begin[u] - a, m):
            c = 0
            sum_y, sum_x, base = 0.0, 0.0, 0.0
            for k in range(min(n, t + 1)):
                if v[t - k] == 0.0:
                    continue
                base = powers[t - k] if c == 0 else base
                y[c] = logs[t - k] + (powers[t - k] - base) * ln2
                place[c] = -k
                sum_y += y[c]
                sum_x += place[c]
                c += 1
            if c > 2:
                out[a + t] = slope_tstat(place[:c], y[:c], sum_x / c, sum_y / c)
    return out


@compiled
def slope_tstat(x: Values, y: Values, mx: float, my: float) -> float:
    """T statistic of one least-squares line; NaN for a perfect or flat one."""
    sxx, sxy, syy, rss = 0.0, 0.0, 0.0, 0.0
    for i in range(x.size):
        dx, dy = x[i] - mx, y[i] - my
        sxx += dx * dx
        sxy += dx * dy
        syy += dy * dy
    slope = sxy / sxx
    for i in range(x.size):
        e = (y[i] - my) - slope * (x[i] - mx)
        rss += e * e
    if rss <= 1e-24 * x.size or rss <= 1e-24 * syy:
        return float(np.nan)
    return float(slope / np.sqrt(rss / (x.size - 2) / sxx))
