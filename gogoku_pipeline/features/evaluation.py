"""Evaluating one expression on one table: a block of stocks, the sessions, (group, session) cells, or releases.

Belongs here: what a leaf means on each table, and the memory of results within one table. Does not belong here:
order of work and minimum observations (`engine`), what is carried from session to session (`carrying`, `tail_tables`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.axes import StockAxis
from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.features.leaves import leaf_of_rows, unknown
from gogoku_pipeline.features.staged import Releases
from gogoku_pipeline.features.states.register import STATES


class Past:
    """What stands before the first row, and who wants to know what is left after the last one: nothing and nobody."""

    def recursion(self, expr: Expr, args: list[Values], table: EvaluationTable) -> Any:
        """Results of a recursive operator on a table, one array or a tuple of them."""
        state = np.zeros((table.starts.size - 1, expr.state_size))
        return kernel_of(expr)(*args, table.starts, table.starts[:-1], state, *expr.params)

    def reads(self, key: str) -> bool:
        """Whether it wants to be told of a finished stock feature."""
        return False

    def note(self, key: str, values: Values, table: EvaluationTable) -> None:
        """Told of values that later sessions may read: recursions, reductions over members, finished stock features."""


class Store:
    """Finished features of one run, each on its own table. `values[name]`: [rows], [sessions], [cells], [releases]."""

    def __init__(self, axis: StockAxis, features: dict[str, Feature], past: Past | None = None) -> None:
        self.axis = axis
        self.features = features
        self.past = past or Past()
        self.values: dict[str, Values] = {}


class EvaluationTable(Protocol):
    """Something expressions can be evaluated on; `name` tells tables apart, `first_unit` a block from the first one."""

    name: str
    first_unit: int
    store: Store
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
    if expr.kind in ("recursive", "reduce"):
        table.store.past.note(expr.key, values, table)
    table.memo[expr.key] = values
    return values


def _call(expr: Expr, table: EvaluationTable) -> Values:
    kernel = kernel_of(expr)
    if expr.root not in table.memo:
        args = [evaluate(arg, table) for arg in expr.args]
        if expr.kind == "window":
            table.memo[expr.root] = kernel(*args, table.starts, table.starts[:-1], *expr.params)
        elif expr.kind == "recursive":
            table.memo[expr.root] = table.store.past.recursion(expr, args, table)
        else:
            table.memo[expr.root] = kernel(*args)
    result = table.memo[expr.root]
    return np.asarray(result if expr.field is None else result[expr.field])


def kernel_of(expr: Expr) -> Callable[..., Any]:
    """What computes an operator; raises FeatureError for one without a kernel."""
    if expr.kernel is None:
        raise unknown(expr.name, "an operator without a kernel")
    return expr.kernel


class Stocks:
    """The rows of codes low .. high-1."""

    name = "stock"

    def __init__(self, store: Store, low: int, high: int) -> None:
        axis = store.axis
        self.store = store
        self.first_unit = low
        self.rows = slice(int(axis.starts[low]), int(axis.starts[high]))
        self.starts: Whole = axis.starts[low : high + 1] - axis.starts[low]
        self.memo: dict[str, Any] = {}

    def leaf(self, name: str) -> Values:
        """A price input, a number, a state or a finished feature (those of other tables joined to each row)."""
        return leaf_of_rows(name, self.store.axis, self.store.features, self.store.values, self._joined)

    def _joined(self, values: Values, where: Whole | None) -> Values:
        return values[self.rows] if where is None else taken(values, where[self.rows])

    def reduce(self, expr: Expr) -> Values:
        """Refused: a reduction is a market or group series and becomes a feature of its own first."""
        raise unknown(expr.name, "a reduction inside a stock formula")

    def cross(self, expr: Expr) -> Values:
        """A comparison among the members of the session or sector."""
        axis = self.store.axis
        if self.rows != slice(0, axis.rows) or expr.kernel is None:
            raise unknown(expr.name, "a comparison inside a per_stock formula")
        return axis.crowd(str(expr.params[0])).compared(expr.kernel, evaluate(expr.args[0], self))

    def reduced(self, expr: Expr, by: str) -> Values:
        """[groups * sessions] a reduction over members, a group's sessions in one piece."""
        return self.store.axis.crowd(by).reduced(kernel_of(expr), evaluate(expr.args[0], self))


class Members(Protocol):
    """Whoever knows what the members of a session or of a sector come to."""

    def reduced(self, expr: Expr, by: str) -> Values:
        """[groups * sessions] values of a `reduce` operator, a group's sessions in one piece."""


