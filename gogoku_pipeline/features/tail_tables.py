"""Tables of a tail: every expression on as few sessions as somebody reads of it.

Belongs here: evaluating stock formulas on tails of several lengths, and market, group and release series over a tail
with what was carried in front. Does not belong here: order of work (`append`), how far back anything is read (`needs`).

A step is a tail of one length: the rows of every stock from STEPS[k] sessions before the first new session on. An
expression lives on the step that covers its depth; a window operator computes the rows somebody reads, from arguments
on a longer step, and its results move on to a shorter one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gogoku_pipeline.features.crowd import Crowd, SessionOrder
from gogoku_pipeline.features.evaluation import (
    EvaluationTable,
    MarketTable,
    ReleaseTable,
    SectorTable,
    Store,
    evaluate,
    kernel_of,
    taken,
)
from gogoku_pipeline.features.expressions import Expr, F, Values, Whole
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.features.leaves import unknown
from gogoku_pipeline.features.staged import Releases
from gogoku_pipeline.features.tail import Tail, behind, newest_rows


class TailStocks:
    """The rows of codes low .. high-1 on every step; `starts` are those of the new sessions."""

    name = "stock"

    def __init__(self, tail: Tail, low: int, high: int) -> None:
        self.store: Store = tail
        self.tail = tail
        self.first_unit = low
        self.high = high
        self.memo: dict[str, Any] = {}
        self._starts: dict[int, Whole] = {}
        self._moved: dict[tuple[str, int], Values] = {}
        self.starts = self.starts_of(0)

    def starts_of(self, step: int) -> Whole:
        """First row of each code on a step, counted from the block's first one."""
        if step not in self._starts:
            starts = self.tail.starts[step][self.first_unit : self.high + 1]
            self._starts[step] = starts - starts[0]
        return self._starts[step]

    def rows(self, step: int) -> slice:
        """Where the block lies among all rows of a step."""
        starts = self.tail.starts[step]
        return slice(int(starts[self.first_unit]), int(starts[self.high]))

    def at(self, expr: Expr, step: int) -> Values:
        """Values of an expression on the rows of a step that is not longer than its own."""
        if expr.key not in self.memo:
            own = self.tail.step_of(self.tail.needs.depth[self.name, expr.key])
            self.memo[expr.key] = (own, self._made(expr, own))
        own, values = self.memo[expr.key]
        if own == step or values.ndim == 0:
            return np.asarray(values)
        if (expr.key, step) not in self._moved:
            self._moved[expr.key, step] = self.moved(values, own, step)
        return self._moved[expr.key, step]

    def of_feature(self, name: str, step: int) -> Values:
        """Values of a finished feature on the rows of a step."""
        leaf = F(name)
        return self.at(leaf, step) if leaf.key in self.memo else self._leaf(leaf.name, step)

    def moved(self, values: Values, step: int, to: int) -> Values:
        """Values of one step on the rows of a shorter one."""
        if step == to:
            return values
        return np.asarray(newest_rows(values, self.starts_of(step), self.starts_of(to)))

    def finish(self, feature: Feature, values: Values) -> None:
        """Remember a stock feature, computed on its own step or, where its past is carried, on the new sessions."""
        key = F(feature.name).key
        step = self.tail.step_of_feature(feature.name)
        if self.tail.needs.is_kept(feature):
            values = self.behind_the_past(key, values, step)
            self._keep(key, values, step)
        self.memo[key] = (step, values)

    def behind_the_past(self, key: str, values: Values, step: int) -> Values:
        """Values of the new sessions on a longer step, with the carried ones in front."""
        if step == 0:
            return values
        past = self.tail.resumed.before(self.name, key)[self.first_unit : self.high]
        return np.asarray(behind(past, values, self.starts_of(0), self.starts_of(step)))

    def _keep(self, key: str, values: Values, step: int) -> None:
        self.tail.resumed.keep(self.name, key, values, self.starts_of(step), self.first_unit)

    def _made(self, expr: Expr, step: int) -> Values:
        if expr.kind == "leaf":
            return self._leaf(expr.name, step)
        if expr.kind == "cross":
            return self._cross(expr, step)
        if expr.kind == "reduce" or expr.kernel is None:
            raise unknown(expr.name, "a reduction inside a stock formula")
        if expr.kind == "pointwise":
            return np.asarray(expr.kernel(*(self.at(arg, step) for arg in expr.args)))
        call = f"{expr.kind} {expr.root}"
        if call not in self.memo:
            self.memo[call] = self._window(expr) if expr.kind == "window" else self._recursion(expr)
        own, results = self.memo[call]
        values = np.asarray(results if expr.field is None else results[expr.field])
        if expr.kind == "window":
            return self.moved(values, own, step)
        values = self.behind_the_past(expr.key, values, step)
        self._keep(expr.key, values, step)
        return values

    def _window(self, expr: Expr) -> tuple[int, Any]:
        far = self.tail.needs.depth[self.name, expr.root]
        step = self.tail.step_of(far + expr.back)
        starts = self.starts_of(step)
        begin = np.maximum(starts[:-1], starts[1:] - (self.tail.new + far))
        args = (self.at(arg, step) for arg in expr.args)
        return step, kernel_of(expr)(*args, starts, begin, *expr.params)

    def _recursion(self, expr: Expr) -> tuple[int, Any]:
        return 0, self.tail.resumed.recursion(expr, [self.at(arg, 0) for arg in expr.args], self)

    def _leaf(self, name: str, step: int) -> Values:
        kind, _, rest = name.partition(".")
        axis = self.tail.axis
        if kind == "constant":
            return np.asarray(float(rest))
        if kind == "price":
            return self.tail.price(rest, step)[self.rows(step)]
        if kind == "feature":
            feature = self.tail.features[rest]
            if rest in self.tail.on_step:
                own, values = self.tail.on_step[rest]
                return self.moved(values[self.rows(own)], own, step)
            return self._joined(self.tail.values[rest], feature.axis, feature.by, step)
        if kind == "state":
            alias, _, column = rest.partition(".")
            state, found = axis.staged(alias)
            values = found.columns[column] if isinstance(found, Releases) else found[column]
            return self._joined(values, state.axis, alias, step)
        raise unknown(name, "an input of another table")

    def _from_base(self, values: Any, step: int) -> Any:
        return self.moved(values[self.rows(self.tail.base)], self.tail.base, step)

    def _joined(self, values: Values, axis: str, by: str, step: int) -> Values:
        where = self.tail.axis.rows_of(axis, by)
        if where is None:
            return np.asarray(self._from_base(values, step))
        place = f"where {axis} {by} {step}"
        if place not in self.memo:
            self.memo[place] = self._from_base(where, step)
        return taken(values, self.memo[place])

    def _cross(self, expr: Expr, step: int) -> Values:
        if self.first_unit or self.high != len(self.tail.axis.codes):
            raise unknown(expr.name, "a comparison inside a per_stock formula")
        return self._crowd(str(expr.params[0]), step).compared(kernel_of(expr), self.at(expr.args[0], step))

    def reduced(self, expr: Expr, by: str) -> Values:
        """A reduction over members on the new sessions."""
        return self._crowd(by, 0).reduced(kernel_of(expr), self.at(expr.args[0], 0))

    def _crowd(self, by: str, step: int) -> Crowd:
        """Who is compared with whom on the sessions of a step."""
        place, axis = f"crowd {by} {step}", self.tail.axis
        if place not in self.memo:
            cell, cells = axis.cells(by)
            order = SessionOrder.of(self._from_base(axis.place, step), int(axis.sessions.size))
            member = self._from_base(axis.member, step)
            self.memo[place] = Crowd.of(order, member, self._from_base(cell, step), cells)
        found: Crowd = self.memo[place]
        return found

    def leaf(self, name: str) -> Values:
        """A leaf on the new sessions."""
        return self.at(Expr(name, "leaf"), 0)

    def reduce(self, expr: Expr) -> Values:
        """Refused, as in `Stocks`."""
        raise unknown(expr.name, "a reduction inside a stock formula")

    def cross(self, expr: Expr) -> Values:
        """A comparison on the new sessions."""
        return self._cross(expr, 0)


