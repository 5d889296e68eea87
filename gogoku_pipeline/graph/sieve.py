"""A fast single-precision sieve: which columns of a row can possibly be among its k strongest.

The sieve never decides. It works on approximate correlations and keeps every column that the rounding error could hide,
so that `strongest` only has to score a few dozen columns per row in double precision.

Bound on a row of n values: the k-th largest of 256 strided group maxima is never above the k-th largest value, so only
groups that reach it are visited.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.compilation import compiled

Singles = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

GROUPS = 256
"""Strided groups per row; more of them mean fewer values to visit and a longer list to bound."""


@compiled
def survivors(
    block: Singles, own: Places, k: int, floor: float, slack: float, found: npt.NDArray[np.int32], starts: Places
) -> None:
    """List, per row, the columns that may be among the k largest in absolute value and at least `floor`.

    Args:
        block: [rows, n] approximate correlations, each within slack / 2 of the true one.
        own: [rows] column of the row itself, which is left out; -1 for none.
        k: how many are wanted.
        floor: smallest true value wanted.
        slack: twice the largest error.
        found: [at least starts[0] + rows * n] columns, one row after the other, written; ascending within a group
            only. Packed, so that what is scored and ranked later lies side by side.
        starts: [rows + 1] where each row begins in `found`; the first is given, the others are written.
    """
    n = block.shape[1]
    maxima = np.empty(GROUPS, dtype=np.float32)
    sizes = np.empty(n, dtype=np.float32)
    least = np.float32(floor - slack)
    for i in range(block.shape[0]):
        row, out = block[i], found[starts[i] :]
        if own[i] >= 0:
            row[own[i]] = np.float32(np.nan)  # never >= anything, whatever the floor
        _group_maxima(row, maxima)
        low = max(least, np.float32(_bound(maxima, GROUPS, k) - slack))
        m = 0
        for g in range(GROUPS):
            if maxima[g] >= low:
                for j in range(g, n, GROUPS):
                    if abs(row[j]) >= low:
                        out[m] = j
                        sizes[m] = abs(row[j])
                        m += 1
        if m > k:
            low = np.float32(_bound(sizes, m, k) - slack)
            kept = 0
            for c in range(m):
                if sizes[c] >= low:
                    out[kept] = out[c]
                    kept += 1
            m = kept
        starts[i + 1] = starts[i] + m


@compiled
def _group_maxima(row: Singles, maxima: Singles) -> None:
    """Largest absolute value of each strided group (columns g, g + GROUPS, ...); 0 for an empty one."""
    n = row.shape[0]
    for g in range(GROUPS):
        maxima[g] = np.float32(0.0)
    whole = n // GROUPS * GROUPS
    for start in range(0, whole, GROUPS):
        for g in range(GROUPS):
            size = abs(row[start + g])
            maxima[g] = size if size > maxima[g] else maxima[g]
    for g in range(n - whole):
        size = abs(row[whole + g])
        maxima[g] = size if size > maxima[g] else maxima[g]


@compiled
def _bound(values: Singles, n: int, k: int) -> float:
    """A number that at least k of the first n values reach, close to the k-th largest of them; 0 when n < k."""
    if n < k:
        return 0.0
    low, high = np.float32(0.0), np.float32(1.01)
    for _ in range(14):
        middle = np.float32(0.5) * (low + high)
        reached = 0
        for g in range(n):
            reached += values[g] >= middle
        if reached >= k:
            low = middle
        else:
            high = middle
    return float(low)


@compiled
def correct_half(block: Singles, first: int, drift: Singles, spread: Singles) -> int:
    """Turn plain products into pairwise-complete correlations where one of the two series has gaps.

    With w the weight of the common sessions (all those of the series with gaps), x the complete series:
    rho = sum(u x y) / sqrt(sum(u x^2) - sum(u x)^2 / w).

    Args:
        block: [r, n] plain products; columns first .. first + c are overwritten, with NaN where single precision
            loses too many digits (more than half of x's power in its common mean).
        first: see `block`.
        drift: [r, c] sum(u x) / sqrt(w) over the common sessions.
        spread: [r, c] sum(u x^2) over the common sessions.

    Returns:
        Number of NaN written.
    """
    hard = 0
    for i in range(block.shape[0]):
        value, mean, power = block[i][first : first + drift.shape[1]], drift[i], spread[i]
        for j in range(value.shape[0]):
            rest = power[j] - mean[j] * mean[j]
            good = rest > np.float32(0.5) * power[j]
            hard += not good
            value[j] = value[j] / np.sqrt(rest) if good else np.float32(np.nan)
    return hard


@compiled
def correct_full(block: Singles, first: int, sums: Singles, min_common: int) -> int:
    """Turn plain products into pairwise-complete correlations where both series have gaps.

    Args:
        block: [r, n] plain products sum(u x y); columns first .. first + c are overwritten, with NaN as in
            `correct_half`.
        first: see `block`.
        sums: [6, r, c] over the common sessions: count, sum(u), sum(u x), sum(u y), sum(u x^2), sum(u y^2).
        min_common: sessions a pair must share; pairs with fewer get 0.

    Returns:
        Number of NaN written.
    """
    hard, enough = 0, np.float32(min_common) - np.float32(0.5)
    for i in range(block.shape[0]):
        value = block[i][first : first + sums.shape[2]]
        common, total, x, y, xx, yy = sums[0, i], sums[1, i], sums[2, i], sums[3, i], sums[4, i], sums[5, i]
        for j in range(value.shape[0]):
            left = xx[j] - x[j] * x[j] / total[j]
            right = yy[j] - y[j] * y[j] / total[j]
            good = (left > np.float32(0.5) * xx[j]) & (right > np.float32(0.5) * yy[j])
            rho = (value[j] - x[j] * y[j] / total[j]) / np.sqrt(left * right)
            few = common[j] < enough
            hard += (not good) & (not few)
            value[j] = np.float32(0.0) if few else (rho if good else np.float32(np.nan))
    return hard
