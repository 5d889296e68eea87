"""Returns compounded over a window, and levels given by their decimal logarithm.

Formula: prod(1 + x) - 1 over the values present in the last n rows, newest first; null when there is none. Kernels as
in `windows`.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Expr, Values, Whole, pointwise
from gogoku_pipeline.features.operators.windows import window


def compounded(x: Expr, n: int) -> Expr:
    """What the returns of the last n sessions make together."""
    return window("compounded", _compounded_kernel, x, n=n)


def power_of_ten(x: Expr) -> Expr:
    """The amount whose decimal logarithm is x."""
    return pointwise("power_of_ten", _power_of_ten, x)


def _power_of_ten(x: Values) -> Values:
    return np.asarray(np.power(10.0, x))


@compiled
def _compounded_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    out = np.empty(x.size)
    for u in range(starts.size - 1):
        a, m, low = starts[u], starts[u + 1] - starts[u], begin[u] - starts[u]
        growth, valid = np.empty(m), np.empty(m)
        for t in range(max(0, low - n + 1), m):
            good = x[a + t] == x[a + t]
            growth[t] = 1.0 + x[a + t] if good else 1.0
            valid[t] = 1.0 if good else 0.0
        made, present = growth.copy(), valid.copy()
        for k in range(1, min(n, m)):
            start = max(k, low)
            products, counts, old, there = made[start:], present[start:], growth[start - k :], valid[start - k :]
            for i in range(products.size):
                products[i] *= old[i]
                counts[i] += there[i]
        for t in range(low, m):
            out[a + t] = made[t] - 1.0 if present[t] > 0 else np.nan
    return out
