"""Residuals and pairwise correlations in double precision, one stock or pair at a time: the arithmetic that decides.

Compiled loops, because their result depends on nothing but the stock or pair itself: not on how many other stocks
there are, not on their order, not on the number of threads.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.compilation import compiled, reassociated

Floats = npt.NDArray[np.float64]
Side = tuple[Floats, Floats, int]

STILL = 1e-18
"""A sum of squares below this share of the raw one is rounding noise, not movement: no correlation is drawn from it."""


def fit_residuals(returns: Floats, market: Floats, weights: Floats) -> Floats:
    """What the market does not explain: e = r - a - b * m, weighted least squares per stock.

    Args:
        returns: [stocks, sessions + lead] C-contiguous, NaN where there is none.
        market: [1, sessions + lead] for all stocks, or [stocks, sessions + lead], NaN where there is none.
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
        r, m, e = returns[i], market[i if market.shape[0] > 1 else 0], out[i]
        mean_r, mean_m, slope = _line(r[lead:], m[lead:], weights)
        left, raw = 0.0, 0.0
        for s in range(r.shape[0]):
            e[s] = (r[s] - mean_r) - slope * (m[s] - mean_m)
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


def standardise(series: Floats, weights: Floats) -> Floats:
    """Rows of weighted mean 0 and length 1: sqrt(u) * (x - mean) / norm over a row's own sessions, 0 elsewhere.

    The dot product of two rows without gaps is their weighted correlation.

    Args:
        series: [rows, sessions], NaN where there is none.
        weights: [sessions].

    Returns:
        [rows, sessions]; all zero for a row that does not move.
    """
    out = np.zeros(series.shape)
    _standardise(series, weights, np.sqrt(weights), out)
    return out


@compiled
def _standardise(series: Floats, weights: Floats, roots: Floats, out: Floats) -> None:
    for i in range(series.shape[0]):
        x = series[i]
        total, mean = 0.0, 0.0
        for s in range(x.shape[0]):
            if x[s] == x[s]:
                total += weights[s]
                mean += weights[s] * x[s]
        mean /= total
        moved, raw = 0.0, 0.0
        for s in range(x.shape[0]):
            if x[s] == x[s]:
                moved += weights[s] * (x[s] - mean) * (x[s] - mean)
                raw += weights[s] * x[s] * x[s]
        if moved > STILL * raw:
            for s in range(x.shape[0]):
                if x[s] == x[s]:
                    out[i, s] = roots[s] * (x[s] - mean) / np.sqrt(moved)


@reassociated
def unit_product(x: Floats, y: Floats) -> float:
    """Dot product of two standardised rows without gaps, several sums at once."""
    total = 0.0
    for s in range(x.shape[0]):
        total += x[s] * y[s]
    return max(-1.0, min(1.0, total))


@compiled
def score_pairs(
    found: npt.NDArray[np.int32],
    starts: npt.NDArray[np.int64],
    first: int,
    rows: Side,
    columns: Side,
    weights: Floats,
    min_common: int,
    scores: Floats,
) -> None:
    """Correlation of chosen pairs in double precision.

    Args:
        found: [chosen] columns chosen for each row of a block, one row after the other.
        starts: [block + 1] where each row begins in `found`.
        first: place of the block's first row.
        rows: standardised rows, the series themselves, and how many of them (the first ones) have no gap.
        columns: likewise.
        weights: [sessions].
        min_common: sessions a pair must share.
        scores: [chosen], written.
    """
    for b in range(starts.shape[0] - 1):
        i = first + b
        for c in range(starts[b], starts[b + 1]):
            j = found[c]
            if i < rows[2] and j < columns[2]:
                scores[c] = unit_product(rows[0][i], columns[0][j])
            else:
                scores[c] = pair_correlation(rows[1][i], columns[1][j], weights, min_common)


@compiled
def score_marked(
    block: npt.NDArray[np.float32], rows: Floats, columns: Floats, weights: Floats, min_common: int
) -> None:
    """Replace every NaN of a block of correlations by the directly computed one."""
    for i in range(block.shape[0]):
        for j in range(block.shape[1]):
            if block[i, j] != block[i, j]:
                block[i, j] = np.float32(pair_correlation(rows[i], columns[j], weights, min_common))


@compiled
def score_list(
    one: npt.NDArray[np.int64],
    other: npt.NDArray[np.int64],
    unit: Floats,
    series: Floats,
    whole: npt.NDArray[np.bool_],
    rule: tuple[Floats, int],
    scores: Floats,
) -> None:
    """Correlation of listed pairs in double precision, as `score_pairs` gives them.

    Args:
        one: [pairs] place of a series.
        other: [pairs] place of the other one.
        unit: [n, sessions] standardised rows.
        series: [n, sessions] the series themselves.
        whole: [n] has no gap.
        rule: session weights and fewest common sessions.
        scores: [pairs], written; 0 where a pair cannot be compared.
    """
    for p in range(one.shape[0]):
        i, j = one[p], other[p]
        if whole[i] and whole[j]:
            scores[p] = unit_product(unit[i], unit[j])
        else:
            scores[p] = pair_correlation(series[i], series[j], rule[0], rule[1])


@compiled
def score_rows(one: Floats, other: Floats, weights: Floats, min_common: int, scores: Floats) -> None:
    """[n] correlation of each row of `one` with the same row of `other`, or with its only row; 0: not comparable."""
    for i in range(one.shape[0]):
        j = i if other.shape[0] > 1 else 0
        scores[i] = pair_correlation(one[i], other[j], weights, min_common)
