"""Lags and windows over one stock's own sessions: sums, means, deviations, highs and lows.

Every window is typed in sessions: the last n rows of the dense table including t. A row without a value occupies its
place and gives no observation. Windows shorter than n (young listings) use what is there; the engine hides values
with fewer than min_obs observations.

Kernels take `x` [rows] float64 (NaN = null), `starts` [units + 1] and `begin` [units]: unit u owns rows starts[u] ..
starts[u+1]-1 in session order, and only its rows from begin[u] on are computed (earlier ones may hold anything). The
loop over window places is the outer one, over slices, so the inner loop runs along time in vector registers. Every
sum is taken in one fixed order of places relative to t (newest to oldest, or by halves: `halves`): a value has the
same bits wherever the rows begin. `ASKED` names the kernels whose windows of one series cost one call together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gogoku_pipeline.core.compilation import compiled as compiled
from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features.expressions import Expr, Values, Whole, sqrt
from gogoku_pipeline.features.operators.halves import COUNT, HIGHEST, MEAN, TOTAL, VARIANCE, alone
from gogoku_pipeline.features.operators.halves import NEGLIGIBLE as NEGLIGIBLE


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


@compiled
def _lag_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    out = np.full(x.size, np.nan)
    for u in range(starts.size - 1):
        first = min(max(starts[u] + n, begin[u]), starts[u + 1])
        out[first : starts[u + 1]] = x[first - n : starts[u + 1] - n]
    return out


@compiled
def place_sums(z: Values, first: int, low: int, n: int) -> Values:
    """Sums of z over the n places up to t, for t from `low` on; there is nothing before place `first`.

    Sums over 1, 2, 4, .. places are doubled, then the parts that make up n are added, newest part first: log2(n)
    additions instead of n, in an order that depends on n alone.
    """
    m = z.size
    out = np.zeros(m)
    part, longer = z.copy(), np.empty(m)
    done, reach = 0, 1
    while True:
        if n & reach:
            from_place = max(low, first + done)
            if from_place < m:
                sums, parts = out[from_place:], part[from_place - done :]
                for i in range(sums.size):
                    sums[i] += parts[i]
            done += reach
        if reach * 2 > n:
            return out
        edge = min(first + reach, m)
        longer[first:edge] = part[first:edge]
        sums, newer, older = longer[edge:], part[edge:], part[edge - reach if edge < m else edge :]
        for i in range(sums.size):
            sums[i] = newer[i] + older[i]
        part, longer = longer, part
        reach *= 2


@compiled
def present_values(x: Values, a: int, m: int, first: int) -> tuple[Values, Values]:
    """Values (0 where null) and their presence, of places first .. m-1 of the unit that starts in row a."""
    z, v = np.zeros(m), np.zeros(m)
    value, there, held = z[first:], v[first:], x[a + first : a + m]
    for i in range(held.size):
        value[i] = held[i] if held[i] == held[i] else 0.0
    for i in range(held.size):
        there[i] = 1.0 if held[i] == held[i] else 0.0
    return z, v


@compiled
def window_sums(x: Values, a: int, b: int, low: int, n: int) -> tuple[Values, Values, Values, Values]:
    """Values and presence, and their sums over the windows that end in rows a + low .. b-1."""
    first = max(0, low - n + 1)
    z, v = present_values(x, a, b - a, first)
    return z, v, place_sums(z, first, low, n), place_sums(v, first, low, n)


@compiled
def _total_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    return np.asarray(alone(x, starts, begin, TOTAL, n, 0))


@compiled
def _mean_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    return np.asarray(alone(x, starts, begin, MEAN, n, 0))


@compiled
def _count_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    return np.asarray(alone(x, starts, begin, COUNT, n, 0))


@compiled
def _variance_kernel(x: Values, starts: Whole, begin: Whole, n: int, ddof: int) -> Values:
    return np.asarray(alone(x, starts, begin, VARIANCE, n, ddof))


@compiled
def _highest_kernel(x: Values, starts: Whole, begin: Whole, n: int) -> Values:
    return np.asarray(alone(x, starts, begin, HIGHEST, n, 0))


ASKED: dict[Callable[..., Any], int] = {
    _total_kernel: TOTAL,
    _mean_kernel: MEAN,
    _count_kernel: COUNT,
    _variance_kernel: VARIANCE,
    _highest_kernel: HIGHEST,
}
"""Kernels whose windows of one series can be asked together: what they ask of `halves`."""
