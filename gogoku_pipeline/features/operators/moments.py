"""Third and fourth moments over a window.

Formulas: skew = m3 / m2^1.5, kurtosis = m4 / m2^2 - 3, with population moments m_k = mean((x - mean)^k) of the values
present in the last n sessions; null where m2 = 0. Arguments: x [rows] float64, NaN = null; n sessions. With j values
|skew| <= (j - 2) / sqrt(j - 1) and -2 <= kurtosis <= (j^2 - 3j + 3) / (j - 1) - 3 (Dalen 1987).
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.operators.windows import NEGLIGIBLE, window, window_sums


def skew(x: Expr, n: int) -> Expr:
    """Population skewness over the last n sessions; null without variance."""
    return replace(window("shape", _shape_kernel, x, n=n), field=0)


def kurtosis(x: Expr, n: int) -> Expr:
    """Population excess kurtosis over the last n sessions; null without variance."""
    return replace(window("shape", _shape_kernel, x, n=n), field=1)


def most_skew(n: int) -> float:
    """Largest skewness that n values can have: all but one of them are equal."""
    return (n - 2) / math.sqrt(n - 1)


def most_kurtosis(n: int) -> float:
    """Largest excess kurtosis that n values can have: all but one of them are equal."""
    return (n * n - 3 * n + 3) / (n - 1) - 3


@compiled
def _shape_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> tuple[Values, Values]:
    lean, tails = np.empty(x.size), np.empty(x.size)
    for u in range(starts.size - 1):
        a, b, low = starts[u], starts[u + 1], begin[u] - starts[u]
        m = b - a
        z, v, s, c = window_sums(x, a, b, low, n)
        average = s / c
        s2, s3, s4 = np.zeros(m), np.zeros(m), np.zeros(m)
        for k in range(min(n, m)):
            start = max(k, low)
            two, three, four = s2[start:], s3[start:], s4[start:]
            mid, old, there = average[start:], z[start - k :], v[start - k :]
            for i in range(two.size):
                d = old[i] - mid[i]
                d2 = there[i] * d * d
                two[i] += d2
                three[i] += d2 * d
                four[i] += d2 * d2
        for t in range(low, m):
            floor = NEGLIGIBLE * average[t]
            m2 = s2[t] / c[t]
            good = m2 > floor * floor
            lean[a + t] = s3[t] / c[t] / (m2 * np.sqrt(m2)) if good else np.nan
            tails[a + t] = s4[t] / c[t] / (m2 * m2) - 3.0 if good else np.nan
    return lean, tails
