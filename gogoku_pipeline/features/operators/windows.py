"""Lags and windows over one stock's own sessions: sums, means, deviations, extremes.

Every window is typed in sessions: the last n rows of the dense table including t. A row without a value occupies its
place and gives no observation. Windows shorter than n (young listings) use what is there; the engine hides values
with fewer than min_obs observations.

Kernels take `x` [rows] float64 (NaN = null), `starts` [units + 1] and `begin` [units]: unit u owns rows starts[u] ..
starts[u+1]-1 in session order, and only its rows from begin[u] on are computed (earlier ones may hold anything). The
loop over window places is the outer one, so the inner loop runs along time in vector registers while each sum is
still taken in one fixed order, newest to oldest: a value has the same bits wherever the rows begin.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features.expressions import Expr, Values, Whole, sqrt

compiled: Callable[[Callable[..., Any]], Callable[..., Any]] = numba.njit(cache=True, nogil=True, error_model="numpy")
"""Compiled once, kept on disk, IEEE division, no re-ordering of sums."""

NEGLIGIBLE = 1e-13
"""A deviation below this share of the mean is the rounding of a constant series: its variance is zero."""


def window(
    name: str, kernel: Callable[..., Any], *args: Expr, n: int, extra: tuple[Any, ...] = (), back: int | None = None
) -> Expr:
    """An operator over the last n sessions of one stock (or of one market, group or release series).

    Args:
        name: of the operator.
        kernel: what computes it.
        *args: its arguments.
        n: its window, the kernel's first setting.
        extra: further settings of the kernel.
        back: rows before t that it reads; None for n - 1.
    """
    if n < 1:
        raise FeatureError(
            f"{name} over {n} sessions", got=str(n), want="a window of at least 1", remedy="Count sessions back from t."
        )
    return Expr(name, "window", args, (n, *extra), kernel, back=n - 1 if back is None else back)


def lag(x: Expr, n: int) -> Expr:
    """The value n sessions ago; n must be positive, so nobody can look ahead."""
    if n < 1:
        raise FeatureError(
            f"lag({x.key}, {n})",
            got=f"n = {n}",
            want="n >= 1: the past",
            remedy="Features look back only; forward returns are labels and live in dataset.",
        )
    return window("lag", _lag_kernel, x, n=n, back=n)


def total(x: Expr, n: int) -> Expr:
    """Sum over the last n sessions; null when there is no value at all."""
    return window("total", _total_kernel, x, n=n)


def mean(x: Expr, n: int) -> Expr:
    """Mean of the values present in the last n sessions."""
    return window("mean", _mean_kernel, x, n=n)


def count(x: Expr, n: int) -> Expr:
    """How many of the last n sessions have a value."""
    return window("count", _count_kernel, x, n=n)


def variance(x: Expr, n: int, ddof: int = 1) -> Expr:
    """Variance over the last n sessions (two passes); null with ddof or fewer values."""
    return window("variance", _variance_kernel, x, n=n, extra=(ddof,))


def deviation(x: Expr, n: int, ddof: int = 1) -> Expr:
    """Standard deviation over the last n sessions."""
    return sqrt(variance(x, n, ddof))


def highest(x: Expr, n: int) -> Expr:
    """Largest value of the last n sessions."""
    return window("highest", _highest_kernel, x, n=n)


def lowest(x: Expr, n: int) -> Expr:
    """Smallest value of the last n sessions."""
    return -highest(-x, n)


def top_mean(x: Expr, n: int, k: int) -> Expr:
    """Mean of the k largest values of the last n sessions; null with fewer than k values."""
    return window("top_mean", _top_mean_kernel, x, n=n, extra=(k,))


@compiled
def _lag_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    out = np.full(x.size, np.nan)
    for u in range(starts.size - 1):
        for t in range(max(starts[u] + n, begin[u]), starts[u + 1]):
            out[t] = x[t - n]
    return out


@compiled
def window_sums(x: Values, a: int, b: int, low: int, n: int) -> tuple[Values, Values, Values, Values]:
    """Sums and counts of the values present in the windows that end in rows a + low .. b-1."""
    m = b - a
    z = np.empty(m)
    v = np.empty(m)
    for t in range(max(0, low - n + 1), m):
        good = x[a + t] == x[a + t]
        z[t] = x[a + t] if good else 0.0
        v[t] = 1.0 if good else 0.0
    s = z.copy()
    c = v.copy()
    for k in range(1, min(n, m)):
        for t in range(max(k, low), m):
            s[t] += z[t - k]
            c[t] += v[t - k]
    return z, v, s, c


@compiled
def _total_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    out = np.empty(x.size)
    for u in range(starts.size - 1):
        a, b, low = starts[u], starts[u + 1], begin[u] - starts[u]
        _, _, s, c = window_sums(x, a, b, low, n)
        for t in range(low, b - a):
            out[a + t] = s[t] if c[t] > 0 else np.nan
    return out


@compiled
def _mean_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    out = np.empty(x.size)
    for u in range(starts.size - 1):
        a, b, low = starts[u], starts[u + 1], begin[u] - starts[u]
        _, _, s, c = window_sums(x, a, b, low, n)
        for t in range(low, b - a):
            out[a + t] = s[t] / c[t]
    return out


@compiled
def _count_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    out = np.empty(x.size)
    for u in range(starts.size - 1):
        first = max(starts[u], begin[u] - n + 1)
        present = 0
        for t in range(first, starts[u + 1]):
            present += x[t] == x[t]
            if t - n >= first:
                present -= x[t - n] == x[t - n]
            out[t] = present
    return out


@compiled
def _variance_kernel(x: Values, starts: Whole, begin: Whole, n: int, ddof: int) -> Values:
    out = np.empty(x.size)
    for u in range(starts.size - 1):
        a, b, low = starts[u], starts[u + 1], begin[u] - starts[u]
        m = b - a
        z, v, s, c = window_sums(x, a, b, low, n)
        average = s / c
        ss = np.zeros(m)
        for k in range(min(n, m)):
            for t in range(max(k, low), m):
                d = z[t - k] - average[t]
                ss[t] += v[t - k] * d * d
        for t in range(low, m):
            floor = NEGLIGIBLE * average[t]
            if ss[t] <= c[t] * floor * floor:
                ss[t] = 0.0
            out[a + t] = ss[t] / (c[t] - ddof) if c[t] > ddof else np.nan
    return out


@compiled
def _highest_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    out = np.empty(x.size)
    for u in range(starts.size - 1):
        a, m = starts[u], starts[u + 1] - starts[u]
        first = max(0, begin[u] - a - n + 1)
        z = np.empty(m)
        for t in range(first, m):
            z[t] = x[a + t] if x[a + t] == x[a + t] else -np.inf
        top = z.copy()
        reach = 1
        while reach * 2 <= n:
            for t in range(m - 1, first + reach - 1, -1):
                top[t] = max(top[t], top[t - reach])
            reach *= 2
        for t in range(begin[u] - a, m):
            older = t - (n - reach)
            best = max(top[t], top[older]) if older >= first else top[t]
            out[a + t] = best if best > -np.inf else np.nan
    return out


@compiled
def _top_mean_kernel(x: Values, starts: Whole, begin: Whole, n: int, k: int) -> Values:
    out = np.empty(x.size)
    best = np.empty(k)
    for u in range(starts.size - 1):
        a = starts[u]
        for t in range(begin[u], starts[u + 1]):
            best[:] = -np.inf
            for s in range(t, max(a, t - n + 1) - 1, -1):
                value = x[s]
                if value > best[k - 1]:
                    place = k - 1
                    while place > 0 and value > best[place - 1]:
                        best[place] = best[place - 1]
                        place -= 1
                    best[place] = value
            sum_best = 0.0
            for place in range(k):
                sum_best += best[place]
            out[t] = sum_best / k if best[k - 1] > -np.inf else np.nan
    return out
