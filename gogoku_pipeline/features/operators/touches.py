"""Things that happen to a stock now and then: how long ago the last one was, and how many came in a row.

Kernels as in `windows` and `recursive`. A claim is 1 where it happened, 0 where it did not, null where nobody knows.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.operators.recursive import recursion
from gogoku_pipeline.features.operators.windows import window


def claim_age(claim: Expr, most: int) -> Expr:
    """Sessions since the claim last held (0 = today), or `most` where it did not in the last `most` sessions.

    Of a stock with fewer sessions, those there are count.
    """
    return window("claim_age", _claim_age_kernel, claim, n=most)


def held_run(claim: Expr) -> Expr:
    """How many times in a row the claim held; a session without an answer holds the run and is itself null."""
    return recursion("held_run", _held_run_kernel, claim, size=1)


@compiled
def _claim_age_kernel(claim: Values, starts: Whole, begin: Whole, most: int) -> Values:
    out = np.full(claim.size, np.nan)
    for u in range(starts.size - 1):
        first = max(starts[u], begin[u] - most + 1)
        last = first - most
        for t in range(first, starts[u + 1]):
            if claim[t] == 1.0:
                last = t
            out[t] = min(t - last, most)
    return out


@compiled
def _held_run_kernel(claim: Values, starts: Whole, begin: Whole, state: Values) -> Values:
    out = np.full(claim.size, np.nan)
    for u in range(starts.size - 1):
        run = state[u, 0]
        for t in range(begin[u], starts[u + 1]):
            if claim[t] == claim[t]:
                run = run + 1.0 if claim[t] == 1.0 else 0.0
                out[t] = run
        state[u, 0] = run
    return out
