"""The graphs beside the panel: who was tied to whom on every session, memory-mapped, on the panel's places.

Each pair is kept once, as two places and four attributes (weight, same sector, same market, weight delta over 20
sessions; what is unknown is 0): 12 bytes per pair, so that ten years of the full market stay far below the panel. A
session whose graph was drawn and has no pair is an empty graph; one that was never drawn is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.graph.correlation import EDGES

ATTRIBUTES = ("weight", "is_same_sector", "is_same_market", "weight_delta_20d")
"""What is told of a pair, in this order."""


@dataclass(frozen=True)
class DayEdges:
    """The graph of one session among some stocks.

    Attributes:
        session: whose graph it is.
        index: int64 [2, E], source and target as rows of these stocks; every pair in both directions.
        attributes: float32 [E, 4].
    """

    session: date
    index: npt.NDArray[np.int64]
    attributes: npt.NDArray[np.float32]


@dataclass(frozen=True)
class EdgeMap:
    """The graphs of a panel's sessions.

    Attributes:
        key: content hash of what they were made from.
        pairs: uint16 [P, 2], places of the two stocks on the panel.
        attributes: float16 [P, 4].
        bounds: int64 [T, 2], where the pairs of each session of the panel begin and end; -1 where none was drawn.
        sessions: the panel's.
        capacity: places of the panel.
    """

    key: str
    pairs: npt.NDArray[np.uint16]
    attributes: npt.NDArray[np.float16]
    bounds: npt.NDArray[np.int64]
    sessions: tuple[date, ...]
    capacity: int

    @cached_property
    def rows(self) -> dict[date, int]:
        """Place of each session."""
        return {session: place for place, session in enumerate(self.sessions)}

    def among(self, session: date, stocks: npt.NDArray[np.int64]) -> DayEdges:
        """The graph of a session among some stocks; pairs with anybody else are left out.

        Args:
            session: a session of the panel.
            stocks: places on the panel's stock axis [n].

        Raises:
            DatasetError: a session whose graph was never drawn.
        """
        start, stop = self.bounds[self.rows[session]] if session in self.rows else (-1, -1)
        if start < 0:
            raise DatasetError(
                f"graph of {session}",
                got="a session whose graph was never drawn",
                want=f"the session in {EDGES.name}, be it without an edge",
                remedy=f"Materialise {EDGES.name} for the session, or switch the graph off.",
            )
        row = np.full(self.capacity, -1, dtype=np.int64)
        row[stocks] = np.arange(len(stocks))
        ends = row[self.pairs[start:stop]]  # [P, 2]
        inside = (ends >= 0).all(axis=1)
        one_way, told = ends[inside].T, self.attributes[start:stop][inside].astype(np.float32)
        return DayEdges(session, np.concatenate([one_way, one_way[::-1]], axis=1), np.concatenate([told, told]))
