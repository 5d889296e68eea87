"""Runs: how many sessions in a row went the same way, or a condition has held.

Formulas: `signed_run`: u = sign(x) * (1 + |u[t-1]| if u[t-1] has the same sign else 1), 0 where x = 0; a null ends the
run and gives a null. `run_length`: u = u[t-1] + 1 where the claim holds, 0 where not; a null gives a null and holds
the count. Both are recursive and carry one whole number.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Expr, Values, Whole, pointwise
from gogoku_pipeline.features.operators.recursive import recursion


def direction(x: Expr) -> Expr:
    """1 for a rise, -1 for a fall, 0 for neither."""
    return pointwise("direction", np.sign, x)


def signed_run(x: Expr) -> Expr:
    """Sessions in a row with the sign of today's value, negative for falls; a null session ends the run."""
    return recursion("signed_run", _signed_run_kernel, x, size=1)


def run_length(claim: Expr) -> Expr:
    """Sessions in a row on which a claim (not 0) has held, 0 where it does not; a null session holds the count."""
    return recursion("run_length", _run_length_kernel, claim, size=1)


@compiled
def _signed_run_kernel(x: Values, starts: Whole, begin: Whole, state: Values) -> Values:
    out = np.full(x.size, np.nan)
    for u in range(starts.size - 1):
        run = state[u, 0]
        for t in range(begin[u], starts[u + 1]):
            if x[t] > 0.0:
                run = run + 1.0 if run > 0.0 else 1.0
            elif x[t] < 0.0:
                run = run - 1.0 if run < 0.0 else -1.0
            else:
                run = 0.0
            if x[t] == x[t]:
                out[t] = run
        state[u, 0] = run
    return out


@compiled
def _run_length_kernel(claim: Values, starts: Whole, begin: Whole, state: Values) -> Values:
    out = np.full(claim.size, np.nan)
    for u in range(starts.size - 1):
        run = state[u, 0]
        for t in range(begin[u], starts[u + 1]):
            if claim[t] == claim[t]:
                run = run + 1.0 if claim[t] != 0.0 else 0.0
                out[t] = run
        state[u, 0] = run
    return out
