"""Arithmetic of one row, many operations in one go: a chunk of rows goes through all of them while it is in the cache.

Belongs here: the operations and their loops, bit for bit what the kernels of `expressions` give. Does not belong here:
which operations a run needs and where their values lie (`plan`).

A program is an array [operations, 5]: which one, where its result goes, and up to three operands. Places from 0 up are
rows of the block's memory; places from -1 down are registers, which hold one chunk and nothing longer, the first of
them the program's numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features import expressions
from gogoku_pipeline.features.evaluation import Stocks
from gogoku_pipeline.features.expressions import Values, Whole

CHUNK = 512
"""Rows that go through a program together: 4 KiB per value."""

ADD, SUBTRACT, MULTIPLY, DIVIDE, LARGER, PRESENT = range(6)
NEGATIVE, ROOT, MAGNITUDE, FINITE = range(6, 10)
GREATER, EQUAL, MISSING, CHOICE, OBSERVED = range(10, 15)

OPERATION: dict[Callable[..., Any], int] = {
    np.add: ADD,
    np.subtract: SUBTRACT,
    np.multiply: MULTIPLY,
    np.negative: NEGATIVE,
    np.sqrt: ROOT,
    np.abs: MAGNITUDE,
    expressions.divided: DIVIDE,
    expressions.larger_of: LARGER,
    expressions.present: PRESENT,
    expressions.is_greater: GREATER,
    expressions.is_equal: EQUAL,
    expressions.is_nan: MISSING,
    expressions.chosen: CHOICE,
}
"""Kernel of the same row to the operation that gives its bits."""


class Program(NamedTuple):
    """Operations in order.

    Attributes:
        steps: [operations, 5] operation, result, operands; 0 for an operand it does not have.
        numbers: constants, in the first registers.
        registers: how many there are, numbers included.
    """

    steps: Whole
    numbers: tuple[float, ...]
    registers: int

    def run(self, block: Stocks, memory: Values) -> None:
        """Run over every row of a block: `memory` [slots, rows]."""
        registers = np.empty((self.registers, CHUNK))
        registers[: len(self.numbers)] = np.array(self.numbers).reshape(-1, 1)
        through(self.steps, memory, registers)


@compiled
def through(steps: Whole, memory: Values, registers: Values) -> None:
    """Every chunk of rows through every operation."""
    for low in range(0, memory.shape[1], registers.shape[1]):
        high = min(low + registers.shape[1], memory.shape[1])
        for k in range(steps.shape[0]):
            step = steps[k]
            out = place(step[1], memory, registers, low, high)
            a = place(step[2], memory, registers, low, high)
            b = place(step[3], memory, registers, low, high)
            if step[0] <= PRESENT:
                of_two(step[0], a, b, out)
            elif step[0] <= FINITE:
                of_one(step[0], a, out)
            else:
                of_claims(step[0], a, b, place(step[4], memory, registers, low, high), out)


@compiled
def place(number: int, memory: Values, registers: Values, low: int, high: int) -> Values:
    """Where a value's rows low .. high-1 lie."""
    return memory[number, low:high] if number >= 0 else registers[-1 - number, : high - low]


@compiled
def of_two(operation: int, a: Values, b: Values, out: Values) -> None:
    """Sums, products, quotients, the larger one, and a where b is there."""
    if operation == ADD:
        for i in range(out.size):
            out[i] = a[i] + b[i]
    elif operation == SUBTRACT:
        for i in range(out.size):
            out[i] = a[i] - b[i]
    elif operation == MULTIPLY:
        for i in range(out.size):
            out[i] = a[i] * b[i]
    elif operation == DIVIDE:
        divide(a, b, out)
    elif operation == LARGER:
        larger(a, b, out)
    else:
        for i in range(out.size):
            out[i] = a[i] if b[i] == b[i] else np.nan


@compiled
def divide(a: Values, b: Values, out: Values) -> None:
    """Quotients, NaN where one is not finite."""
    for i in range(out.size):
        ratio = a[i] / b[i]
        out[i] = ratio if abs(ratio) < np.inf else np.nan


@compiled
def larger(a: Values, b: Values, out: Values) -> None:
    """The larger one, NaN where one of the two is; of two zeros the second one."""
    for i in range(out.size):
        out[i] = a[i] if (a[i] > b[i]) | (a[i] != a[i]) else b[i]


@compiled
def of_one(operation: int, a: Values, out: Values) -> None:
    """Sign, root, size, and what is finite."""
    if operation == NEGATIVE:
        for i in range(out.size):
            out[i] = -a[i]
    elif operation == ROOT:
        for i in range(out.size):
            out[i] = np.sqrt(a[i])
    elif operation == MAGNITUDE:
        for i in range(out.size):
            out[i] = abs(a[i])
    else:
        for i in range(out.size):
            out[i] = a[i] if abs(a[i]) < np.inf else np.nan


@compiled
def of_claims(operation: int, a: Values, b: Values, c: Values, out: Values) -> None:
    """Comparisons and choices: null where a claim is."""
    if operation == GREATER:
        for i in range(out.size):
            out[i] = (1.0 if a[i] > b[i] else 0.0) if (a[i] == a[i]) & (b[i] == b[i]) else np.nan
    elif operation == EQUAL:
        for i in range(out.size):
            out[i] = (1.0 if a[i] == b[i] else 0.0) if (a[i] == a[i]) & (b[i] == b[i]) else np.nan
    elif operation == MISSING:
        for i in range(out.size):
            out[i] = 0.0 if a[i] == a[i] else 1.0
    elif operation == CHOICE:
        for i in range(out.size):
            out[i] = (b[i] if a[i] != 0.0 else c[i]) if a[i] == a[i] else np.nan
    else:
        for i in range(out.size):
            out[i] = a[i] if (abs(a[i]) < np.inf) & (b[i] >= c[i]) else np.nan
