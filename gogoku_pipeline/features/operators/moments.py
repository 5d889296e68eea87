"""Third moments over a window.

Formula: skew = m3 / m2^1.5 with population moments m_k = mean((x - mean)^k) of the values present in the last n
sessions; null where m2 = 0. Arguments: x [rows] float64, NaN = null; n sessions.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.operators.windows import NEGLIGIBLE, compiled, window, window_sums


def skew(x: Expr, n: int) -> Expr:
    """Population skewness over the last n sessions; null without variance."""
    return window("skew", _skew_kernel, x, n=n)


@compiled
def _skew_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    out = np.empty(x.size)
    for u in range(starts.size - 1):
        a, b, low = starts[u], starts[u + 1], begin[u] - starts[u]
        m = b - a
        z, v, s, c = window_sums(x, a, b, low, n)
        average = s / c
        s2 = np.zeros(m)
        s3 = np.zeros(m)
        for k in range(min(n, m)):
            for t in range(max(k, low), m):
                d = z[t - k] - average[t]
                d2 = v[t - k] * d * d
                s2[t] += d2
                s3[t] += d2 * d
        for t in range(low, m):
            floor = NEGLIGIBLE * average[t]
            m2 = s2[t] / c[t]
            out[a + t] = s3[t] / c[t] / (m2 * np.sqrt(m2)) if m2 > floor * floor else np.nan
    return out
