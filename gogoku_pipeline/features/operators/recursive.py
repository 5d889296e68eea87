"""Recursions since the listing: Wilder smoothing and the exponential mean.

Formulas: W_n: first value is the mean of the first n inputs, then W = (W[-1] * (n - 1) + x) / n (Wilder 1978).
ema_n: sum of (1 - a)^i * x[i-th newest value] over the sum of the weights, a = 2 / (n + 1) (`adjust = true`).
In both a null input holds the state and gives a null output. Arguments: x [rows] float64, NaN = null; n.
Values depend on the whole history since the first stored row: the engine must be given it.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.operators.windows import compiled, window


def wilder(x: Expr, n: int) -> Expr:
    """Wilder smoothing with n inputs, seeded by their mean."""
    return window("wilder", _wilder_kernel, x, n=n)


def ema(x: Expr, n: int) -> Expr:
    """Exponential mean with alpha 2 / (n + 1) and normalised weights."""
    return window("ema", _ema_kernel, x, n=n)


@compiled
def _wilder_kernel(x: Values, starts: Whole, n: int) -> Values:
    out = np.full(x.size, np.nan)
    for u in range(starts.size - 1):
        seen, state = 0, 0.0
        for t in range(starts[u], starts[u + 1]):
            if x[t] != x[t]:
                continue
            seen += 1
            if seen <= n:
                state += x[t]
                if seen == n:
                    state /= n
            else:
                state = (state * (n - 1) + x[t]) / n
            if seen >= n:
                out[t] = state
    return out


@compiled
def _ema_kernel(x: Values, starts: Whole, n: int) -> Values:
    out = np.full(x.size, np.nan)
    keep = 1.0 - 2.0 / (n + 1.0)
    for u in range(starts.size - 1):
        weighted, weights = 0.0, 0.0
        for t in range(starts[u], starts[u + 1]):
            if x[t] == x[t]:
                weighted = weighted * keep + x[t]
                weights = weights * keep + 1.0
                out[t] = weighted / weights
    return out
