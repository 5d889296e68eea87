"""Residuals and pairwise correlations in double precision, one stock or pair at a time: the arithmetic that decides.

Compiled loops, because their result depends on nothing but the stock or pair itself: not on how many other stocks
there are, not on their order, not on the number of threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = npt.NDArray[np.float64]

STILL = 1e-18
"""A sum of squares below this share of the raw one is rounding noise, not movement: no correlation is drawn from it."""


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a kernel once, keep it on disk, and release the interpreter lock while it runs."""
    decorated: Callable[..., Any] = numba.njit(nogil=True, cache=True, error_model="numpy")(function)
    return decorated


def fit_residuals(returns: Floats, market: Floats, weights: Floats) -> Floats:
    """What the market does not explain: e = r - a - b * m, weighted least squares per stock.

    Args:
        returns: [stocks, sessions + lead] C-contiguous, NaN where there is none.
        market: [sessions + lead], NaN where there is none.
        weights: [sessions], for the newest sessions; the `lead` oldest take no part in the fit.

    Returns:
        [stocks, sessions + lead], NaN where return or market is missing. All zero for a stock the market explains
        to rounding; only the mean is removed when the market itself did not move.
    """
    out = np.full(returns.shape, np.nan)
    _fit(returns, market, weights, out)
    return out


@compiled
def _fit(returns: Floats, market: Floats, weights: Floats, out: Floats) -> None:
    lead = returns.shape[1] - weights.shape[0]
    for i in range(returns.shape[0]):
        r, e = returns[i], out[i]
        mean_r, mean_m, slope = _line(r[lead:], market[lead:], weights)
        left, raw = 0.0, 0.0
        for s in range(r.shape[0]):
            e[s] = (r[s] - mean_r) - slope * (market[s] - mean_m)
            if s >= lead and e[s] == e[s]:
                left += weights[s - lead] * e[s] * e[s]
                raw += weights[s - lead] * r[s] * r[s]
        if left <= STILL * raw:
            for s in range(r.shape[0]):
                e[s] = 0.0 if e[s] == e[s] else e[s]


@compiled
def _line(r: Floats, m: Floats, weights: Floats) -> tuple[float, float, float]:
    """Weighted means of r and m and the slope of r on m, over the sessions that have both."""
    total, mean_r, mean_m = 0.0, 0.0, 0.0
    for s in range(weights.shape[0]):
        if r[s] == r[s] and m[s] == m[s]:
            total += weights[s]
            mean_r += weights[s] * r[s]
            mean_m += weights[s] * m[s]
    mean_r /= total
    mean_m /= total
    var_m, raw_m, cov = 0.0, 0.0, 0.0
    for s in range(weights.shape[0]):
        if r[s] == r[s] and m[s] == m[s]:
            var_m += weights[s] * (m[s] - mean_m) * (m[s] - mean_m)
            raw_m += weights[s] * m[s] * m[s]
            cov += weights[s] * (r[s] - mean_r) * (m[s] - mean_m)
    return mean_r, mean_m, (cov / var_m if var_m > STILL * raw_m else 0.0)


@compiled
def pair_correlation(x: Floats, y: Floats, weights: Floats, min_common: int) -> float:
    """Weighted correlation of two series over the sessions both have; 0 with too few of them or without movement.

    Means, variances and covariance all run over the common sessions (pairwise complete), in two passes. Swapping x and
    y changes no bit of the answer.

    Args:
        x: [sessions], NaN where there is none.
        y: [sessions], NaN where there is none.
        weights: [sessions].
        min_common: smallest number of common sessions.
    """
    total, mean_x, mean_y, common = 0.0, 0.0, 0.0, 0
    for s in range(weights.shape[0]):
        if x[s] == x[s] and y[s] == y[s]:
            common += 1
            total += weights[s]
            mean_x += weights[s] * x[s]
            mean_y += weights[s] * y[s]
    if common < min_common or total <= 0.0:
        return 0.0
    mean_x /= total
    mean_y /= total
    xx, yy, xy, raw_x, raw_y = 0.0, 0.0, 0.0, 0.0, 0.0
    for s in range(weights.shape[0]):
        if x[s] == x[s] and y[s] == y[s]:
            a, b = x[s] - mean_x, y[s] - mean_y
            xx += weights[s] * (a * a)
            yy += weights[s] * (b * b)
            xy += weights[s] * (a * b)
            raw_x += weights[s] * (x[s] * x[s])
            raw_y += weights[s] * (y[s] * y[s])
    if xx <= STILL * raw_x or yy <= STILL * raw_y:
        return 0.0
    return float(max(-1.0, min(1.0, xy / np.sqrt(xx * yy))))
