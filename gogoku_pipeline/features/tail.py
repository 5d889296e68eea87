"""The geometry of a tail: the last sessions of every stock at several lengths, and values moved from one to another.

Belongs here: which rows a step has, price inputs on them, finished stock features. Does not belong here: evaluation
(`tail_tables`), order of work (`append`), how far back anything is read (`needs`).
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.axes import StockAxis
from gogoku_pipeline.features.evaluation import Store
from gogoku_pipeline.features.expressions import Values, Whole
from gogoku_pipeline.features.needs import Needs
from gogoku_pipeline.features.price_arrays import PriceArrays
from gogoku_pipeline.features.resumed import Resumed

STEPS = (0, 1, 2, 5, 10, 20, 40, 60, 90, 130, 190, 260, 320, 400)
"""Sessions before the first new one; a last step, `Tail.base`, holds every row there is."""


class Tail(Store):
    """Finished features of one run and the geometry of its steps.

    Attributes:
        resumed: what was carried; needs: how far back everything is read.
        first: number of the first new session; new: how many there are.
        on_step: finished stock features: step and values on its rows.
    """

    def __init__(self, axis: StockAxis, needs: Needs, resumed: Resumed, first: int) -> None:
        super().__init__(axis, {feature.name: feature for feature in needs.features}, resumed)
        self.resumed = resumed
        self.needs = needs
        self.first = first
        self.new = int(axis.sessions.size) - first
        self.on_step: dict[str, tuple[int, Values]] = {}
        self._prices: dict[int, PriceArrays] = {}
        rows = np.diff(axis.starts)
        lengths = [np.minimum(rows, self.new + step) for step in STEPS if step < first]
        self.starts = [np.concatenate(([0], np.cumsum(length))) for length in [*lengths, rows]]

    @property
    def base(self) -> int:
        """The step that holds every row of the axis."""
        return len(self.starts) - 1

    def step_of(self, far: int) -> int:
        """The shortest step that reaches `far` sessions before the first new one."""
        return bisect_left(STEPS, far, 0, self.base)

    def step_of_feature(self, name: str) -> int:
        """The step on which a finished stock feature is kept for others."""
        return self.step_of(self.needs.sessions[name])

    def price(self, name: str, step: int) -> Values:
        """A price input on the rows of a step."""
        if step == self.base:
            return self.axis.price(name)
        if step not in self._prices:
            self._prices[step] = self._prices_of(step)
        return self._prices[step].of(name)

    def _prices_of(self, step: int) -> PriceArrays:
        axis = self.axis
        chosen = np.flatnonzero(axis.place[axis.row_of_price] >= self.first - STEPS[step])
        rows = axis.row_of_price[chosen]
        rows -= (axis.starts[1:] - self.starts[step][1:])[axis.code_id[rows]]
        prices = axis.inputs.prices
        if chosen.size and chosen[-1] - chosen[0] + 1 == chosen.size:
            return PriceArrays(prices.slice(int(chosen[0]), chosen.size), rows)
        return PriceArrays(prices, rows, chosen)

    def row_on(self, row: Whole, step: int) -> Whole:
        """Rows of the axis as rows of a step; -1 for none and for those before it."""
        code = np.maximum(np.searchsorted(self.axis.starts, row, side="right") - 1, 0)
        moved = self.starts[step][code + 1] - (self.axis.starts[code + 1] - row)
        return np.where((row >= 0) & (moved >= self.starts[step][code]), moved, -1)


@compiled
def newest_rows(values: Any, starts: Whole, kept: Whole) -> Any:
    """The last rows of every unit, as many as the shorter table has."""
    out = np.empty(kept[-1], values.dtype)
    for u in range(starts.size - 1):
        shift = starts[u + 1] - kept[u + 1]
        for row in range(kept[u], kept[u + 1]):
            out[row] = values[shift + row]
    return out


@compiled
def behind(past: Values, values: Values, starts: Whole, longer: Whole) -> Values:
    """New rows of every unit behind its carried ones [units, sessions]; NaN before these."""
    out = np.empty(longer[-1])
    for u in range(starts.size - 1):
        old = (longer[u + 1] - longer[u]) - (starts[u + 1] - starts[u])
        for k in range(old):
            column = past.shape[1] - old + k
            out[longer[u] + k] = past[u, column] if column >= 0 else np.nan
        for k in range(starts[u + 1] - starts[u]):
            out[longer[u] + old + k] = values[starts[u] + k]
    return out
