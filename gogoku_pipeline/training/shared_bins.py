"""One binned table for all folds and seeds of a walk, with edges that no fold's future has touched.

Binning costs as much as 13 to 16 rounds of trees, and an anchored walk of five folds would bin its first window five
times per seed. Here the rows of all training windows are sorted once into bins whose edges come from the first window
alone: every fold trains after it, so no edge knows anything a fold may not know. The one thing the first window cannot
give is an edge for a feature that did not vary yet (a source that begins later): from the first window in which it
does, the edges are that window's, for it and all later folds. Which edges serve a fold depends on the windows up to
it and on nothing else, so a resumed walk gives the same trees.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import lightgbm
import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.models.boosted import BoostedConfig
from gogoku_pipeline.models.boosted_bins import BinnedRows, varies
from gogoku_pipeline.training.recipes import TARGET

Ints = npt.NDArray[np.int64]
Window = tuple[date, ...]


class SharedBins:
    """The training windows of a walk, binned when first asked for.

    Args:
        data: panel and labels.
        windows: training sessions of each fold, in time order.
        config: bins and threads.
    """

    def __init__(self, data: TrainingData, windows: Sequence[Window], config: BoostedConfig) -> None:
        self.data = data
        self.windows = [tuple(window) for window in windows]
        self._config = config
        self._table: _Binned | None = None
        self._part: tuple[tuple[object, ...], lightgbm.Dataset] | None = None

    def covers(self, data: TrainingData, train: Sequence[date]) -> bool:
        """Whether these sessions of this data are one of the windows."""
        return data is self.data and tuple(train) in self.windows

    def fitted_through(self, train: Sequence[date]) -> date:
        """Last session that set the edges a window is binned with."""
        return self.windows[self._serving(self.windows.index(tuple(train))).reference][-1]

    def training(self, train: Sequence[date], horizon_d: int, before: date, config: BoostedConfig) -> lightgbm.Dataset:
        """The rows of one window whose target is known before a decision.

        Args:
            train: one of the windows.
            horizon_d: label horizon.
            before: the first decision that must not profit.
            config: the objective; bins as given to the constructor.

        Raises:
            DatasetError: other bins; TrainingError: no labelled row.
        """
        if config.bins != self._config.bins:
            raise DatasetError(
                "shared bins", got=f"{config.bins} bins", want=str(self._config.bins), remedy="Bin the walk anew."
            )
        asked = (tuple(train), horizon_d, before, config.objective, config.grades, config.list_length)
        if self._part is None or self._part[0] != asked:
            table = self._serving(self.windows.index(tuple(train)))
            rows, targets = table.known(self.data, train, horizon_d, before)
            self._part = (asked, table.binned.part(rows, targets, config))
        return self._part[1]

    def _serving(self, window: int) -> _Binned:
        """The table whose edges serve a window."""
        if self._table is None or self._table.reference > window:
            self._table = _Binned(self.data, self.windows, 0, self._config)
        for later in range(self._table.reference + 1, window + 1):
            if self._table.lacks(self.data, self.windows[later]):
                self._table = _Binned(self.data, self.windows, later, self._config)
        return self._table


class _Binned:
    """Windows from one on, binned with its edges."""

    def __init__(self, data: TrainingData, windows: Sequence[Window], reference: int, config: BoostedConfig) -> None:
        sessions = sorted({day for window in windows[reference:] for day in window})
        table = data.table(sessions)
        first = int(np.searchsorted(table.day, len(windows[reference])))
        for start, stop in zip(*_bounds(table.day), strict=True):
            order = stream(0, "lists", str(sessions[table.day[start]])).permutation(stop - start)
            table.values[start:stop] = table.values[start:stop][order]
            table.stocks[start:stop] = table.stocks[start:stop][order]
        self.reference = reference
        self.binned = BinnedRows(table.values, table.day, data.names, config, first)
        self._place = {day: place for place, day in enumerate(sessions)}
        self._day, self._stocks = table.day, table.stocks

    def known(
        self, data: TrainingData, train: Sequence[date], horizon_d: int, before: date
    ) -> tuple[Ints, npt.NDArray[np.float32]]:
        """Places and targets of the rows of some sessions whose target is known before a decision."""
        start, stop = np.searchsorted(self._day, [self._place[train[0]], self._place[train[-1]] + 1])
        grid = data.day_targets(train, horizon_d, label=TARGET, before=before)
        targets = grid[self._day[start:stop] - self._place[train[0]], self._stocks[start:stop]]
        keep = np.flatnonzero(np.isfinite(targets))
        return keep + start, targets[keep]

    def lacks(self, data: TrainingData, window: Window) -> bool:
        """Whether a feature without edges here varies in a window."""
        blind = self.binned.blind
        if not blind.size:
            return False
        return bool(varies(data.table(window).values[:, blind]).any())


def _bounds(day: Ints) -> tuple[Ints, Ints]:
    """Start and end of each day's rows."""
    starts = np.flatnonzero(np.diff(day, prepend=-1)).astype(np.int64)
    return starts, np.append(starts[1:], len(day)).astype(np.int64)
