"""Which pairs of a window are joined: threshold and strongest companions, each pair once."""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.matrix import Floats, Places
from gogoku_pipeline.graph.strongest import strongest
from gogoku_pipeline.graph.windows import DayWindow


def joined_pairs(window: DayWindow, config: GraphConfig) -> tuple[Places, Places, Floats]:
    """The edges of a window: both ends (the smaller place first) and the shrunk correlation, sorted by the ends.

    A pair is joined when |shrink * rho| >= threshold and one of the two is among the other's k strongest.

    Returns:
        [edges] places among the window's nodes, twice, and Float64 weights; nothing for a degenerate window.
    """
    recent = np.ascontiguousarray(window.residuals[:, 1:])
    floor = config.threshold / config.shrink
    companions = strongest(recent, recent, window.weights, config.k, floor, config.min_common)
    kept = companions.columns >= 0
    rows = np.repeat(np.arange(len(kept)), companions.counts)
    columns = companions.columns[kept]
    low, high = np.minimum(rows, columns), np.maximum(rows, columns)
    pair, first = np.unique(low * max(len(kept), 1) + high, return_index=True)
    return low[first], high[first], config.shrink * companions.values[kept][first]
