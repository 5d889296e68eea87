"""How much each feature says of the target on some rows: gain of trees, mutual information, the lasso's path.

Every measure takes the same rows and gives one number per feature, 0 for one that says nothing. None of them looks at
anything but the rows it is handed.
"""

from __future__ import annotations

import lightgbm
import numpy as np
import numpy.typing as npt

from gogoku_pipeline.models.boosted import BoostedConfig
from gogoku_pipeline.models.boosted_bins import BinnedRows

Floats = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ROUNDS = 60
"""Trees whose gain is added up: about where early stopping ends a fit."""
_BINS = 10
_PATH, _SMALLEST = 40, 1e-3
_SWEEPS, _STILL = 200, 1e-7
_ROWS_AT_ONCE, _LEAST_SPREAD = 20_000, 1e-6


def gain_scores(values: Floats, targets: Floats, day: Ints, names: tuple[str, ...], threads: int) -> Scores:
    """Share of LightGBM's total gain each feature brought in a fixed number of trees [F].

    Args:
        values: [rows, F], NaN where missing.
        targets: finite [rows].
        day: of each row, ascending [rows].
        names: of the features.
        threads: of LightGBM.
    """
    config = BoostedConfig(threads=threads)
    rows = BinnedRows(values, day, names, config).part(np.arange(len(values)), targets, config)
    booster = lightgbm.Booster(params=config.parameters(len(values), 0), train_set=rows)
    for _ in range(ROUNDS):
        if booster.update():
            break
    gain = np.asarray(booster.feature_importance("gain"), dtype=np.float64)
    total = float(gain.sum())
    return gain / total if total > 0 else gain


def mutual_information_scores(values: Floats, targets: Floats, bins: int = _BINS) -> Scores:
    """Mutual information of each feature with the target, in nats, less what chance alone would show [F].

    Both are cut at their own tenths (equal values share a bin, missing ones have one of their own), so any monotone
    transform gives the same number: sum p ln(p / (p_x p_y)) - (bins_x - 1)(bins_y - 1) / (2 rows), at least 0. The
    second term is Miller's (1955) correction of the plug-in estimate.

    Args:
        values: [rows, F], NaN where missing.
        targets: finite [rows].
        bins: of a feature and of the target.
    """
    wanted = _binned(targets, bins)
    return np.array([_information(_binned(column, bins), wanted) for column in values.T], dtype=np.float64)


def _binned(column: Floats, bins: int) -> Ints:
    """Bin of each value, 0 for missing; bins are numbered without gaps."""
    known = np.isfinite(column)
    found = np.zeros(len(column), dtype=np.int64)
    if known.any():
        edges = np.unique(np.quantile(column[known], np.linspace(0, 1, bins + 1)[1:-1]))
        found[known] = 1 + np.searchsorted(edges, column[known], side="left")
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def _information(x: Ints, y: Ints) -> float:
    wide, high = int(x.max()) + 1, int(y.max()) + 1
    joint = np.bincount(x * high + y, minlength=wide * high).reshape(wide, high) / len(x)
    expected = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    plain = float(np.sum(joint[seen] * np.log(joint[seen] / expected[seen])))
    return max(plain - (wide - 1) * (high - 1) / (2 * len(x)), 0.0)


def lasso_scores(values: Floats, targets: Floats, keep: int) -> Scores:
    """Absolute lasso coefficients of standardised features [F], at the weakest penalty that leaves at most `keep`.

    min_b |y - X b|^2 / (2 rows) + alpha |b|_1, alpha falling from where everything is 0 by equal ratios to a thousandth
    of it, by coordinate descent on X'X (Friedman, Hastie & Tibshirani 2010). Missing values are 0, the day's middle.

    Args:
        values: [rows, F], NaN where missing.
        targets: finite [rows].
        keep: most coefficients that are not 0.
    """
    gram, pull = _moments(values, targets)
    steepest = float(np.abs(pull).max(initial=0.0))
    found = coefficients = np.zeros(values.shape[1])
    for alpha in steepest * np.geomspace(1.0, _SMALLEST, _PATH)[1:]:
        coefficients = lasso(gram, pull, float(alpha), coefficients)
        if np.count_nonzero(coefficients) > keep:
            break
        found = coefficients
    return np.asarray(np.abs(found))


def _moments(values: Floats, targets: Floats) -> tuple[Scores, Scores]:
    """X'X / rows [F, F] and X'y / rows [F] of standardised features, a part of the rows at a time."""
    rows, width = values.shape
    sums, squares, cross, seen = np.zeros(width), np.zeros((width, width)), np.zeros(width), 0.0
    middle = targets.mean(dtype=np.float64)
    for start in range(0, rows, _ROWS_AT_ONCE):
        x = np.nan_to_num(values[start : start + _ROWS_AT_ONCE].astype(np.float64), nan=0.0)
        y = targets[start : start + _ROWS_AT_ONCE].astype(np.float64) - middle
        sums, squares, cross, seen = sums + x.sum(axis=0), squares + x.T @ x, cross + x.T @ y, seen + y.sum()
    mean = sums / rows
    covariance = squares / rows - np.outer(mean, mean)
    spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    least = _LEAST_SPREAD * (1.0 + np.abs(mean))  # what rounding leaves of a constant
    scale = np.where(spread > least, 1.0 / np.maximum(spread, least), 0.0)
    return covariance * np.outer(scale, scale), (cross / rows - mean * seen / rows) * scale


def lasso(gram: Scores, pull: Scores, alpha: float, start: Scores) -> Scores:
    """The lasso's coefficients [F] at one penalty.

    Args:
        gram: X'X / rows [F, F].
        pull: X'y / rows [F].
        alpha: penalty.
        start: coefficients to begin with.
    """
    found = start.copy()
    rest = pull - gram @ found
    size = np.diag(gram)
    for _ in range(_SWEEPS):
        largest = 0.0
        for place in np.flatnonzero(size > 0):
            before = found[place]
            wanted = rest[place] + size[place] * before
            after = np.sign(wanted) * max(abs(wanted) - alpha, 0.0) / size[place]
            if after != before:
                rest -= gram[place] * (after - before)
                found[place] = after
                largest = max(largest, abs(after - before))
        if largest < _STILL:
            break
    return found
