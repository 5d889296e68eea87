"""How many nulls a feature must have: counted from its inputs, without calling its formula.

Belongs here: expected nulls per cell from declared windows, observations and needs; the comparison with a computed
frame. Does not belong here: formulas, kernels (this page counts with its own running sums on purpose).

Law, per feature: 0 <= observed - expected <= cap of its group * (rows - expected). Fewer nulls than expected means
somebody filled values in; many more mean a broken join or a cold start. Source: features.md 5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from gogoku_pipeline.features.axes import StockAxis, build_axis
from gogoku_pipeline.features.engine import ENDS_ONLY, leaf_of
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

CAPS = {
    "returns": 0.002,
    "trend": 0.005,
    "volatility": 0.003,
    "liquidity": 0.005,
    "market": 0.001,
    "beta": 0.005,
    "sector": 0.005,
    "size": 0.005,
    "flows": 0.001,
    "margin": 0.01,
    "short": 0.01,
    "options": 0.005,
    "futures": 0.005,
    "sessions": 0.005,
    "breakdown": 0.01,
    "dividends": 0.02,
    "fundamentals": 0.02,
    "valuation": 0.02,
    "earnings": 0.02,
    "limits": 0.003,
    "calendar": 0.0,
    "interactions": 0.02,
    "graph": 0.01,
    "masks": 0.0,
}
"""Largest share of excess nulls per group, for undefined values (0/0, no variance)."""


@dataclass(frozen=True)
class NullCount:
    """Nulls of one feature over a frame.

    Attributes:
        feature, rows: what was counted; expected, observed: null cells.
        filled: cells with a value where null was expected; allowed: most nulls the cap permits.
    """

    feature: str
    rows: int
    expected: int
    observed: int
    filled: int
    allowed: int

    @property
    def is_within(self) -> bool:
        """Whether the law holds."""
        return self.filled == 0 and self.expected <= self.observed <= self.allowed


def null_budget(frame: pl.DataFrame, inputs: FeatureInputs, registry: Registry | None = None) -> list[NullCount]:
    """Compare a computed frame with what its inputs allow.

    Args:
        frame: [session, code, features...] of `engine.compute`.
        inputs: what it was computed from, the whole of it.
        registry: where the features are declared; None for the house registry.
    """
    registry = registry or house()
    names = [name for name in frame.columns if name in registry and registry.feature(name).axis != "external"]
    if frame.is_empty() or not names:
        return []
    days = frame["session"].dt.date()
    expected = expected_nulls(names, inputs, start=min(days), end=max(days), registry=registry)
    both = frame.select("session", "code", *names).join(expected, on=["session", "code"], suffix=":expected")
    counts = []
    for name in names:
        wanted, seen = both[f"{name}:expected"], both[name].is_null()
        owed = int(wanted.sum())
        allowed = owed + math.floor(CAPS[registry.feature(name).group] * (both.height - owed))
        counts.append(NullCount(name, both.height, owed, int(seen.sum()), int((wanted & ~seen).sum()), allowed))
    return counts


def expected_nulls(
    names: Sequence[str], inputs: FeatureInputs, *, start: date, end: date, registry: Registry | None = None
) -> pl.DataFrame:
    """[session, code, names...] with true where a feature must be null; rows as in `engine.compute`."""
    axis = build_axis(inputs.until(end))
    presence = _Presence(axis, registry or house())
    epoch = date(1970, 1, 1).toordinal()
    days = axis.sessions[axis.place]
    rows = np.flatnonzero(~axis.is_gap & (days >= start.toordinal() - epoch) & (days <= end.toordinal() - epoch))
    columns = {
        "session": pl.Series(days[rows].astype(np.int32)).cast(pl.Date),
        "code": axis.codes.gather(axis.code_id[rows]),
        **{name: pl.Series(~presence.on_stocks(name)[rows]) for name in names},
    }
    return pl.DataFrame(columns).sort("session", "code")


class _Presence:
    """Where each feature must have a value, on its own table."""

    def __init__(self, axis: StockAxis, registry: Registry) -> None:
        self.axis = axis
        self.registry = registry
        self.known: dict[str, Claims] = {}

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
            reach = complete.size if feature.window.kind == "X" else feature.window.sessions
            good &= _window_count(complete, starts, reach) >= feature.min_obs
        for need in feature.needs:
            good &= _within(self._input(need.name, feature), starts, need)
        if feature.undefined is not None:
            with np.errstate(all="ignore"):
                good &= ~(evaluate(feature.undefined, self._leaf_table(feature)) == 1.0)
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
    row = np.arange(present.size)
    total = np.concatenate(([0], np.cumsum(present)))
    first = _unit_start(starts)
    low, high = np.maximum(first, row - need.oldest), np.maximum(first, row - need.newest + 1)
    return np.asarray(total[high] - total[low] > 0)
