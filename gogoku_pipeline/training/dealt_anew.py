"""The same data with some features dealt anew among the stocks of each session: what is left when they tell nothing.

A stock receives another stock's whole look-back of these features, values and gaps alike, every other feature stays its
own. One draw per session and purpose, so a network's windows, a tree's rows and the raw channels of one feature agree.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.dataset.batches import DayTable, DayWindow, TrainingData
from gogoku_pipeline.dataset.edge_map import DayEdges, EdgeMap
from gogoku_pipeline.dataset.panel_map import Panel
from gogoku_pipeline.dataset.raw_map import RawMap

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Deal:
    """What is dealt anew.

    Attributes:
        names: features.
        seed: of the draws.
        moves_ties: whether stocks also change places in the graphs, so that everybody has somebody else's companions.
    """

    names: frozenset[str]
    seed: int
    moves_ties: bool = False

    def order(self, session: date, count: int) -> Ints:
        """Whose features each of a session's stocks receives [count]: the same for everything of that session."""
        return stream(self.seed, "dealt anew", session.isoformat()).permutation(count)


class DealtAnew(TrainingData):
    """Training data whose cross-sections have some features dealt anew.

    Args:
        kept: the data as they are.
        deal: what is dealt, and how.
    """

    def __init__(self, kept: TrainingData, deal: Deal) -> None:
        self.panel = with_companions(kept.panel, deal)
        self.labels, self.cross_section = kept.labels, kept.cross_section
        self._kept, self._deal = kept, deal
        self._members, self._targets = kept._members, kept._targets
        self._places = [place for place, name in enumerate(kept.names) if name in deal.names]

    def day(self, session: date, look_back: int) -> DayWindow:
        """One day's cross-section with its look-back."""
        window = self._kept.day(session, look_back)
        values, valid = window.values.copy(), window.valid.copy()
        order = self._deal.order(session, len(window.stocks))
        for place in self._places:
            values[..., place], valid[..., place] = window.values[order, :, place], window.valid[order, :, place]
        return DayWindow(session, window.stocks, values, valid)

    def table(self, sessions: Sequence[date]) -> DayTable:
        """Several days' cross-sections of the decision session alone."""
        table = self._kept.table(sessions)
        values = table.values.copy()
        for place, session in enumerate(table.sessions):
            rows = np.flatnonzero(table.day == place)
            order = rows[self._deal.order(session, len(rows))]
            for column in self._places:
                values[rows, column] = table.values[order, column]
        return replace(table, values=values)


def with_companions(panel: Panel, deal: Deal) -> Panel:
    """The panel whose raw channels and graphs are dealt as its features are."""
    raw, edges = panel.raw, panel.edges
    if raw is not None and deal.names & set(raw.names):
        raw = _DealtRaw(raw.key, raw.names, raw.values, panel.sessions, deal)
    if edges is not None and deal.moves_ties:
        edges = _MovedTies(edges.key, edges.pairs, edges.attributes, edges.bounds, edges.sessions, edges.capacity, deal)
    return replace(panel, raw=raw, edges=edges)


def never_apart(data: TrainingData, sessions: Sequence[date]) -> frozenset[str]:
    """Features that are the same for every stock on each of some sessions: dealing them anew changes nothing."""
    table = data.table(sessions)
    found: Collection[str] = data.names
    for place in range(len(table.sessions)):
        values = table.values[table.day == place]
        low, high = np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0)
        missing = np.isnan(values).sum(axis=0)
        alike = ((low == high) & (missing == 0)) | (missing == len(values))
        found = [name for name in found if alike[data.names.index(name)]]
    return frozenset(found)


@dataclass(frozen=True)
class _DealtRaw(RawMap):
    """Raw channels dealt as the features of the same name."""

    sessions: tuple[date, ...]
    deal: Deal

    def window(
        self, row: int, look_back: int, stocks: npt.NDArray[np.int64], names: tuple[str, ...]
    ) -> npt.NDArray[np.float32]:
        """As RawMap, with the dealt channels of other stocks."""
        found = super().window(row, look_back, stocks, names)
        order = self.deal.order(self.sessions[row], len(stocks))
        dealt = [place for place, name in enumerate(names) if name in self.deal.names]
        found[..., dealt] = found[order][..., dealt]
        return found


@dataclass(frozen=True)
class _MovedTies(EdgeMap):
    """Graphs in which stocks have changed places."""

    deal: Deal

    def among(self, session: date, stocks: npt.NDArray[np.int64]) -> DayEdges:
        """As EdgeMap, every stock with another one's ties."""
        graph = super().among(session, stocks)
        order = self.deal.order(session, len(stocks))
        return DayEdges(session, order[graph.index], graph.attributes)
