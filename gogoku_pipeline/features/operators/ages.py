"""How long ago something last happened.

Formula: t - (last session with a value), at most n; where none of the last n sessions has one the age is n, so callers
that never saw a value hide it by their min_obs. Arguments: x [rows] float64, NaN = null; n sessions.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.operators.windows import window


def sessions_since(x: Expr, n: int) -> Expr:
    """Sessions since x last had a value, 0 for today, capped at n."""
    return window("sessions_since", _sessions_since_kernel, x, n=n)


@compiled
def _sessions_since_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    out = np.empty(x.size)
    for u in range(starts.size - 1):
        age = n
        for t in range(max(starts[u], begin[u] - n + 1), starts[u + 1]):
            age = 0 if x[t] == x[t] else min(age + 1, n)
            out[t] = age
    return out
