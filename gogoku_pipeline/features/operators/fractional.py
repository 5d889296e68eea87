"""Fractional difference of a log price over a fixed window (Hosking 1981; Lopez de Prado 2018, chapter 5).

Formula: sum over k = 0 .. n-1 of w_k * ln(p[t-k] / p[t-n+1]); w_0 = 1, w_k = -w_(k-1) * (d - k + 1) / k. Written over
one-session log returns r it is the sum over j = 0 .. n-2 of (w_0 + .. + w_j) * r[t-j]: the same number without a level
in it. Null unless all n prices exist. Arguments: price [rows] float64, NaN = null; n sessions; d.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Expr, Values, Whole, log
from gogoku_pipeline.features.operators.windows import lag, window


def fractional_difference(price: Expr, n: int, d: float) -> Expr:
    """Log price differenced d times, relative to the oldest price of the last n sessions."""
    return window("fractional_difference", _difference_kernel, log(price / lag(price, 1)), n=n - 1, extra=(d,))


@compiled
def fractional_weights(d: float, n: int) -> Values:
    """The first n weights of the binomial series of (1 - lag)^d."""
    weights = np.ones(n)
    for k in range(1, n):
        weights[k] = -weights[k - 1] * (d - k + 1.0) / k
    return weights


@compiled
def _difference_kernel(r: Values, starts: Whole, begin: Whole, n: int, d: float) -> Values:
    out = np.full(r.size, np.nan)
    weights = np.cumsum(fractional_weights(d, n))
    for u in range(starts.size - 1):
        low, b = max(begin[u], starts[u] + n - 1), starts[u + 1]
        if low >= b:
            continue
        sums = np.zeros(b - low)
        for j in range(n):
            old, weight = r[low - j : b - j], weights[j]
            for i in range(sums.size):
                sums[i] += weight * old[i]
        out[low:b] = sums
    return out
