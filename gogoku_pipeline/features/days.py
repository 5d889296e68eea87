"""Formulas across stocks on a few sessions at a time: every column is brought into the order of sessions once.

Belongs here: what a leaf means on the rows of some sessions, comparisons and reductions there. Does not belong here:
which features there are and in which order they are made (`across`), kernels (`operators`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gogoku_pipeline.features.crowd import taken_in_order, taken_where
from gogoku_pipeline.features.evaluation import Stocks, Store, evaluate, kernel_of
from gogoku_pipeline.features.expressions import Expr, F, Values, Whole
from gogoku_pipeline.features.leaves import leaf_of_rows, unknown
from gogoku_pipeline.features.operators.ordering import Places

TILE_ROWS = 32_768
"""Rows per tile: a quarter of a megabyte per column."""


class Days:
    """The rows of sessions low .. high-1, session after session, in code order within each.

    Attributes:
        sessions: which they are; part: where their rows lie among all rows by session.
        rows: [rows] their numbers by code; first: [sessions + 1] where each session begins.
    """

    def __init__(self, whole: Stocks, low: int, high: int) -> None:
        order = whole.store.axis.by_session
        self._whole = whole
        self._store: Store = whole.store
        self.part = slice(int(order.first[low]), int(order.first[high]))
        self._memo: dict[str, Values] = {}
        self._roots: dict[str, Any] = {}
        self.sessions = slice(low, high)
        self.rows: Places = order.rows[self.part]
        self.first: Whole = order.first[low : high + 1] - order.first[low]

    def at(self, expr: Expr) -> Values:
        """[rows] values of an expression, NaN for null; equal sub-expressions are shared."""
        if expr.key not in self._memo:
            self._memo[expr.key] = np.asarray(self._made(expr))
        return self._memo[expr.key]

    def reduced(self, expr: Expr, by: str) -> Values:
        """[sessions * groups] a reduction over the members of each session or of its sectors, session by session."""
        return np.asarray(self._called(expr, by))

    def feature(self, name: str) -> Values:
        """[rows] a finished feature."""
        return self.at(F(name))

    def _made(self, expr: Expr) -> Values:
        if expr.kind == "leaf":
            return leaf_of_rows(expr.name, self._store.axis, self._store.features, self._store.values, self._joined)
        if expr.kind == "cross":
            return self._called(expr, str(expr.params[0]))
        if expr.kind == "reduce":
            raise unknown(expr.name, "a reduction inside a stock formula")
        if expr.kind != "pointwise":
            return np.asarray(taken_in_order(evaluate(expr, self._whole), self.rows))
        if expr.root not in self._roots:
            self._roots[expr.root] = kernel_of(expr)(*(self.at(arg) for arg in expr.args))
        found = self._roots[expr.root]
        return np.asarray(found if expr.field is None else found[expr.field])

    def _called(self, expr: Expr, by: str) -> Values:
        crowd = self._store.axis.crowd(by)
        return np.asarray(
            kernel_of(expr)(self.at(expr.args[0]), self.first, crowd.group[self.part], crowd.groups), dtype=np.float64
        )

    def _joined(self, values: Values, where: Whole | None) -> Values:
        if where is None:
            return np.asarray(taken_in_order(values, self.rows))
        return np.asarray(taken_where(values, where, self.rows))


def tiles(whole: Stocks) -> Iterator[Days]:
    """All sessions, some at a time."""
    first = whole.store.axis.by_session.first
    low = 0
    for high in range(1, first.size):
        if first[high] - first[low] >= TILE_ROWS or high == first.size - 1:
            yield Days(whole, low, high)
            low = high
