"""Features that look across stocks, a few columns at a time: comparisons, market and group series, releases.

Belongs here: which of them are made together, writing them out session after session. Does not belong here: their
values (`days`, `evaluation`), stages of the whole run (`engine`), how long columns live (`lifetimes`).

What is asked for goes straight to the output, whose rows lie session after session too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.axes import StockAxis
from gogoku_pipeline.features.crowd import lay_back
from gogoku_pipeline.features.days import Days, tiles
from gogoku_pipeline.features.evaluation import (
    EvaluationTable,
    MarketTable,
    ReleaseTable,
    SectorTable,
    Stocks,
    Store,
    evaluate,
)
from gogoku_pipeline.features.expressions import Claims, Expr, Floats, Values, Whole
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.features.formulas import Recipe
from gogoku_pipeline.features.output import finite, observed_often

AT_ONCE = 8
"""Columns of single stocks that are read together: so many are brought into the order of sessions at a time."""


@dataclass(frozen=True)
class Shown:
    """The output by session.

    Attributes:
        rows: [rows by session] whether the row is put out.
        before: [sessions + 1] rows put out before each session.
        table: [columns, rows put out]; column: name to its number.
    """

    rows: Claims
    before: Whole
    table: Floats
    column: dict[str, int]

    @classmethod
    def of(cls, axis: StockAxis, out_row: Whole, table: Floats, column: dict[str, int]) -> Shown:
        """From the place of each row by code in the output, -1 for none."""
        order = axis.by_session
        rows = (out_row >= 0)[order.rows]
        return cls(rows, np.asarray(_before(rows, order.first), np.int64), table, column)

    def put(self, name: str, values: Values, days: Days) -> None:
        """Write a column's values on some sessions."""
        low, high = self.before[days.sessions.start], self.before[days.sessions.stop]
        _put(values, self.rows[days.part], self.table[self.column[name], low:high])


@compiled
def _before(shown: Claims, first: Whole) -> Whole:
    out = np.zeros(first.size, np.int64)
    for k in range(first.size - 1):
        out[k + 1] = out[k] + shown[first[k] : first[k + 1]].sum()
    return out


@compiled
def _put(values: Values, shown: Claims, out: Floats) -> None:
    place = 0
    for i in range(values.size):
        if shown[i]:
            single = np.float32(values[i])
            out[place] = single if abs(single) < np.inf else np.float32(np.nan)
            place += 1


@dataclass
class Across:
    """Making features of one stage that do not wait for each other.

    Attributes:
        store: finished features; shown: the output.
    """

    store: Store
    shown: Shown
    _sums: dict[tuple[str, str], Values] = field(default_factory=dict)

    def make(self, recipes: Sequence[Recipe], read: set[str]) -> None:
        """Values of some features that read the same columns; those in `read` are kept for others."""
        whole = self._whole()
        days = [one for one in recipes if one[0].axis == "day"]
        others = [one for one in recipes if one[0].axis != "day"]
        sums = {(table_of(feature), e.key): e for feature, *exprs in others for e in _reductions(exprs)}
        for feature, *_ in days:
            if feature.name in read:
                self.store.values[feature.name] = np.empty(self.store.axis.rows)
        self._sums = {place: self._room(place[0]) for place in sums}
        if days or sums:
            for tile in tiles(whole):
                for one in days:
                    self._compare(one, tile)
                for (by, key), expr in sums.items():
                    groups = self.store.axis.crowd(by).groups
                    part = slice(tile.sessions.start * groups, tile.sessions.stop * groups)
                    self._sums[by, key][part] = tile.reduced(expr, by)
        for feature, expr, observed in others:
            table = self._table(feature)
            values = evaluate(expr, table)
            seen = None if observed is None else evaluate(observed, table)
            self.store.values[feature.name] = observed_only(values, feature, seen)
        self.show([feature for feature, *_ in others])

    def show(self, features: Sequence[Feature]) -> None:
        """Put out finished features of other tables than the stocks' own."""
        asked = [feature.name for feature in features if feature.name in self.shown.column]
        if asked:
            for tile in tiles(self._whole()):
                for name in asked:
                    self.shown.put(name, tile.feature(name), tile)

    def reduced(self, expr: Expr, by: str) -> Values:
        """[groups * sessions] a reduction over members, a group's sessions in one piece."""
        found = self._sums[by, expr.key].reshape(-1, self.store.axis.crowd(by).groups)
        return np.ascontiguousarray(found.T).reshape(-1)

    def _whole(self) -> Stocks:
        return Stocks(self.store, 0, len(self.store.axis.codes))

    def _room(self, by: str) -> Values:
        return np.empty(self.store.axis.sessions.size * self.store.axis.crowd(by).groups)

    def _compare(self, one: Recipe, tile: Days) -> None:
        feature, expr, observed = one
        values = tile.at(expr)
        is_read = feature.name in self.store.values
        if is_read or observed is not None:
            values = observed_only(values, feature, None if observed is None else tile.at(observed))
        if is_read:
            lay_back(values, tile.rows, self.store.values[feature.name])
        if feature.name in self.shown.column:
            self.shown.put(feature.name, values, tile)

    def _table(self, feature: Feature) -> EvaluationTable:
        if feature.axis == "release":
            return ReleaseTable(self.store, feature.by)
        if feature.axis == "market":
            return MarketTable(self.store, self)
        return SectorTable(self.store, self, feature.by)


def table_of(feature: Feature) -> str:
    """What the members of a session are reduced to: "session" or the grouping."""
    return feature.by if feature.axis == "group" else "session"


def _reductions(exprs: Sequence[Expr | None]) -> Iterator[Expr]:
    for expr in exprs:
        if expr is not None:
            yield from (part for part in expr.parts() if part.kind == "reduce")


def observed_only(values: Values, feature: Feature, observed: Values | None) -> Values:
    """Values, NaN where one is not finite or has too few observations."""
    if observed is None:
        return np.asarray(finite(np.atleast_1d(values))).reshape(values.shape)
    return np.asarray(observed_often(values, observed, feature.min_obs))


def together(recipes: Sequence[Recipe], axes: Mapping[str, str]) -> list[list[Recipe]]:
    """Features that read the same few columns of single stocks, piece by piece; `axes` tells those of features."""
    pieces: list[list[Recipe]] = []
    inside: set[str] = set()
    for one in sorted(recipes, key=lambda one: sorted(_columns(one, axes))):
        columns = _columns(one, axes)
        if not pieces or len(inside | columns) > AT_ONCE:
            pieces.append([])
            inside = set()
        pieces[-1].append(one)
        inside |= columns
    return pieces


def _columns(one: Recipe, axes: Mapping[str, str]) -> set[str]:
    _, *exprs = one
    leaves = {leaf.name for expr in exprs if expr is not None for leaf in expr.leaves()}
    of_stocks = {f"feature.{name}" for name, axis in axes.items() if axis in ("stock", "day", "external")}
    return {name for name in leaves if name.startswith("price.") or name in of_stocks}
