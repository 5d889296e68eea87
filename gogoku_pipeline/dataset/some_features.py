"""Training data of which only some features are read; panel, labels and cross-section stay whole.

For fits that choose their features: the panel (and so every hash of it) is the same for a fit that reads all of it and
for one that reads ten columns. Leaving features out of the panel itself is `narrowed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.dataset.batches import DayTable, DayWindow, TrainingData


class SomeFeatures(TrainingData):
    """The same data, windows and tables of some features alone.

    Args:
        kept: the data as they are.
        names: features that are read, in this order.

    Attributes:
        columns: places of the features among those of `kept` [F].

    Raises:
        DatasetError: no name, a name twice, or one that is not there.
    """

    def __init__(self, kept: TrainingData, names: Sequence[str]) -> None:
        places = {name: place for place, name in enumerate(kept.names)}
        unknown = [name for name in names if name not in places]
        if unknown or not names or len(set(names)) != len(names):
            raise DatasetError(
                "features to read",
                got=f"{unknown} unknown" if unknown else f"{len(names)} names, {len(set(names))} different",
                want="names of the panel, each once",
                remedy="Choose among the panel's features, or train the version again on this panel.",
            )
        self.kept = kept
        self.columns: npt.NDArray[np.int64] = np.array([places[name] for name in names], dtype=np.int64)
        self.panel, self.labels, self.cross_section = kept.panel, kept.labels, kept.cross_section
        self._members, self._targets = kept._members, kept._targets
        self._names = tuple(names)

    @property
    def names(self) -> tuple[str, ...]:
        """Features that are read."""
        return self._names

    def day(self, session: date, look_back: int) -> DayWindow:
        """One day's cross-section with its look-back."""
        window = self.kept.day(session, look_back)
        return replace(window, values=window.values[..., self.columns], valid=window.valid[..., self.columns])

    def table(self, sessions: Sequence[date]) -> DayTable:
        """Several days' cross-sections of the decision session alone."""
        table = self.kept.table(sessions)
        return replace(table, values=table.values[:, self.columns])
