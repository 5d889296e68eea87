"""Raw channels beside the panel: a few features as they are, never normalised, for blocks that look along time.

The panel compares each value with the day's other stocks, which destroys what a stabiliser of time series wants to see.
Values are float32 [session, stock, channel], memory-mapped, 0 where missing: so channels are returns and changes, whose
0 means "nothing happened", never levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.errors import DatasetError


@dataclass(frozen=True)
class RawMap:
    """Raw channels on the panel's grid.

    Attributes:
        key: content hash of what they were made from.
        names: channels, C of them.
        values: float32 [T, N, C], 0 where missing.
    """

    key: str
    names: tuple[str, ...]
    values: npt.NDArray[np.float32]

    def window(
        self, row: int, look_back: int, stocks: npt.NDArray[np.int64], names: tuple[str, ...]
    ) -> npt.NDArray[np.float32]:
        """The last sessions of some stocks up to a row of the panel: [n, L, C] of the named channels, a copy.

        Raises:
            DatasetError: a channel that is not there.
        """
        if missing := [name for name in names if name not in self.names]:
            raise DatasetError(
                f"raw channels {missing}",
                got=f"channels {list(self.names)}",
                want="every channel the network reads",
                remedy="Name them among the raw channels of the panel, or take them out of the network.",
            )
        places = [self.names.index(name) for name in names]
        found = self.values[row + 1 - look_back : row + 1][:, stocks][..., places]
        return np.ascontiguousarray(found.transpose(1, 0, 2))
