"""A plan: formulas of single stocks as one list of steps, made once and run block by block.

Belongs here: where each value lies. Does not belong here: the order of steps (`schedule`), what a step does (`steps`,
`arithmetic`), which features there are (`engine`).

A block's memory [slots, rows] holds a value from its step to its last reader; what only the same program of
arithmetic reads lies in a register of a chunk of rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gogoku_pipeline.features.arithmetic import Program
from gogoku_pipeline.features.evaluation import Stocks, kernel_of
from gogoku_pipeline.features.expressions import Expr, Values
from gogoku_pipeline.features.formulas import Formulas, Recipe, Value
from gogoku_pipeline.features.operators.windows import ASKED
from gogoku_pipeline.features.schedule import AT_ONCE, Unit, scheduled
from gogoku_pipeline.features.steps import Call, Load, Step, Windows


class Finished(NamedTuple):
    """Features that are done, and the slots they lie in until the next step."""

    names: tuple[str, ...]
    slots: tuple[int, ...]


@dataclass
class Plan:
    """Steps in order, and how many slots they need."""

    steps: list[Step | Finished] = field(default_factory=list)
    slots: int = 0

    def run(self, block: Stocks, memory: Values) -> Iterator[Finished]:
        """Run on a block with its memory [slots, rows]; yields features as they are done."""
        for step in self.steps:
            if isinstance(step, Finished):
                yield step
            else:
                step.run(block, memory)


def planned(recipes: Sequence[Recipe], outside: set[str], at_once: int = AT_ONCE) -> Plan:
    """The plan of some features.

    Args:
        recipes: dependencies first.
        outside: features that are read by others than these.
        at_once: how many are finished together.
    """
    read = {name for feature, _, _ in recipes for name in feature.depends_on}
    units = scheduled(Formulas(recipes, read | outside), at_once)
    last = {value: number for number, unit in enumerate(units) for value in unit.reads}
    plan, places = Plan(), _Places()
    for number, unit in enumerate(units):
        for leaf in unit.reads:
            if leaf.is_leaf and leaf.slot < 0:
                leaf.slot = places.take()
                plan.steps.append(Load(leaf.expr.name, leaf.slot))
        made = [value for value in unit.values if value in last] if unit.kind != "done" else []
        for value in made:
            value.slot = places.take()
        plan.steps.append(_step(unit))
        places.free += [value.slot for value in unit.reads if last[value] == number]
    plan.slots = places.deepest
    return plan


@dataclass
class _Places:
    """Slots or registers in use; a free one is taken before a new one, the one that was left last first."""

    deepest: int = 0
    free: list[int] = field(default_factory=list)

    def take(self) -> int:
        if not self.free:
            self.deepest += 1
            return self.deepest - 1
        return self.free.pop()


def _step(unit: Unit) -> Step | Finished:
    if unit.kind == "done":
        return Finished(unit.names, tuple(value.slot for value in unit.values))
    if unit.kind == "arithmetic":
        return _program(unit.values)
    if unit.kind == "windows":
        return _windows(unit.values)
    args = tuple(arg.slot for arg in unit.values[0].args)
    return Call(
        unit.values[0].expr, args, tuple((value.expr.key, value.expr.field, value.slot) for value in unit.values)
    )


def _windows(values: Sequence[Value]) -> Windows:
    """Windows of one series, those of equal length side by side."""

    def asked(expr: Expr) -> tuple[int, int, int]:
        n, *ddof = expr.params
        return ASKED[kernel_of(expr)], n, ddof[0] if ddof else 0

    order = sorted(values, key=lambda value: (asked(value.expr)[1], asked(value.expr)))
    table = np.array([asked(value.expr) for value in order])
    return Windows(values[0].args[0].slot, table, np.array([value.slot for value in order]))


def _program(values: Sequence[Value]) -> Program:
    """Arithmetic with its places: slots from 0 up, registers from -1 down, the first of them for the numbers."""
    numbers = {arg: arg.number for value in values for arg in value.args if arg.number is not None}
    register = {arg: position for position, arg in enumerate(numbers)}
    places = _Places(deepest=len(numbers))
    last = {arg: position for position, value in enumerate(values) for arg in value.args}
    steps = np.zeros((len(values), 5), np.int64)
    for position, value in enumerate(values):
        if value.slot < 0:
            register[value] = places.take()
        used = [-1 - register[arg] if arg in register else arg.slot for arg in (value, *value.args)]
        steps[position, : 1 + len(used)] = value.operation, *used
        done = (arg for arg in dict.fromkeys(value.args) if last[arg] == position and arg not in numbers)
        places.free += [register[arg] for arg in done if arg in register]
    return Program(steps, tuple(numbers.values()), places.deepest)
