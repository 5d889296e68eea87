"""Where a value stands among the values before it: its average-tie rank in its own window.

Source: features.md 1.5 (ranks).
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.operators.windows import window


def rank_in_own_past(x: Expr, n: int) -> Expr:
    """(average rank - 1)/(j - 1) of today's value among the j values of the last n sessions; null for j = 1."""
    return window("rank_in_own_past", _rank_in_own_past_kernel, x, n=n)


@compiled
def _rank_in_own_past_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    out = np.full(x.size, np.nan)
    for u in range(starts.size - 1):
        for t in range(begin[u], starts[u + 1]):
            if x[t] != x[t]:
                continue
            less, others, same = 0, 0, 0
            for s in range(max(starts[u], t - n + 1), t):
                less += x[s] < x[t]
                same += x[s] == x[t]
                others += x[s] == x[s]
            if others > 0:
                out[t] = (less + 0.5 * same) / others
    return out
