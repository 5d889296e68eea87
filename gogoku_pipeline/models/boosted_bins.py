"""A table binned once: every fold, seed and objective of a walk trains on a part of it without binning again.

Bins are cut at quantiles, and a quantile over all folds would know the future. So the edges come from chosen rows
alone (the first training window of a walk) and every later row is sorted into them. Values beyond the outermost edge
share the outermost bin, which is what trees do with them anyway.
"""

from __future__ import annotations

import lightgbm
import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from gogoku_pipeline.core.errors import TrainingError
from gogoku_pipeline.models.boosted import BoostedConfig

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class BinnedRows:
    """Rows in LightGBM's bins: one byte per cell, whatever is trained on them.

    Args:
        values: [rows, F], NaN where missing; rows of one day lie together.
        day: day of each row [rows], ascending.
        names: feature names.
        config: bins and threads; the objective is chosen per part.
        edges_from: the first so many rows set the edges of the bins; None: all rows.

    Attributes:
        blind: places of the features that do not vary where the edges come from; no tree can use them.

    Raises:
        TrainingError: no row to set the edges.
    """

    def __init__(
        self, values: Floats, day: Ints, names: tuple[str, ...], config: BoostedConfig, edges_from: int | None = None
    ) -> None:
        setting = len(values) if edges_from is None else edges_from
        if not setting:
            raise TrainingError(
                "LightGBM",
                got="no training rows",
                want="labelled rows",
                remedy="Check labels and folds for these sessions.",
            )
        self.day = day
        self.blind = np.flatnonzero(~varies(values[:setting])).astype(np.int64)
        binning = config.binning()
        edges = lightgbm.Dataset(
            values[:setting], label=np.zeros(setting, np.float32), feature_name=list(names), params=binning
        ).construct()
        self._binned = edges
        if setting < len(values):
            blank = np.zeros(len(values), np.float32)
            self._binned = lightgbm.Dataset(values, label=blank, reference=edges, params=binning).construct()

    def part(self, rows: Ints, targets: Floats, config: BoostedConfig) -> lightgbm.Dataset:
        """A training set of some rows.

        Args:
            rows: places of the rows, ascending.
            targets: of these rows, finite.
            config: its objective decides what the label becomes.

        Raises:
            TrainingError: no rows.
        """
        if not len(rows):
            raise TrainingError(
                "LightGBM",
                got="no training rows",
                want="labelled rows",
                remedy="Check labels and folds for these sessions.",
            )
        part = self._binned.subset(rows.tolist()).construct()
        days = self.day[rows]
        if config.objective == "lambdarank":
            part.set_label(day_grades(days, targets, config.grades))
            part.set_group(list_sizes(days, config.list_length))
        else:
            part.set_label(targets)
        return part


def varies(values: Floats) -> npt.NDArray[np.bool_]:
    """Which features of some rows [rows, F] take two values, missing counted as one [F]."""
    low, high = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
    return np.asarray((low < high) | (np.isfinite(low) & np.isnan(values).any(axis=0)))


def day_grades(days: Ints, targets: Floats, grades: int) -> Floats:
    """Grade 0..grades-1 of each target among those of its day, by average rank [rows].

    Args:
        days: ascending [rows].
        targets: finite [rows].
        grades: as many as there are.
    """
    out = np.empty(len(targets), np.float32)
    for start, stop in _spans(days):
        place = (rankdata(targets[start:stop]) - 0.5) / (stop - start)
        out[start:stop] = np.minimum(np.floor(place * grades), grades - 1)
    return out


def list_sizes(days: Ints, longest: int) -> Ints:
    """Sizes of the lists a pairwise objective sees: each day in as few nearly equal lists of at most `longest` names.

    Rows of a day must lie in random order, so that a list is a random draw of the day.
    """
    sizes: list[int] = []
    for start, stop in _spans(days):
        count = -(-(stop - start) // longest)
        sizes += [len(part) for part in np.array_split(np.arange(start, stop), count)]
    return np.asarray(sizes, dtype=np.int64)


def _spans(days: Ints) -> list[tuple[int, int]]:
    """Start and end of the rows of each day."""
    starts = [int(start) for start in np.flatnonzero(np.diff(days, prepend=-1))]
    return list(zip(starts, [*starts[1:], len(days)], strict=True))
