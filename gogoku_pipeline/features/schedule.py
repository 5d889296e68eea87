"""In which order the values of formulas are made, and which are made together.

Belongs here: the order, and what one call or one program makes. Does not belong here: taking formulas apart
(`formulas`), places (`plan`).

Features are finished a few at a time, the shallow ones first: what they need and nobody made yet is made just before,
level by level, so that few values wait for a reader. All windows of one series are made with the first of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import Literal, NamedTuple

from gogoku_pipeline.features.evaluation import kernel_of
from gogoku_pipeline.features.formulas import Formulas, Value
from gogoku_pipeline.features.operators.windows import ASKED

AT_ONCE = 16
"""Features that are finished together."""


class Unit(NamedTuple):
    """What one step makes, or the features that are done after it.

    Attributes:
        kind: one call; several windows of one series; one program of arithmetic; features that are done.
        values: what is made, or read where features are done.
        names: of the features that are done.
    """

    kind: Literal["call", "windows", "arithmetic", "done"]
    values: tuple[Value, ...]
    names: tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[Value, ...]:
        """Values made before that it reads, leaves included, numbers not."""
        if self.kind == "done":
            return tuple(dict.fromkeys(self.values))
        if self.kind != "arithmetic":
            return tuple(dict.fromkeys(self.values[0].args))
        inside = set(self.values)
        args = (arg for value in self.values for arg in value.args)
        return tuple(dict.fromkeys(arg for arg in args if arg not in inside and arg.number is None))


def scheduled(formulas: Formulas, at_once: int) -> list[Unit]:
    """Units in order, so many features done at once."""
    schedule = _Schedule(formulas)
    features = sorted(formulas.finished, key=lambda feature: feature[1].level)
    for first in range(0, len(features), at_once):
        names, values = zip(*features[first : first + at_once], strict=True)
        schedule.make(values)
        schedule.units.append(Unit("done", values, names))
    return schedule.units


class _Schedule:
    """Units so far."""

    def __init__(self, formulas: Formulas) -> None:
        self.units: list[Unit] = []
        self._made: set[Value] = set()
        self._together: dict[Hashable, list[Value]] = defaultdict(list)
        for call in formulas.calls:
            self._together[_shared(call)].append(call)

    def make(self, wanted: Iterable[Value]) -> None:
        """Add units for what is not made yet, operands first."""
        missing: dict[Value, None] = {}
        for value in wanted:
            self._find(value, missing)
        for level in sorted({value.level for value in missing}):
            here = [value for value in missing if value.level == level]
            for call in here:
                if not call.is_arithmetic and call not in self._made:
                    kind: Literal["windows", "call"] = "windows" if kernel_of(call.expr) in ASKED else "call"
                    self._add(Unit(kind, tuple(self._together[_shared(call)])))
            if arithmetic := tuple(value for value in here if value.is_arithmetic):
                self._add(Unit("arithmetic", arithmetic))

    def _find(self, value: Value, missing: dict[Value, None]) -> None:
        if value.is_leaf or value in self._made or value in missing:
            return
        for arg in value.args:
            self._find(arg, missing)
        missing[value] = None

    def _add(self, unit: Unit) -> None:
        self.units.append(unit)
        self._made.update(unit.values)


def _shared(call: Value) -> Hashable:
    """What calls that are made together have in common: their series, or their root."""
    return call.args[0] if kernel_of(call.expr) in ASKED else call.expr.root
