"""Comparing stocks within one session: robust z-scores and normal scores, several features at once.

Arrays are [stocks, features] of one session; NaN is missing and stays missing. The universe's members make the ruler,
every row is measured with it. A feature that is the same for all members says nothing about them and becomes NaN.
Source: features.md 1.6; Iglewicz and Hoaglin (1993) for the modified z-score and its fallback.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

_MAD_TO_SD = 1.4826
_MEAN_AD_TO_SD = 1.2533
_DUST = 1e-9


def _median(ordered: npt.NDArray[np.float64], count: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Median of the first `count` values of each ascending column."""
    columns = np.arange(ordered.shape[1])
    low, high = np.maximum(count - 1, 0) // 2, np.maximum(count, 1) // 2
    high = np.minimum(high, np.maximum(count - 1, 0))
    middle = 0.5 * (ordered[low, columns] + ordered[high, columns])
    return np.asarray(np.where(count > 0, middle, np.nan))


def robust_z(values: Floats, members: Mask, clip: float) -> Floats:
    """How many robust standard deviations each stock lies from the day's median.

    z = (x - median) / (1.4826 MAD), clipped to +-clip. Where more than half of the members share one value the MAD is
    0 and 1.2533 times the mean absolute deviation takes its place.

    Args:
        values: [N, F] float32, NaN for missing.
        members: [N] which rows make the median and the MAD.
        clip: bound.

    Returns:
        [N, F] float32.
    """
    inside = values[members].astype(np.float64)
    if not len(inside):
        return np.full_like(values, np.nan)
    count = np.isfinite(inside).sum(axis=0)
    centre = _median(np.sort(inside, axis=0), count)
    distance = np.abs(inside - centre)
    spread = _MAD_TO_SD * _median(np.sort(distance, axis=0), count)
    total = np.where(np.isfinite(distance), distance, 0.0).sum(axis=0)
    fallback = _MEAN_AD_TO_SD * total / np.maximum(count, 1)
    spread = np.where(spread > _DUST * np.abs(centre), spread, fallback)
    usable = spread > _DUST * np.abs(centre)
    z = (values.astype(np.float64) - centre) / np.where(usable, spread, np.nan)
    return np.clip(z, -clip, clip).astype(np.float32)


def rank_gauss(values: Floats, members: Mask) -> Floats:
    """Normal score of each stock's place among the day's members: average ties, missing left out.

    share = (members below + members not above) / 2n, kept inside [0.5/n, 1 - 0.5/n]; score = inverse normal of it.
    For a member this is (average-tie rank - 0.5) / n.

    Args:
        values: [N, F] float32, NaN for missing.
        members: [N] which rows are ranked against.

    Returns:
        [N, F] float32.
    """
    out = np.full(values.shape, np.nan, dtype=np.float32)
    for place in range(values.shape[1]):
        column = values[:, place]
        ordered = np.sort(column[members & np.isfinite(column)])
        count = len(ordered)
        if count == 0 or ordered[0] == ordered[-1]:
            continue
        below = np.searchsorted(ordered, column, side="left")
        not_above = np.searchsorted(ordered, column, side="right")
        share = np.clip((below + not_above) / (2.0 * count), 0.5 / count, 1.0 - 0.5 / count)
        out[:, place] = np.where(np.isfinite(column), ndtri(share), np.nan)
    return out
