"""Recursions since the listing: Wilder smoothing, the exponential mean, the number of observations, the value before.

Formulas: W_n: first value is the mean of the first n inputs, then W = (W[-1] * (n - 1) + x) / n (Wilder 1978).
ema_n: sum of (1 - a)^i * x[i-th newest value] over the sum of the weights, a = 2 / (n + 1) (`adjust = true`).
In both a null input holds the state and gives a null output. `previous` is the value of the session before, null or
not: a lag over a recursion's own results, whose earlier rows a carried state does not hold. Values depend on the whole
history since the first stored row: the engine is given that history, or the state after it.

Kernels take x [rows] float64 (NaN = null), starts [units + 1], begin [units] and state [units, size] float64. The
state holds what the rows before begin[u] left behind (zeros for a new listing, begin[u] = starts[u]) and is brought
to the unit's end in place, so a session appended to a carried state has the same bits as a rebuild.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Expr, Values, Whole


def recursion(name: str, kernel: Callable[..., Any], *args: Expr, size: int, params: tuple[Any, ...] = ()) -> Expr:
    """An operator that carries `size` numbers per stock from session to session."""
    return Expr(name, "recursive", args, params, kernel, state_size=size)


def wilder(x: Expr, n: int) -> Expr:
    """Wilder smoothing with n inputs, seeded by their mean."""
    return recursion("wilder", _wilder_kernel, x, size=2, params=(n,))


def ema(x: Expr, n: int) -> Expr:
    """Exponential mean with alpha 2 / (n + 1) and normalised weights."""
    return recursion("ema", _ema_kernel, x, size=2, params=(n,))


def observations(x: Expr) -> Expr:
    """How many sessions since the listing have a value."""
    return recursion("observations", _observations_kernel, x, size=1)


def previous(x: Expr) -> Expr:
    """The value of the session before, carried: what a formula asks of a recursive value instead of a lag."""
    return recursion("previous", _previous_kernel, x, size=2)


@compiled
def _wilder_kernel(x: Values, starts: Whole, begin: Whole, state: Values, n: int) -> Values:
    out = np.full(x.size, np.nan)
    for u in range(starts.size - 1):
        seen, level = state[u, 0], state[u, 1]
        for t in range(begin[u], starts[u + 1]):
            if x[t] != x[t]:
                continue
            seen += 1.0
            if seen <= n:
                level += x[t]
                if seen == n:
                    level /= n
            else:
                level = (level * (n - 1) + x[t]) / n
            if seen >= n:
                out[t] = level
        state[u, 0], state[u, 1] = seen, level
    return out


@compiled
def _ema_kernel(x: Values, starts: Whole, begin: Whole, state: Values, n: int) -> Values:
    out = np.full(x.size, np.nan)
    keep = 1.0 - 2.0 / (n + 1.0)
    for u in range(starts.size - 1):
        weighted, weights = state[u, 0], state[u, 1]
        for t in range(begin[u], starts[u + 1]):
            if x[t] == x[t]:
                weighted = weighted * keep + x[t]
                weights = weights * keep + 1.0
                out[t] = weighted / weights
        state[u, 0], state[u, 1] = weighted, weights
    return out


@compiled
def _observations_kernel(x: Values, starts: Whole, begin: Whole, state: Values) -> Values:
    out = np.empty(x.size)
    for u in range(starts.size - 1):
        seen = state[u, 0]
        for t in range(begin[u], starts[u + 1]):
            seen += 1.0 if x[t] == x[t] else 0.0
            out[t] = seen
        state[u, 0] = seen
    return out


@compiled
def _previous_kernel(x: Values, starts: Whole, begin: Whole, state: Values) -> Values:
    out = np.full(x.size, np.nan)
    for u in range(starts.size - 1):
        known, value = state[u, 0], state[u, 1]
        for t in range(begin[u], starts[u + 1]):
            if known > 0.0:
                out[t] = value
            known = 1.0 if x[t] == x[t] else 0.0
            value = x[t] if known > 0.0 else 0.0
        state[u, 0], state[u, 1] = known, value
    return out
