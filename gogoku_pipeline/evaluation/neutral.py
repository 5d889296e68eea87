"""What is left of a score once size, risk and sector are taken out: is it more than a bet on small or calm stocks?

Per day the score is regressed on the ranks of the exposures and on sector dummies (ordinary least squares with a
constant); the residual is judged like any score. Oracle: statsmodels OLS.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.cross_sections import Floats, Ints, ascending_order
from gogoku_pipeline.evaluation.frames import checked_scores, groups, require_columns
from gogoku_pipeline.evaluation.layout import BLOCK, Axes

EXPOSURES = ("log10_mcap_jpy", "log10_adv_20d_jpy", "vol_20d", "beta_60d")
"""Size, turnover, volatility and beta; those the frame has are used, and at least one must be there."""

SECTOR = "sector33_code"
_ROUNDING = 1e-10
_COLLINEAR = 1e-9


@dataclass(frozen=True)
class ExposureGrid:
    """Exposures on the axes of the scores.

    Attributes:
        values: one array [T, N] per exposure, NaN where missing.
        orders: names of each day in ascending order of the exposure [T, N], one array per exposure.
        sector: number of each name's sector [T, N]; names without one share the number 0.
        sectors: how many numbers there are.
    """

    values: tuple[Floats, ...]
    orders: tuple[Ints, ...]
    sector: Ints
    sectors: int

    def days(self, held: slice) -> ExposureGrid:
        """Some of the days."""
        values, orders = tuple(one[held] for one in self.values), tuple(one[held] for one in self.orders)
        return ExposureGrid(values, orders, self.sector[held], self.sectors)


def exposure_grid(exposures: pl.DataFrame, axes: Axes) -> ExposureGrid:
    """Lay a frame of exposures out; see `neutralise` for its columns and errors."""
    used = _used(exposures)
    cells = axes.cells(exposures)
    values = tuple(axes.lay(exposures, name, "exposures", cells) for name in used)
    orders = tuple(ascending_order(array).astype(np.int32) for array in values)
    if SECTOR not in exposures.columns:
        return ExposureGrid(values, orders, np.zeros(axes.shape, dtype=np.int32), 1)
    names = exposures[SECTOR].drop_nulls().unique().sort()
    number = exposures[SECTOR].cast(pl.Enum(names.cast(pl.String))).to_physical().cast(pl.Float64) + 1
    laid = axes.lay(number.alias("number").to_frame(), "number", "exposures", cells)
    return ExposureGrid(values, orders, np.nan_to_num(laid, nan=0.0).astype(np.int32), len(names) + 1)


def neutralise(scores: pl.DataFrame, exposures: pl.DataFrame) -> pl.DataFrame:
    """Scores with the part explained by size, turnover, volatility, beta and sector removed.

    Args:
        scores: [model?, seed?, session, code, horizon_d, score].
        exposures: [session, code, any of `EXPOSURES`, sector33_code optional]; a missing exposure takes the day's
            middle rank, a missing sector is a sector of its own.

    Returns:
        The scores' keys and `score`, now the residual; null where the score is null, where the day has no more names
        than independent regressors, or where the exposures explain the score completely (rounding is not ranked).

    Raises:
        EvaluationError: no exposure column, or two exposure rows for one (session, code).
    """
    frame = checked_scores(scores)
    keys = groups(frame)
    axes = Axes.of(frame)
    grid = exposure_grid(exposures, axes)
    owners = [name for name in keys if name != "session"]
    parts = []
    for part in frame.select(*keys, "code", "score").partition_by(owners):
        left = residuals_of(axes.lay(part, "score", "scores"), grid)
        found = left.ravel()[axes.cells(part)]
        parts.append(part.with_columns(pl.Series("score", found).fill_nan(None)))
    return pl.concat(parts).sort(*keys, "code")


def residuals_of(score: Floats, grid: ExposureGrid) -> Floats:
    """Scores [T, N] without what the exposures explain, day by day; NaN as `neutralise` says null."""
    starts = range(0, max(len(score), 1), BLOCK)
    blocks = [slice(start, start + BLOCK) for start in starts]
    return np.concatenate([_residuals(score[days], grid.days(days)) for days in blocks])


def _residuals(score: Floats, grid: ExposureGrid) -> Floats:
    """One block; sector means are taken out first (Frisch-Waugh-Lovell)."""
    known = np.isfinite(score)
    cell = np.arange(len(score))[:, None] * grid.sectors + grid.sector
    columns = [np.where(known, score, 0.0), *_middle_ranks(grid, known)]
    target, *regressors = _minus_sector_means(columns, np.where(known, cell, -1), grid.sectors)
    basis, size, _ = np.linalg.svd(np.stack(regressors, axis=2), full_matrices=False)
    independent = size > _COLLINEAR * np.maximum(size.max(axis=1, keepdims=True), _COLLINEAR)
    basis = basis * independent[:, None, :]
    left = target - np.einsum("dnf,df->dn", basis, np.einsum("dnf,dn->df", basis, target))
    occupied = np.bincount(cell[known], minlength=len(score) * grid.sectors).reshape(len(score), -1) > 0
    spare = known.sum(axis=1) - occupied.sum(axis=1) - independent.sum(axis=1)
    reach = np.abs(columns[0]).max(axis=1, initial=0.0)
    explained = (spare < 1) | (np.abs(left).max(axis=1, initial=0.0) <= _ROUNDING * reach)
    return np.where(known & ~explained[:, None], left, np.nan)


def _middle_ranks(grid: ExposureGrid, known: np.ndarray) -> Iterator[Floats]:
    """Of each exposure the rank among the day's scored names in (0, 1), one half where missing, 0 where not scored."""
    for values, order in zip(grid.values, grid.orders, strict=True):
        share = np.where(known, 0.5, 0.0)
        _rank_known(values, order, known, share)
        yield share


