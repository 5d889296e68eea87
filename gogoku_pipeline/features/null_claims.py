"""Where a feature must be null: counted from its inputs, without calling its formula.

Belongs here: null claims per cell from declared windows, observations and needs. Does not belong here: formulas,
kernels (this page counts with its own running sums on purpose), how many nulls are too many (`null_budget`).

Inputs may begin `budget_sessions` before the range. Then a window since the listing is counted over what they hold:
an issue listed earlier that has too few observations there may have them before, so its cell may be null or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl

from gogoku_pipeline.features.axes import StockAxis, build_axis
from gogoku_pipeline.features.engine import ENDS_ONLY, leaf_of, own_reach
from gogoku_pipeline.features.evaluation import (
    EvaluationTable,
    MarketTable,
    ReleaseTable,
    SectorTable,
    Stocks,
    Store,
    evaluate,
)
from gogoku_pipeline.features.expressions import Claims, Whole
from gogoku_pipeline.features.feature import Feature, Need
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.features.states.register import STATES


def budget_sessions(names: Sequence[str], registry: Registry | None = None) -> int | None:
    """Sessions before the first one judged that inputs must hold; None where a state wants all there are.

    A window since the listing counts with its length: the sessions in which an issue that trades every day has
    enough observations.
    """
    registry = registry or house()
    reach: dict[str, int | None] = {}
    for feature in registry.in_order(names):
        below = [reach[name] for name in feature.depends_on] + [STATES[name].price_sessions for name in feature.states]
        known = [places for places in below if places is not None]
        own = max(own_reach(feature), feature.window.sessions if feature.window.kind == "X" else 0)
        reach[feature.name] = None if len(known) < len(below) else own + max(known, default=0)
    every = [reach[name] for name in names]
    return None if None in every else max((places for places in every if places is not None), default=0)


def null_claims(
    names: Sequence[str], inputs: FeatureInputs, start: date, end: date, registry: Registry
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """[session, code, names...] where each feature must be null; the same for what may be null, where they differ.

    Args:
        names: exact feature names.
        inputs: the whole history, or what `budget_sessions` asks for.
        start: first session of the result.
        end: last session of the result, included.
        registry: where the features are declared.
    """
    axis = build_axis(inputs.until(end))
    epoch = date(1970, 1, 1).toordinal()
    days = axis.sessions[axis.place]
    rows = np.flatnonzero(~axis.is_gap & (days >= start.toordinal() - epoch) & (days <= end.toordinal() - epoch))
    key = {
        "session": pl.Series(days[rows].astype(np.int32)).cast(pl.Date),
        "code": axis.codes.gather(axis.code_id[rows]),
    }

    def claimed(presence: _Presence, some: Sequence[str]) -> pl.DataFrame:
        return pl.DataFrame(key | {name: pl.Series(~presence.on_stocks(name)[rows]) for name in some})

    generous = _Presence(axis, registry, is_seen_before=True)
    surely = claimed(generous, names)
    if not generous.older.any():
        return surely, pl.DataFrame(key)
    strict = _Presence(axis, registry, is_seen_before=False)
    strict.known |= {name: found for name, found in generous.known.items() if not _asks_before(name, registry)}
    return surely, claimed(strict, [name for name in names if _asks_before(name, registry)])


def _asks_before(name: str, registry: Registry) -> bool:
    """Whether a feature, or one below it, counts observations since the listing."""
    return any(feature.is_recursive for feature in registry.in_order([name]))


class _Presence:
    """Where each feature must have a value, on its own table.

    `is_seen_before` says what is thought of the sessions before the first row of an issue listed earlier: everything
    that was wanted of them was observed, or nothing.
    """

    def __init__(self, axis: StockAxis, registry: Registry, *, is_seen_before: bool) -> None:
        self.axis = axis
        self.registry = registry
        self.is_seen_before = is_seen_before
        self.known: dict[str, Claims] = {}

    @cached_property
    def older(self) -> Claims:
        """[codes] whether the listing began before the issue's first row."""
        if "listed_sessions" not in self.axis.inputs.prices.columns or not self.axis.rows:
            return np.zeros(len(self.axis.codes), dtype=np.bool_)
        return np.nan_to_num(self.axis.price("listed_sessions")[self.axis.starts[:-1]]) > 1

    def _seen_before(self, feature: Feature) -> Claims:
        """Where a window since the listing is thought to be full because it began before the rows."""
        if self.is_seen_before and feature.axis in ("stock", "day"):
            return np.repeat(self.older, np.diff(self.axis.starts))
        return np.zeros(int(self._starts(feature)[-1]), dtype=np.bool_)

    def of(self, name: str) -> Claims:
        if name not in self.known:
            self.known[name] = self._count(self.registry.feature(name))
        return self.known[name]

    def on_stocks(self, name: str) -> Claims:
        feature = self.registry.feature(name)
        return _joined(self.of(name), self.axis.rows_of(feature.axis, feature.by))

    def _count(self, feature: Feature) -> Claims:
        starts = self._starts(feature)
        good = np.ones(int(starts[-1]), dtype=np.bool_)
        if feature.observes and feature.window.kind not in ENDS_ONLY:
            complete = good.copy()
            for text in feature.observes:
                need = Need.parse(text if "[" in text else f"{text}[t]")
                complete &= _within(self._input(need.name, feature), starts, need)
            is_whole = feature.window.kind == "X"
            reach = complete.size if is_whole else feature.window.sessions
            enough = _window_count(complete, starts, reach) >= feature.min_obs
            good &= (enough | self._seen_before(feature)) if is_whole else enough
        for need in feature.needs:
            good &= _within(self._input(need.name, feature), starts, need)
        if feature.undefined is not None:
            with np.errstate(all="ignore"):
                defined = evaluate(feature.undefined, self._leaf_table(feature)) != 1.0
            is_whole = any(part.kind == "recursive" for part in feature.undefined.parts())
            good &= (defined | self._seen_before(feature)) if is_whole else defined
        if feature.axis == "day" and feature.by:
            cell, cells = self.axis.cells(feature.by)
            mine = good & self.axis.member & (cell >= 0)
            good = mine & (np.bincount(cell[mine], minlength=cells)[cell] >= feature.members)
        return good

    def _starts(self, feature: Feature) -> Whole:
        sessions = self.axis.sessions.size
        if feature.axis == "market":
            return np.array([0, sessions])
        if feature.axis == "group":
            return np.arange(0, self.axis.cells(feature.by)[1] + 1, max(sessions, 1))
        if feature.axis == "release":
            return self.axis.releases(feature.by).starts
        return self.axis.starts

    def _input(self, name: str, feature: Feature) -> Claims:
        """Where an input has a value, on the feature's own table."""
        if name.startswith("@"):
            return self._feature_input(self.registry.feature(name[1:]), feature)
        with np.errstate(all="ignore"):
            return ~np.isnan(self._leaf_table(feature).leaf(leaf_of(name).name))

    def _leaf_table(self, feature: Feature) -> EvaluationTable:
        """The feature's own table, for leaves and undefined cases; another feature reads as 1 where it has a value."""
        leaves = () if feature.undefined is None else feature.undefined.leaves()
        named = [leaf.name.removeprefix("feature.") for leaf in leaves if leaf.name.startswith("feature.")]
        store = Store(self.axis, {name: self.registry.feature(name) for name in named})
        store.values.update({name: np.where(self.of(name), 1.0, np.nan) for name in named})
        whole = Stocks(store, 0, len(self.axis.codes))
        if feature.axis == "release":
            return ReleaseTable(store, feature.by)
        if feature.axis == "group":
            return SectorTable(store, whole, feature.by)
        return MarketTable(store, whole) if feature.axis == "market" else whole

    def _feature_input(self, source: Feature, feature: Feature) -> Claims:
        if feature.axis in ("stock", "day"):
            return self.on_stocks(source.name)
        if source.axis == feature.axis and source.by == feature.by:
            return self.of(source.name)
        if feature.axis == "release":
            return self._then(source, feature)
        if source.axis in ("market", "release"):
            series = self.of(source.name)
            if source.axis == "release":
                series = _joined(series, self.axis.releases(source.by).newest)
            return series if feature.axis == "market" else np.tile(series, self._starts(feature).size - 1)
        cell, cells = self.axis.cells(feature.by if feature.axis == "group" else "session")
        mine = self.on_stocks(source.name) & self.axis.member & (cell >= 0)
        return np.asarray(np.bincount(cell[mine], minlength=cells) >= feature.members)

    def _then(self, source: Feature, feature: Feature) -> Claims:
        """Where a feature of another table had a value when each release became known."""
        table = ReleaseTable(Store(self.axis, {}), feature.by)
        if source.axis == "market":
            return self.of(source.name)[table.releases.place]
        return _joined(self.on_stocks(source.name), table.row_then())


def _joined(present: Claims, where: Whole | None) -> Claims:
    """Claims of another table at the places each row reads; -1 reads nothing."""
    if where is None:
        return present
    return (where >= 0) & present[where] if present.size else np.zeros(where.size, dtype=np.bool_)


def _unit_start(starts: Whole) -> Whole:
    return np.repeat(starts[:-1], np.diff(starts))


def _window_count(present: Claims, starts: Whole, reach: int) -> Whole:
    """How many of the last `reach` rows of the same unit are present."""
    total = np.concatenate(([0], np.cumsum(present)))
    row = np.arange(present.size)
    return np.asarray(total[row + 1] - total[np.maximum(_unit_start(starts), row + 1 - reach)])


def _within(present: Claims, starts: Whole, need: Need) -> Claims:
    """Whether the input is present at least once between the need's two places."""
    if need.oldest == 0:
        return present
    row = np.arange(present.size)
    first = _unit_start(starts)
    if need.oldest == need.newest:
        before = row - need.oldest
        return (before >= first) & present[np.maximum(before, 0)]
    total = np.concatenate(([0], np.cumsum(present)))
    low, high = np.maximum(first, row - need.oldest), np.maximum(first, row - need.newest + 1)
    return np.asarray(total[high] - total[low] > 0)
