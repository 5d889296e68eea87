"""Extremes of a window: how long ago the largest value was, and the mean of the k largest.

Formulas: sessions since the largest value of the last n sessions, the most recent one on ties (Aroon: Chande 1995);
(x_(1) + .. + x_(k)) / k with x_(i) the i-th largest (MAX: Bali, Cakici and Whitelaw 2011). Arguments: x [rows]
float64, NaN = null; n sessions. For the age a queue of candidates serves, which each row enters and leaves once.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.operators.windows import window


def age_of_highest(x: Expr, n: int) -> Expr:
    """Sessions since the largest value of the last n sessions, 0 for today; null without a value."""
    return window("age_of_highest", _age_of_highest_kernel, x, n=n)


def age_of_lowest(x: Expr, n: int) -> Expr:
    """Sessions since the smallest value of the last n sessions, 0 for today; null without a value."""
    return age_of_highest(-x, n)


def top_mean(x: Expr, n: int, k: int) -> Expr:
    """Mean of the k largest values of the last n sessions; null with fewer than k values."""
    return window("top_mean", _top_mean_kernel, x, n=n, extra=(k,))


@compiled
def _age_of_highest_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    out = np.full(x.size, np.nan)
    for u in range(starts.size - 1):
        first = max(starts[u], begin[u] - n + 1)
        queue = np.empty(max(starts[u + 1] - first, 1), np.int64)
        head, tail = 0, 0
        for t in range(first, starts[u + 1]):
            if x[t] == x[t]:
                while tail > head and x[queue[tail - 1]] <= x[t]:
                    tail -= 1
                queue[tail] = t
                tail += 1
            while tail > head and queue[head] <= t - n:
                head += 1
            if tail > head:
                out[t] = t - queue[head]
    return out


@compiled
def _top_mean_kernel(x: Values, starts: Whole, begin: Whole, n: int, k: int) -> Values:
    out = np.empty(x.size)
    for u in range(starts.size - 1):
        a, b, low = starts[u], starts[u + 1], begin[u]
        best, rest = np.full((k, b - low), -np.inf), np.empty(b - low)
        for place in range(min(n, b - a)):
            start = max(low, a + place)
            left = rest[start - low :]
            for i in range(left.size):
                value = x[start - place + i]
                left[i] = value if value == value else -np.inf
            for rank in range(k):
                kept = best[rank, start - low :]
                for i in range(left.size):
                    more, less = max(kept[i], left[i]), min(kept[i], left[i])
                    kept[i] = more
                    left[i] = less
        for t in range(low, b):
            best_sum = 0.0
            for rank in range(k):
                best_sum += best[rank, t - low]
            out[t] = best_sum / k if best_sum > -np.inf else np.nan
    return out
