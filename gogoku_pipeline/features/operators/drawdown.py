"""The deepest fall inside a window (maximum drawdown; Magdon-Ismail and Atiya 2004).

Formula: min over s of x[s] / max(x over window start .. s) - 1, over the values present in the last n sessions.
Arguments: x [rows] float64 > 0, NaN = null; n sessions.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.operators.windows import window


def deepest_fall(x: Expr, n: int) -> Expr:
    """Largest fall from an earlier high inside the last n sessions, 0 or negative; null without a value."""
    return window("deepest_fall", _deepest_fall_kernel, x, n=n)


@compiled
def _deepest_fall_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    out = np.full(x.size, np.nan)
    for u in range(starts.size - 1):
        a, b = starts[u], starts[u + 1]
        ratio, lowest = np.full(b - begin[u], np.inf), np.full(b - begin[u], np.inf)
        for k in range(min(n, b - a)):
            start = max(begin[u], a + k)
            least, low = ratio[start - begin[u] :], lowest[start - begin[u] :]
            old = x[start - k : b - k]
            for i in range(least.size):
                if old[i] == old[i]:
                    low[i] = min(low[i], old[i])
                    least[i] = min(least[i], low[i] / old[i])
        for t in range(begin[u], b):
            fall = ratio[t - begin[u]]
            out[t] = fall - 1.0 if fall < np.inf else np.nan
    return out
