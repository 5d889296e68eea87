"""Bid-ask spreads seen in prices alone: Corwin-Schultz (2012) from highs and lows, Roll (1984) from bounces.

Corwin-Schultz, per pair of sessions: b = sum of ln(h/l)^2 over t-1 and t, g = ln(max h / min l)^2 over both,
a = (sqrt(2b) - sqrt(b)) / (3 - 2 sqrt 2) - sqrt(g / (3 - 2 sqrt 2)), spread = max(0, 2 (e^a - 1) / (1 + e^a)); when the
previous close lies outside today's range, today's high and low are first moved by the gap.
Roll: -sign(g) * 2 * sqrt(|g|), g the sample covariance (ddof 1) of a return with the one before, over complete pairs.
"""

from __future__ import annotations

import math

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import (
    Expr,
    Values,
    Whole,
    greater,
    larger,
    log,
    magnitude,
    pointwise,
    sqrt,
    where,
)
from gogoku_pipeline.features.operators.products import COUNT, SUM_X, SUM_Y, XY, place_products
from gogoku_pipeline.features.operators.regression import complete_pairs
from gogoku_pipeline.features.operators.windows import NEGLIGIBLE, lag, window

_ROOTS = 3.0 - 2.0 * math.sqrt(2.0)


def corwin_schultz(high: Expr, low: Expr, close: Expr) -> Expr:
    """The spread that the ranges of two sessions imply, as a share of the price; arguments of one basis."""
    before = lag(close, 1)
    gap = larger(low - before, 0.0) - larger(before - high, 0.0)
    top, bottom = high - gap, low - gap
    top_before, bottom_before = lag(high, 1), lag(low, 1)
    today, yesterday = log(top / bottom), log(top_before / bottom_before)
    both = log(larger(top, top_before) / -larger(-bottom, -bottom_before))
    root = sqrt(today * today + yesterday * yesterday)
    a = root * ((math.sqrt(2.0) - 1.0) / _ROOTS) - both / math.sqrt(_ROOTS)
    return larger(pointwise("tanh_of_half", _tanh_of_half, a) * 2.0, 0.0)


def roll_spread(ret: Expr, n: int) -> Expr:
    """The signed spread that the bounce of n returns implies: n - 1 pairs of neighbours."""
    bounce = pair_covariance(ret, lag(ret, 1), n - 1)
    size = sqrt(magnitude(bounce)) * 2.0
    return where(greater(bounce, 0.0), -size, size)


def pair_covariance(y: Expr, x: Expr, n: int) -> Expr:
    """Sample covariance (ddof 1) over the complete pairs of the last n sessions; null with fewer than two."""
    return window("pair_covariance", _pair_covariance_kernel, y, x, n=n)


def _tanh_of_half(a: Values) -> Values:
    """(e^a - 1) / (e^a + 1), without the loss of figures near a = 0."""
    return np.asarray(np.tanh(a / 2.0))


@compiled
def _pair_covariance_kernel(y: Values, x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    out = np.full(x.size, np.nan)
    for u in range(starts.size - 1):
        a, m, low = starts[u], starts[u + 1] - starts[u], begin[u] - starts[u]
        first = max(0, low - n + 1)
        zy, zx, v = complete_pairs(y, x, a, m, first)
        moments = place_products(zy, zx, v, first, low, n)
        for t in range(low, m):
            c, sxy = moments[COUNT, t], moments[XY, t]
            if c > 1.0:
                flat = NEGLIGIBLE * NEGLIGIBLE * abs(moments[SUM_X, t] * moments[SUM_Y, t]) / c
                out[a + t] = sxy / (c - 1.0) if abs(sxy) > flat else 0.0
    return out
