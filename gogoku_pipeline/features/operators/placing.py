"""The place of today's value among the ones before it (PercentRank of ConnorsRSI: Connors and Alvarez 2012).

Formula: (count of x[t-k] < x[t] + half the count of x[t-k] = x[t]) / count of x[t-k], k = 1 .. n, over the values
present; null without x[t] or any of them. Arguments: x [rows] float64, NaN = null; n sessions.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.operators.windows import window


def share_below(x: Expr, n: int) -> Expr:
    """Share of the previous n sessions' values that lie below today's; ties count half."""
    return window("share_below", _share_below_kernel, x, n=n, back=n)


@compiled
def _share_below_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    out = np.full(x.size, np.nan)
    for u in range(starts.size - 1):
        a, b = starts[u], starts[u + 1]
        below, known = np.zeros(b - begin[u]), np.zeros(b - begin[u])
        for k in range(1, min(n, b - a - 1) + 1):
            start = max(begin[u], a + k)
            less, there = below[start - begin[u] :], known[start - begin[u] :]
            now, old = x[start:b], x[start - k : b - k]
            for i in range(less.size):
                less[i] += (1.0 if old[i] < now[i] else 0.0) + (0.5 if old[i] == now[i] else 0.0)
                there[i] += 1.0 if old[i] == old[i] else 0.0
        for t in range(begin[u], b):
            if x[t] == x[t]:
                out[t] = below[t - begin[u]] / known[t - begin[u]]
    return out
