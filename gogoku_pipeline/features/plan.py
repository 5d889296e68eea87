"""A plan: formulas of single stocks as one list of steps, made once and run block by block.

Belongs here: the order of steps, what is computed together, and where each value lies. Does not belong here: what a
step does (`steps`, `arithmetic`), which features there are (`engine`).

A level is: its calls, with all windows of one series in one; its arithmetic, in one program; its finished features.
A block's memory [slots, rows] holds a value from its step to its last reader.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np

from gogoku_pipeline.features.arithmetic import Program
from gogoku_pipeline.features.evaluation import Stocks, kernel_of
from gogoku_pipeline.features.expressions import Expr, Values
from gogoku_pipeline.features.formulas import Formulas, Recipe, Value
from gogoku_pipeline.features.operators.windows import ASKED
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


def planned(recipes: Sequence[Recipe], outside: set[str]) -> Plan:
    """The plan of some features, dependencies first; those in `outside` are read by others than these."""
    read = {name for feature, _, _ in recipes for name in feature.depends_on}
    formulas = Formulas(recipes, read | outside)
    stored, layout = formulas.stored(), _Layout()
    for level in range(1 + max((value.level for _, value in formulas.finished), default=-1)):
        _calls([value for value in formulas.calls if value.level == level], layout)
        _program([value for value in formulas.arithmetic if value.level == level], stored, layout)
        _finished([(name, value) for name, value in formulas.finished if value.level == level], layout)
    return layout.plan()


class _Layout:
    """Steps in order with what they read and write, before values have places."""

    def __init__(self) -> None:
        self._steps: list[tuple[list[Value], list[Value], Callable[[], Step | Finished]]] = []
        self._loaded: set[int] = set()

    def add(self, reads: Iterable[Value], writes: list[Value], make: Callable[[], Step | Finished]) -> None:
        """Add a step; leaves it is the first to read are loaded before. `make` is called when slots are known."""
        inputs = list(dict.fromkeys(reads))
        for leaf in inputs:
            if leaf.is_leaf and id(leaf) not in self._loaded:
                self._loaded.add(id(leaf))
                self._steps.append(([], [leaf], partial(_load, leaf)))
        self._steps.append((inputs, writes, make))

    def plan(self) -> Plan:
        """Give every value a slot from its step to its last reader."""
        for number, (reads, writes, _) in enumerate(self._steps):
            for value in (*reads, *writes):
                value.last = number
        plan = Plan()
        free: list[int] = []
        for number, (reads, writes, make) in enumerate(self._steps):
            for value in writes:
                if not free:
                    free.append(plan.slots)
                    plan.slots += 1
                value.slot = free.pop()
            plan.steps.append(make())
            free += [value.slot for value in (*reads, *writes) if value.last == number]
        return plan


def _calls(calls: list[Value], layout: _Layout) -> None:
    """Operators of a level; windows that can be asked together are, series by series."""
    series: dict[int, list[Value]] = defaultdict(list)
    roots: dict[str, list[Value]] = defaultdict(list)
    for value in calls:
        if kernel_of(value.expr) in ASKED:
            series[id(value.args[0])].append(value)
        else:
            roots[value.expr.root].append(value)
    for values in series.values():
        _windows(values, layout)
    for values in roots.values():
        layout.add(values[0].args, values, partial(_call, values))


def _load(leaf: Value) -> Load:
    return Load(leaf.expr.name, leaf.slot)


def _call(values: list[Value]) -> Call:
    results = tuple((value.expr.key, value.expr.field, value.slot) for value in values)
    return Call(values[0].expr, tuple(arg.slot for arg in values[0].args), results)


def _windows(values: list[Value], layout: _Layout) -> None:
    def asked(expr: Expr) -> tuple[int, int, int]:
        n, *more = expr.params
        return ASKED[kernel_of(expr)], n, more[0] if more else 0

    order = sorted(values, key=lambda value: (asked(value.expr)[1], asked(value.expr)))
    table = np.array([asked(value.expr) for value in order])
    layout.add(
        values[0].args,
        order,
        lambda: Windows(values[0].args[0].slot, table, np.array([value.slot for value in order])),
    )


def _program(values: list[Value], stored: set[Value], layout: _Layout) -> None:
    """The arithmetic of a level."""
    if not values:
        return
    inside = set(values)
    reads = [arg for value in values for arg in value.args if arg not in inside and arg.number is None]
    layout.add(reads, [value for value in values if value in stored], lambda: _assembled(values, stored))


def _assembled(values: list[Value], stored: set[Value]) -> Program:
    """Operations with their places: slots from 0 up, registers from -1 down, of these the first hold the numbers."""
    numbers = {arg: arg.number for value in values for arg in value.args if arg.number is not None}
    register = {arg: -1 - position for position, arg in enumerate(numbers)}
    last = {arg: position for position, value in enumerate(values) for arg in value.args}
    free: list[int] = []
    deepest = len(numbers)

    steps = np.zeros((len(values), 5), np.int64)
    for position, value in enumerate(values):
        operands = [register.get(arg, arg.slot) for arg in value.args]
        if value not in stored:
            if not free:
                deepest += 1
                free.append(-deepest)
            register[value] = free.pop()
        steps[position, : 2 + len(operands)] = value.operation, register.get(value, value.slot), *operands
        done = (arg for arg in dict.fromkeys(value.args) if last[arg] == position and arg not in numbers)
        free += [register[arg] for arg in done if arg in register]
    return Program(steps, tuple(numbers.values()), deepest)


def _finished(features: list[tuple[str, Value]], layout: _Layout) -> None:
    """Features of a level that are done."""
    if features:
        values = [value for _, value in features]
        names = tuple(name for name, _ in features)
        layout.add(values, [], lambda: Finished(names, tuple(value.slot for value in values)))
