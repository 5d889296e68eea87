"""How long ago the extreme of a window was.

Formula: sessions since the largest value of the last n sessions, the most recent one on ties (Aroon: Chande 1995).
Arguments: x [rows] float64, NaN = null; n sessions. A value is compared, never computed with, so a queue of
candidates serves: each row enters and leaves it once, whatever n is.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.operators.windows import compiled, window


def age_of_highest(x: Expr, n: int) -> Expr:
    """Sessions since the largest value of the last n sessions, 0 for today; null without a value."""
    return window("age_of_highest", _age_of_highest_kernel, x, n=n)


def age_of_lowest(x: Expr, n: int) -> Expr:
    """Sessions since the smallest value of the last n sessions, 0 for today; null without a value."""
    return age_of_highest(-x, n)


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