class TailMarket(MarketTable):
    """One row per session of the tail; reductions are computed on the new ones and stand behind the carried."""

    stocks: Any

    def __init__(self, tail: Tail, stocks: TailStocks) -> None:
        super().__init__(tail, stocks)
        self.tail = tail

    def reduce(self, expr: Expr) -> Values:
        """All members of a session become one value."""
        return self.tail.resumed.behind_carried(self.stocks.reduced(expr, "session"), expr, self, self.tail.first)


class TailSectors(SectorTable):
    """One row per group and session of the tail."""

    stocks: Any

    def __init__(self, tail: Tail, stocks: TailStocks, by: str) -> None:
        super().__init__(tail, stocks, by)
        self.tail = tail

    def reduce(self, expr: Expr) -> Values:
        """All members of a group on a session become one value."""
        return self.tail.resumed.behind_carried(self.stocks.reduced(expr, self.by), expr, self, self.tail.first)


class TailReleases(ReleaseTable):
    """One row per release known at the end; other features are read as they stood then, as far as the tail reaches."""

    def __init__(self, tail: Tail, by: str) -> None:
        super().__init__(tail, by)
        self.tail = tail

    def leaf(self, name: str) -> Values:
        """As in `ReleaseTable`."""
        kind, _, rest = name.partition(".")
        if kind == "feature" and rest in self.tail.on_step:
            step, values = self.tail.on_step[rest]
            return taken(values, self.tail.row_on(self.row_then(), step))
        return super().leaf(name)


def table_of(tail: Tail, feature: Feature, whole: TailStocks) -> EvaluationTable:
    """The table of a feature that is no stock's own."""
    if feature.axis == "release":
        return TailReleases(tail, feature.by)
    return TailMarket(tail, whole) if feature.axis == "market" else TailSectors(tail, whole, feature.by)


def evaluated(expr: Expr, table: EvaluationTable, step: int) -> Values:
    """Values of an expression on a table of the tail; on stocks, on the rows of a step."""
    return table.at(expr, step) if isinstance(table, TailStocks) else evaluate(expr, table)
