"""Appending sessions: features of new sessions from the last ones and a carried state, bit for bit as a rebuild.

Belongs here: order of work over a tail. Does not belong here: what is carried (`carried`, `carrying`), how far back
anything is read (`needs`), evaluation on tails (`tail_tables`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from gogoku_pipeline.features.axes import build_axis
from gogoku_pipeline.features.carried import Carried, misfit
from gogoku_pipeline.features.engine import frame_of, given_values, keys_of, recipe, stages
from gogoku_pipeline.features.evaluation import EvaluationTable
from gogoku_pipeline.features.expressions import Floats, Values, Whole
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.needs import Needs, needs_of
from gogoku_pipeline.features.output import FIRST, order_of_block, output_rows, put
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.features.resumed import Resumed, check_history, checked
from gogoku_pipeline.features.tail import Tail, newest_rows
from gogoku_pipeline.features.tail_rows import dense, from_session, spans
from gogoku_pipeline.features.tail_tables import TailStocks, evaluated, table_of

BLOCK_CODES = 512
"""Codes per block: about a megabyte per intermediate array of the longest tail."""


def append_sessions(names: Iterable[str], registry: Registry | None = None) -> int:
    """Sessions before the first new one that `append` must be given (and MARK_SESSIONS more to stage them)."""
    return needs_of(tuple(dict.fromkeys(names)), registry or house()).tail


def append(
    names: Sequence[str],
    inputs: FeatureInputs,
    carried: Carried,
    *,
    start: date,
    end: date,
    registry: Registry | None = None,
) -> tuple[pl.DataFrame, Carried]:
    """Features of sessions after a carried state, equal to a rebuild bit for bit, and the state after them.

    Args:
        names: exact feature names, those of the carried state, in the order of the output columns.
        inputs: the last `append_sessions(names)` sessions before `start` (or the whole history, where it is shorter)
            and the new ones, staged with `factors` of the whole history; other sources as for a rebuild. Rows before
            are not looked at.
        carried: of `compute_carrying` or of an earlier append, through the session before `start`.
        start: first new session.
        end: last new session, included.
        registry: where the names are declared; None for the house registry.

    Returns:
        The frame of `engine.compute` for these sessions, and what the next one needs.

    Raises:
        CarriedStateError: the state is of another registry, other features, another session or other bars, or an
            issue returns after more sessions than the tail holds; the session must be computed from its history.
    """
    registry = registry or house()
    wanted = tuple(dict.fromkeys(names))
    given = inputs.until(end)
    first = checked(carried, wanted, registry, given.known.sessions, start)
    needs = needs_of(wanted, registry)
    tail, asleep = _tail_of(given, carried, needs, first)
    days = tail.known.sessions
    first += len(days) - len(given.known.sessions)
    since = days[max(first - needs.members, 0)]
    axis = replace(build_axis(tail), groups=carried.groups, members_since=since)
    check_history(carried, axis, first)
    run = _Appending(Tail(axis, needs, Resumed(axis, needs, carried, first), first), registry, wanted)
    with np.errstate(all="ignore"):
        frame = run.done(start, end)
    every = np.arange(len(axis.codes))
    return frame, run.tail.resumed.carried(wanted, registry, every, first=carried.first, asleep=asleep)


def _tail_of(given: FeatureInputs, carried: Carried, needs: Needs, first: int) -> tuple[FeatureInputs, tuple[str, ...]]:
    """The sessions a computation reads with every known issue on each of them, and who fell asleep."""
    days = given.known.sessions
    if first < needs.tail and days[0] > carried.first:
        raise misfit(f"{first} sessions before the new ones", f"{needs.tail}, or all since {carried.first}")
    tail = from_session(given, days[max(first - needs.tail, 0)])
    ends = spans(tail.prices)
    if (unlisted := ends.filter(pl.col("last_bar").is_null())).height:
        here = ~pl.col("code").is_in(unlisted["code"].implode())
        tail, ends = replace(tail, prices=tail.prices.filter(here)), ends.filter(here)
    if back := sorted(set(ends["code"]) & set(carried.asleep)):
        raise misfit(f"bars of {back[0]} after a long absence", f"no absence beyond {needs.tail} sessions")
    gone = set(carried.codes) - set(ends["code"])
    return dense(tail, ends, is_tail=True), tuple(sorted({*carried.asleep, *gone}))


class _Appending:
    """One call of `append`."""

    def __init__(self, tail: Tail, registry: Registry, names: tuple[str, ...]) -> None:
        self.tail = tail
        self.registry = registry
        self.names = names
        self.whole = TailStocks(tail, 0, len(tail.axis.codes))

    def done(self, start: date, end: date) -> pl.DataFrame:
        """Do the work; rows as in `engine.compute`."""
        axis, features = self.tail.axis, self.tail.needs.features
        out_row = output_rows(axis, start, end)
        self.out_row: Whole = newest_rows(out_row, axis.starts, self.tail.starts[0])
        size = int((out_row >= 0).sum())
        self.table: Floats = np.empty((len(self.names), size), np.float32)
        self.column = {name: number for number, name in enumerate(self.names)}
        stage = stages(features)
        for feature in features:
            if feature.axis == "external":
                self.tail.on_step[feature.name] = (self.tail.base, given_values(axis, feature.name))
                self._put_out(feature, self.whole)
        for number in range(max(stage.values(), default=-1) + 1):
            now = [feature for feature in features if stage[feature.name] == number]
            self._stocks([feature for feature in now if feature.axis == "stock"])
            for feature in now:
                if feature.axis not in ("stock", "external"):
                    self._series(feature)
        return frame_of(keys_of(axis, out_row), self.names, self.table)

    def _stocks(self, features: list[Feature]) -> None:
        """Features of single stocks, block by block."""
        if not features:
            return
        read = {name for feature in self.tail.needs.features for name in feature.depends_on}
        kept = [feature for feature in features if feature.name in read]
        whole = {f.name: np.empty(self.tail.starts[self.tail.step_of_feature(f.name)][-1]) for f in kept}
        for low in range(0, len(self.tail.axis.codes), BLOCK_CODES):
            block = TailStocks(self.tail, low, min(low + BLOCK_CODES, len(self.tail.axis.codes)))
            for feature in features:
                step = 0 if self.tail.needs.is_kept(feature) else self.tail.step_of_feature(feature.name)
                block.finish(feature, self._values(feature, block, step))
                self._put_out(feature, block)
                if feature.name in whole:
                    own = self.tail.step_of_feature(feature.name)
                    whole[feature.name][block.rows(own)] = block.of_feature(feature.name, own)
        for feature in kept:
            self.tail.on_step[feature.name] = (self.tail.step_of_feature(feature.name), whole[feature.name])

    def _series(self, feature: Feature) -> None:
        """Comparisons, market and group series, releases."""
        if feature.axis == "day":
            step = self.tail.step_of_feature(feature.name)
            self.tail.on_step[feature.name] = (step, self._values(feature, self.whole, step))
        else:
            self.tail.values[feature.name] = self._values(feature, table_of(self.tail, feature, self.whole), 0)
        self._put_out(feature, self.whole)

    def _values(self, feature: Feature, table: EvaluationTable, step: int) -> Values:
        expr, observed = recipe(feature, self.registry)
        values = evaluated(expr, table, step)
        good = np.isfinite(values)
        if observed is not None:
            good &= evaluated(observed, table, step) >= feature.min_obs
        return np.where(good, values, np.nan)

    def _put_out(self, feature: Feature, block: TailStocks) -> None:
        if feature.name not in self.column:
            return
        rows = block.rows(0)
        if "order" not in block.memo:
            block.memo["order"] = order_of_block(self.out_row[rows])
        values = np.ascontiguousarray(block.of_feature(feature.name, 0)).reshape(1, -1)
        put(values, FIRST, block.memo["order"], self.table, np.array([self.column[feature.name]]))
