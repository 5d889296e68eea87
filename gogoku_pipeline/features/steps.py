"""What a plan is made of: loading a leaf, calling an operator, several windows of one series, arithmetic.

Belongs here: running one step on a block of stocks. Does not belong here: which steps there are and where values lie
(`plan`).

`memory` is [slots, rows of the block] float64, NaN for null; a step names the slots it reads and writes.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from gogoku_pipeline.features.evaluation import Stocks, kernel_of
from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.operators.halves import together


class Step(Protocol):
    """One thing to do with a block."""

    def run(self, block: Stocks, memory: Values) -> None:
        """Do it."""


class Load(NamedTuple):
    """A leaf: a price input, a state, a number, a feature of another stage."""

    name: str
    slot: int

    def run(self, block: Stocks, memory: Values) -> None:
        """Lay its rows out."""
        memory[self.slot] = block.leaf(self.name)


class Call(NamedTuple):
    """An operator that is called by itself.

    Attributes:
        expr: the call; args: slots of its arguments.
        results: key of each result somebody reads, which one it is (None for the only one), its slot.
    """

    expr: Expr
    args: tuple[int, ...]
    results: tuple[tuple[str, int | None, int], ...]

    def run(self, block: Stocks, memory: Values) -> None:
        """Call it, and tell the past of a recursion."""
        expr, args, past = self.expr, [memory[slot] for slot in self.args], block.store.past
        if expr.kind == "window":
            found = kernel_of(expr)(*args, block.starts, block.starts[:-1], *expr.params)
        elif expr.kind == "recursive":
            found = past.recursion(expr, args, block)
        else:
            found = kernel_of(expr)(*args)
        for key, number, slot in self.results:
            memory[slot] = found if number is None else found[number]
            if expr.kind == "recursive":
                past.note(key, memory[slot], block)


class Windows(NamedTuple):
    """Sums, means, counts, variances and highs of one series.

    Attributes:
        arg: slot of the series.
        asked: [windows, 3] as in `operators.halves`.
        results: [windows] their slots.
    """

    arg: int
    asked: Whole
    results: Whole

    def run(self, block: Stocks, memory: Values) -> None:
        """Compute them in one call."""
        together(memory[self.arg], block.starts, self.asked, memory, self.results)
