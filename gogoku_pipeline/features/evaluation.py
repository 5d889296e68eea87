"""Evaluating one expression on one table: a block of stocks, the sessions, or (group, session) cells.

Belongs here: what a leaf means on each table, and the memory of results within one table. Does not belong here:
order of work and minimum observations (`engine`).
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features.axes import StockAxis
from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.feature import Feature


class Store:
    """Finished features of one run, each on its own table. `values[name]`: [rows], [sessions] or [cells]."""

    def __init__(self, axis: StockAxis, features: dict[str, Feature]) -> None:
        self.axis = axis
        self.features = features
        self.values: dict[str, Values] = {}


class EvaluationTable(Protocol):
    """Something expressions can be evaluated on."""

    starts: Whole
    memo: dict[str, Any]

    def leaf(self, name: str) -> Values:
        """Values of a leaf, one per row of the table."""

    def reduce(self, expr: Expr) -> Values:
        """Values of a `reduce` operator, one per row of the table."""

    def cross(self, expr: Expr) -> Values:
        """Values of a `cross` operator, one per row of the table."""


def evaluate(expr: Expr, table: EvaluationTable) -> Values:
    """The values of an expression, [rows of the table] float64, NaN for null; equal sub-expressions are shared."""
    if expr.key in table.memo:
        return np.asarray(table.memo[expr.key])
    if expr.kind == "leaf":
        values = table.leaf(expr.name)
    elif expr.kind == "reduce":
        values = table.reduce(expr)
    elif expr.kind == "cross":
        values = table.cross(expr)
    else:
        values = _call(expr, table)
    table.memo[expr.key] = values
    return values


def _call(expr: Expr, table: EvaluationTable) -> Values:
    if expr.kernel is None:
        raise unknown(expr.name, "an operator without a kernel")
    if expr.root not in table.memo:
        args = [evaluate(arg, table) for arg in expr.args]
        if expr.kind == "window":
            table.memo[expr.root] = expr.kernel(*args, table.starts, *expr.params)
        else:
            table.memo[expr.root] = expr.kernel(*args)
    result = table.memo[expr.root]
    return np.asarray(result if expr.field is None else result[expr.field])


class Stocks:
    """The rows of codes low .. high-1."""

    def __init__(self, store: Store, low: int, high: int) -> None:
        axis = store.axis
        self.store = store
        self.rows = slice(int(axis.starts[low]), int(axis.starts[high]))
        self.starts: Whole = axis.starts[low : high + 1] - axis.starts[low]
        self.memo: dict[str, Any] = {}

    def leaf(self, name: str) -> Values:
        """A price input, a number, or a finished feature (session-wide ones joined to each row)."""
        kind, _, rest = name.partition(".")
        axis = self.store.axis
        if kind == "constant":
            return np.asarray(float(rest))
        if kind == "price":
            return axis.price(rest)[self.rows]
        if kind == "feature":
            feature, values = self.store.features[rest], self.store.values[rest]
            if feature.axis == "market":
                return values[axis.place[self.rows]]
            if feature.axis == "group":
                cell = axis.cells(feature.by)[0][self.rows]
                return np.where(cell >= 0, values[cell], np.nan)
            return values[self.rows]
        raise unknown(name, "an input of another table")

    def reduce(self, expr: Expr) -> Values:
        """Refused: a reduction is a market or group series and becomes a feature of its own first."""
        raise unknown(expr.name, "a reduction inside a stock formula")

    def cross(self, expr: Expr) -> Values:
        """A comparison among the members of the session or sector."""
        axis = self.store.axis
        if self.rows != slice(0, axis.rows) or expr.kernel is None:
            raise unknown(expr.name, "a comparison inside a per_stock formula")
        cell, cells = axis.cells(str(expr.params[0]))
        return np.asarray(expr.kernel(evaluate(expr.args[0], self), axis.member, cell, cells))


class MarketTable:
    """One row per session."""

    def __init__(self, store: Store, stocks: Stocks) -> None:
        self.store = store
        self.stocks = stocks
        self.starts: Whole = np.array([0, store.axis.sessions.size], dtype=np.int64)
        self.memo: dict[str, Any] = {}

    def leaf(self, name: str) -> Values:
        """The index, a number, or a finished market feature."""
        kind, _, rest = name.partition(".")
        if kind == "constant":
            return np.asarray(float(rest))
        if kind == "index":
            return self.store.axis.index(rest)
        if kind == "feature" and self.store.features[rest].axis == "market":
            return self.store.values[rest]
        raise unknown(name, "a stock's value in a market formula, outside a reduction over members")

    def reduce(self, expr: Expr) -> Values:
        """All members of a session become one value."""
        return _reduce(expr, self.stocks, "session")

    def cross(self, expr: Expr) -> Values:
        """Refused: sessions are not compared with each other."""
        raise unknown(expr.name, "a comparison inside a market formula")


class SectorTable(MarketTable):
    """One row per (group, session), each group's sessions in one piece."""

    def __init__(self, store: Store, stocks: Stocks, by: str) -> None:
        super().__init__(store, stocks)
        self.by = by
        sessions = store.axis.sessions.size
        self.starts = np.arange(0, store.axis.cells(by)[1] + 1, max(sessions, 1), dtype=np.int64)

    def leaf(self, name: str) -> Values:
        """A number, a finished group feature of the same grouping, or a market series repeated per group."""
        kind, _, rest = name.partition(".")
        if kind == "feature" and self.store.features[rest].axis == "group" and self.store.features[rest].by == self.by:
            return self.store.values[rest]
        values = super().leaf(name)
        return values if values.ndim == 0 else np.tile(values, self.starts.size - 1)

    def reduce(self, expr: Expr) -> Values:
        """All members of a group on a session become one value."""
        return _reduce(expr, self.stocks, self.by)


def _reduce(expr: Expr, stocks: Stocks, by: str) -> Values:
    axis = stocks.store.axis
    cell, cells = axis.cells(by)
    if expr.kernel is None:
        raise unknown(expr.name, "an operator without a kernel")
    return np.asarray(expr.kernel(evaluate(expr.args[0], stocks), axis.member, cell, cells))


def unknown(name: str, got: str) -> FeatureError:
    """The error of a formula that reaches for something its table does not have."""
    return FeatureError(
        f"`{name}` in a formula",
        got=got,
        want="inputs of the formula's own table",
        remedy="Declare the missing piece as a feature of its own axis and name it with F().",
    )
