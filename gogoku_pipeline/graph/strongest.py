"""Each stock's strongest companions, exactly: which ones, and how strong in double precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.graph.exact import compiled, pair_correlation

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Companions:
    """The strongest columns of each row.

    Attributes:
        columns: [rows, k] place of each companion, strongest first; -1 beyond `counts`.
        values: [rows, k] its correlation; 0 beyond `counts`.
        counts: [rows] companions found.
    """

    columns: npt.NDArray[np.int64]
    values: Floats
    counts: npt.NDArray[np.int64]


def strongest(left: Floats, right: Floats, weights: Floats, k: int, floor: float, min_common: int) -> Companions:
    """The k columns with the largest absolute correlation to each row, at least `floor`; a row is never its own.

    Equal strengths are ranked by place, so by code.

    Args:
        left: [n, sessions] series of the rows, NaN where there is none.
        right: [n, sessions] series of the columns, same stocks in the same order.
        weights: [sessions].
        k: companions at most.
        floor: smallest absolute correlation.
        min_common: sessions a pair must share.
    """
    n = len(left)
    columns = np.full((n, k), -1, dtype=np.int64)
    values = np.zeros((n, k))
    counts = np.zeros(n, dtype=np.int64)
    _scan(left, right, weights, floor, min_common, columns, values, counts)
    return Companions(columns, values, counts)


@compiled
def _scan(
    left: Floats,
    right: Floats,
    weights: Floats,
    floor: float,
    min_common: int,
    columns: npt.NDArray[np.int64],
    values: Floats,
    counts: npt.NDArray[np.int64],
) -> None:
    k = columns.shape[1]
    for i in range(left.shape[0]):
        for j in range(right.shape[0]):
            if i == j:
                continue
            rho = pair_correlation(left[i], right[j], weights, min_common)
            strength = abs(rho)
            if strength < floor:
                continue
            place = counts[i]
            if place == k and strength <= abs(values[i, k - 1]):
                continue
            place = min(place, k - 1)
            while place > 0 and strength > abs(values[i, place - 1]):
                values[i, place] = values[i, place - 1]
                columns[i, place] = columns[i, place - 1]
                place -= 1
            values[i, place] = rho
            columns[i, place] = j
            counts[i] = min(counts[i] + 1, k)
