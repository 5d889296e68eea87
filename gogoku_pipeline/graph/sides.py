"""The series of one side of a comparison, standardised and stacked for matrix products."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.graph.exact import standardise

Singles = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Side:
    """n series, those without gaps first, so that pairs of complete series form one plain matrix product.

    Attributes:
        order: [n] place of each series in the caller's order; complete ones first, each part ascending.
        complete: how many have no gap.
        series: [n, sessions] Float64 as given, NaN in the gaps.
        unit: [n, sessions] Float64 sqrt(u) * (x - mean) / norm over its own sessions, 0 in the gaps: rows of length 1
            (0 for a series that does not move).
        unit32: the same in single precision.
        square32: [n, sessions] its squares.
        mask32: [gappy, sessions] 1 where a series with gaps has a value.
        root32: [gappy, sessions] sqrt(u) on its sessions / sqrt(their total weight).
    """

    order: Places
    complete: int
    series: Doubles
    unit: Doubles
    unit32: Singles
    square32: Singles
    mask32: Singles
    root32: Singles

    def __len__(self) -> int:
        return len(self.order)


def make_side(series: Doubles, weights: Doubles, min_common: int) -> Side:
    """Sort and standardise series.

    Args:
        series: [n, sessions] NaN where there is none.
        weights: [sessions], summing to one.
        min_common: a series with fewer values cannot be compared with any other and enters the products as zero.
    """
    known = np.isfinite(series)
    whole = known.all(axis=1)
    order = np.concatenate([np.flatnonzero(whole), np.flatnonzero(~whole)])
    complete = int(whole.sum())
    sorted_series = np.ascontiguousarray(series if complete == len(series) else series[order])
    unit = standardise(sorted_series, weights)
    mask = known[order[complete:]].astype(np.float64)
    total = np.sqrt(mask @ weights)
    root = np.sqrt(weights) * mask / np.maximum(total, np.finfo(np.float64).tiny)[:, None]
    unit32 = unit.astype(np.float32)
    unit32[complete:][mask.sum(axis=1) < min_common] = 0.0
    mask32, root32 = mask.astype(np.float32), root.astype(np.float32)
    return Side(order, complete, sorted_series, unit, unit32, unit32 * unit32, mask32, root32)