class MarketTable:
    """One row per session."""

    first_unit = 0

    def __init__(self, store: Store, stocks: Members) -> None:
        self.name = "market"
        self.store = store
        self.stocks = stocks
        self.starts: Whole = np.array([0, store.axis.sessions.size], dtype=np.int64)
        self.memo: dict[str, Any] = {}

    def leaf(self, name: str) -> Values:
        """The index, a number, a market state, or a finished feature of the market."""
        kind, _, rest = name.partition(".")
        axis = self.store.axis
        if kind == "constant":
            return np.asarray(float(rest))
        if kind == "index":
            return axis.index(rest)
        if kind == "feature":
            feature = self.store.features[rest]
            if feature.axis == "market":
                return self.store.values[rest]
            if feature.axis == "release" and not STATES[feature.by].unit:
                return taken(self.store.values[rest], axis.releases(feature.by).newest)
        if kind == "state":
            alias, _, column = rest.partition(".")
            state, found = axis.staged(alias)
            if isinstance(found, Releases) and not state.unit:
                return taken(found.columns[column], found.newest)
            if not isinstance(found, Releases) and state.axis == "market":
                return found[column]
        raise unknown(name, "a stock's value in a market formula, outside a reduction over members")

    def reduce(self, expr: Expr) -> Values:
        """All members of a session become one value."""
        return self.stocks.reduced(expr, "session")

    def cross(self, expr: Expr) -> Values:
        """Refused: sessions are not compared with each other."""
        raise unknown(expr.name, "a comparison inside a market formula")


class SectorTable(MarketTable):
    """One row per (group, session), each group's sessions in one piece."""

    def __init__(self, store: Store, stocks: Members, by: str) -> None:
        super().__init__(store, stocks)
        self.name = self.by = by
        sessions = store.axis.sessions.size
        self.starts = np.arange(0, store.axis.cells(by)[1] + 1, max(sessions, 1), dtype=np.int64)

    def leaf(self, name: str) -> Values:
        """A number, a finished group feature of the same grouping, or a market series repeated per group."""
        kind, _, rest = name.partition(".")
        if kind == "feature" and self.store.features[rest].axis == "group" and self.store.features[rest].by == self.by:
            return self.store.values[rest]
        if kind == "state" and STATES[rest.partition(".")[0]].axis == self.by:
            found = self.store.axis.staged(rest.partition(".")[0])[1]
            if not isinstance(found, Releases):
                return found[rest.partition(".")[2]]
        values = super().leaf(name)
        return values if values.ndim == 0 else np.tile(values, self.starts.size - 1)

    def reduce(self, expr: Expr) -> Values:
        """All members of a group on a session become one value."""
        return self.stocks.reduced(expr, self.by)


class ReleaseTable:
    """One row per release of a state, each unit's releases in one piece, in order."""

    first_unit = 0

    def __init__(self, store: Store, by: str) -> None:
        self.name = f"release.{by}"
        self.store = store
        self.by = by
        self.releases = store.axis.releases(by)
        self.starts: Whole = self.releases.starts
        self.memo: dict[str, Any] = {}

    def leaf(self, name: str) -> Values:
        """A column of the state, a number, a finished feature of its releases, or another one as it stood then."""
        kind, _, rest = name.partition(".")
        if kind == "constant":
            return np.asarray(float(rest))
        alias, _, column = rest.partition(".")
        if kind == "state" and alias == self.by:
            return self.releases.columns[column]
        if kind == "feature":
            feature, values = self.store.features[rest], self.store.values[rest]
            if feature.axis == "release" and feature.by == self.by:
                return values
            if feature.axis == "market":
                return values[self.releases.place]
            if feature.axis in ("stock", "day", "external") and STATES[self.by].unit:
                return taken(values, self.row_then())
        raise unknown(name, "an input of another table")

    def row_then(self) -> Whole:
        """[releases] the stock's row on the session from which the release was known, -1 for none."""
        found = self.releases
        return self.store.axis.row_at(np.repeat(found.unit_ids, np.diff(found.starts)), found.place)

    def reduce(self, expr: Expr) -> Values:
        """Refused: releases of different stocks come on different days."""
        raise unknown(expr.name, "a reduction inside a release formula")

    def cross(self, expr: Expr) -> Values:
        """Refused, as `reduce`."""
        raise unknown(expr.name, "a comparison inside a release formula")


def taken(values: Values, where: Whole) -> Values:
    """Values at places, NaN for -1."""
    return np.asarray(_taken(values, where))


@compiled
def _taken(values: Values, where: Whole) -> Values:
    out = np.empty(where.size)
    for i in range(where.size):
        out[i] = values[where[i]] if 0 <= where[i] < values.size else np.nan
    return out
