"""Kaufman's adaptive moving average: quick when the path is straight, slow when it is noise (Kaufman 1995).

Formula: K = K[-1] + s * (c - K[-1]); s = (ER * (2/3 - 2/31) + 2/31)^2; ER = |c - c[-n]| / sum_n |dc|, all over the
stock's traded closes: a session without a trade holds the state and gives a null. K starts as the (n+1)-th close.
Where none of the last n closes moved, ER is 0/0: K is held and null.

Argument: close [rows] float64, NaN = null. Results: K and the path length sum_n |dc|. The state carries the number of
closes, K and the last n closes, newest first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.operators.recursive import recursion

FAST, SLOW = 2.0 / 3.0, 2.0 / 31.0
"""Smoothing constants of exponential means over 2 and 30 sessions (Kaufman's own)."""


class AdaptiveMean(NamedTuple):
    """The two results of one recursion."""

    level: Expr
    path: Expr


def adaptive_mean(close: Expr, n: int) -> AdaptiveMean:
    """The adaptive mean with an efficiency ratio over n traded closes, and the length of their path."""
    whole = recursion("adaptive_mean", _adaptive_mean_kernel, close, size=2 + n, params=(n,))
    return AdaptiveMean(*(replace(whole, field=i) for i in range(2)))


@compiled
def _adaptive_mean_kernel(close: Values, starts: Whole, begin: Whole, state: Values, n: int) -> tuple[Values, Values]:
    out, path = np.full(close.size, np.nan), np.full(close.size, np.nan)
    for u in range(starts.size - 1):
        seen, level, past = state[u, 0], state[u, 1], state[u, 2:]
        for t in range(begin[u], starts[u + 1]):
            if close[t] != close[t]:
                continue
            if seen >= n:
                travel, newer = 0.0, close[t]
                for k in range(n):
                    travel += abs(newer - past[k])
                    newer = past[k]
                path[t] = travel
                if seen == n:
                    level = close[t]
                elif travel > 0.0:
                    speed = abs(close[t] - past[n - 1]) / travel * (FAST - SLOW) + SLOW
                    level += speed * speed * (close[t] - level)
                if travel > 0.0:
                    out[t] = level
            for k in range(n - 1, 0, -1):
                past[k] = past[k - 1]
            past[0] = close[t]
            seen += 1.0
        state[u, 0], state[u, 1] = seen, level
    return out, path
