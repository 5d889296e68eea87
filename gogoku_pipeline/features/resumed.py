"""Going on from a carried state: what recursions start from and what stands before the first new session.

Belongs here: laying the carried numbers out on an axis, refusing what does not fit. Does not belong here: evaluation
(`tail_tables`), order of work (`append`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from gogoku_pipeline.features.axes import StockAxis
from gogoku_pipeline.features.carried import Carried, Place, code_of, misfit
from gogoku_pipeline.features.carrying import Keeping, newest, session_prints
from gogoku_pipeline.features.evaluation import EvaluationTable, kernel_of
from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.needs import Needs
from gogoku_pipeline.features.registry import Registry


class Resumed(Keeping):
    """States and newest results as they stood before the first new session, collecting those after the last one."""

    def __init__(self, axis: StockAxis, needs: Needs, carried: Carried, first: int) -> None:
        super().__init__(axis, needs)
        self.first = first
        self._unit = {"stock": _numbers(axis.codes, carried.codes), "market": np.zeros(1, np.int64)}
        for by, labels in carried.groups.items():
            self._unit[by] = _numbers(axis.labels(by), labels)
        self._was = carried
        self._kept: dict[Place, Values] = {}

    def before(self, table: str, key: str) -> Values:
        """[units, sessions] carried results, NaN for units that are new."""
        place = (table, key)
        if place not in self._kept:
            old, unit = self._was.kept[place], self._unit[table]
            found = old[np.maximum(unit, 0)] if len(old) else np.full((unit.size, old.shape[1]), np.nan)
            self._kept[place] = np.where(unit[:, None] >= 0, found, np.nan)
        return self._kept[place]

    def recursion(self, expr: Expr, args: list[Values], table: EvaluationTable) -> Any:
        """Results from the carried state on; the carried results stand before them."""
        if table.name.startswith("release."):
            return super().recursion(expr, args, table)
        units = table.starts.size - 1
        unit = self._unit[table.name][table.first_unit : table.first_unit + units]
        if table.name != "stock" and (unit < 0).any():
            raise misfit(f"a group of {table.name} that is new", f"the groups carried, because {expr.name} is a run")
        old = self._was.states[table.name, expr.root]
        state = np.where(unit[:, None] >= 0, old[np.maximum(unit, 0)] if len(old) else 0.0, 0.0)
        if table.name == "stock":
            return self.from_state(expr, args, table, state)
        found = self.from_state(expr, args, table, state, table.starts[:-1] + self.first)
        many = isinstance(found, tuple)
        for number, values in enumerate(found if many else (found,)):
            self._put_before(f"{expr.root}.{number}" if many else expr.root, values, table)
        return found

    def behind_carried(self, values: Values, expr: Expr, table: EvaluationTable, first: int) -> Values:
        """A reduction with the new sessions computed and the earlier ones carried.

        A group that is new reads what the reduction says about no members.
        """
        nobody = kernel_of(expr)(np.empty(0), np.zeros(2, np.int64), np.empty(0, np.int32), 1)[0]
        grid = values.reshape(table.starts.size - 1, -1)
        grid[:, :first] = np.nan
        unit = self._unit.get(table.name)
        if unit is not None:
            grid[unit < 0, :first] = nobody
        self._put_before(expr.key, values, table)
        return values

    def _put_before(self, key: str, values: Values, table: EvaluationTable) -> None:
        """Write carried results before the first new session, over whatever stands there."""
        if (table.name, key) not in self.kept:
            return
        past = self.before(table.name, key)
        grid = values.reshape(table.starts.size - 1, -1)
        known = min(self.first, past.shape[1])
        old = self._unit[table.name] >= 0
        grid[old, self.first - known : self.first] = past[old, past.shape[1] - known :]

    def keep(self, table: str, key: str, values: Values, starts: Whole, first_unit: int) -> None:
        """Keep the newest results of a block of stocks."""
        if (kept := self.kept.get((table, key))) is not None:
            units = starts.size - 1
            kept[first_unit : first_unit + units] = newest(values, starts, kept.shape[1])


def checked(carried: Carried, names: Sequence[str], registry: Registry, days: pl.Series, start: date) -> int:
    """Number of the first new session among `days`; raises CarriedStateError for a carried state of something else."""
    if carried.code != (own := code_of(registry)):
        raise misfit(f"registry and engine {carried.code[:12]}", f"{own[:12]} of the {registry.name} registry")
    if set(names) != set(carried.names):
        raise misfit(f"{len(carried.names)} features", f"the {len(set(names))} asked for")
    found = days.search_sorted(start)
    if found >= len(days) or days[found] != start:
        raise misfit(f"no rows of {start}", "the session to append")
    if not found or days[found - 1] != carried.through:
        raise misfit(f"a state through {carried.through}", f"one through the session before {start}")
    return int(found)


def check_history(carried: Carried, axis: StockAxis, first: int) -> None:
    """Raise CarriedStateError where bars before the first new session are others than those the state stands on."""
    prints = session_prints(axis)[:first]
    known = min(prints.size, carried.prints.size)
    if (prints[prints.size - known :] != carried.prints[carried.prints.size - known :]).any():
        raise misfit("other bars in the sessions before", "the history it was computed from")
    firsts = axis.place[axis.starts[:-1]]
    strange = axis.codes.filter(pl.Series(firsts < first) & ~axis.codes.is_in(list(carried.codes)))
    if len(strange):
        raise misfit(f"bars of {strange[0]} before {carried.through}", "the issues it knows")


def _numbers(labels: pl.Series, known: Sequence[str]) -> Whole:
    """Number of each label among the known ones, -1 for a new one."""
    place = {label: number for number, label in enumerate(known)}
    return np.array([place.get(label, -1) for label in labels], dtype=np.int64)