@compiled
def _rank_known(values: Floats, order: Ints, known: Any, share: Floats) -> None:
    held = np.empty(values.shape[1], dtype=np.int64)
    for day in range(values.shape[0]):
        n = 0
        for place in range(values.shape[1]):
            name = order[day, place]
            if known[day, name] and not np.isnan(values[day, name]):
                held[n] = name
                n += 1
        first = 0
        while first < n:
            last = first + 1
            while last < n and values[day, held[last]] == values[day, held[first]]:
                last += 1
            middle = (first + 0.5 * (last - first + 1) - 0.5) / n
            for place in range(first, last):
                share[day, held[place]] = middle
            first = last


def _minus_sector_means(columns: Sequence[Floats], cell: np.ndarray, sectors: int) -> list[Floats]:
    """Each column [D, N] minus the mean of its day and sector; 0 where `cell` is -1."""
    count = np.maximum(np.bincount(cell[cell >= 0], minlength=len(cell) * sectors), 1)
    out = []
    for column in columns:
        left = np.zeros(column.shape)
        _take_out(column.ravel(), cell.ravel(), count, left.ravel())
        out.append(left)
    return out


@compiled
def _take_out(column: Floats, cell: Any, count: Any, left: Floats) -> None:
    sums = np.zeros(count.size)
    for at in range(column.size):
        if cell[at] >= 0:
            sums[cell[at]] += column[at]
    for at in range(column.size):
        if cell[at] >= 0:
            left[at] = column[at] - sums[cell[at]] / count[cell[at]]


def _used(exposures: pl.DataFrame) -> list[str]:
    require_columns(exposures, ("session", "code"), "exposures")
    used = [name for name in EXPOSURES if name in exposures.columns]
    if not used:
        raise EvaluationError(
            "exposures",
            got=f"columns {exposures.columns}",
            want=f"at least one of {EXPOSURES}",
            remedy="Take them from the feature tables of the same sessions.",
        )
    return used
