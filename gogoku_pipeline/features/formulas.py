"""Formulas of single stocks taken apart: every value once, whoever asks for it.

Belongs here: equal sub-expressions, and on which level a value stands. Does not belong here: the order
in which they are made (`schedule`), where they lie (`plan`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gogoku_pipeline.features.arithmetic import FINITE, OBSERVED, OPERATION, PRESENT
from gogoku_pipeline.features.evaluation import kernel_of
from gogoku_pipeline.features.expressions import Expr, F, constant
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.features.leaves import unknown

Recipe = tuple[Feature, Expr, Expr | None]
"""A feature, its formula, and the count of its observations (None where nothing is counted)."""


ARITHMETIC = Expr("arithmetic", "pointwise")
"""What a value is that is neither a leaf nor a call."""


@dataclass(eq=False)
class Value:
    """One value.

    Attributes:
        args: what it is made of.
        level: 0 for leaves; arithmetic stands on the highest level of its operands, a call one above its arguments.
        expr: a leaf or a call.
        operation: which arithmetic, where it is neither.
        slot: where it lies; the plan's.
    """

    args: tuple[Value, ...] = ()
    level: int = 0
    expr: Expr = ARITHMETIC
    operation: int = -1
    slot: int = -1

    @property
    def is_leaf(self) -> bool:
        """Whether it is an input."""
        return self.expr.kind == "leaf"

    @property
    def is_arithmetic(self) -> bool:
        """Whether it is made of values of its own row."""
        return self.operation >= 0

    @property
    def number(self) -> float | None:
        """What it is, where it is a constant."""
        kind, _, text = self.expr.name.partition(".")
        return float(text) if kind == "constant" else None


class Formulas:
    """The values of some features, dependencies first.

    Attributes:
        calls: operators that look at other rows or have loops of their own.
        finished: name and value of each feature, null where it has too few observations.
    """

    def __init__(self, recipes: Iterable[Recipe], read: set[str]) -> None:
        """Take formulas apart; features in `read` are made finite because somebody reads them."""
        self.calls: list[Value] = []
        self.finished: list[tuple[str, Value]] = []
        self._known: dict[str, Value] = {}
        for feature, expr, observed in recipes:
            value = self.of(expr)
            if observed is not None:
                value = self._made(OBSERVED, value, self.of(observed), self.of(constant(feature.min_obs)))
            elif feature.name in read:
                value = self._made(FINITE, value)
            self._known[F(feature.name).key] = value
            self.finished.append((feature.name, value))

    def of(self, expr: Expr) -> Value:
        """The value of an expression; raises FeatureError for one that compares stocks or reduces them."""
        if expr.key not in self._known:
            self._known[expr.key] = self._new(expr)
        return self._known[expr.key]

    def _new(self, expr: Expr) -> Value:
        if expr.kind == "leaf":
            return Value(expr=expr)
        if expr.kind in ("reduce", "cross"):
            what = (
                "a reduction inside a stock formula"
                if expr.kind == "reduce"
                else "a comparison inside a per_stock formula"
            )
            raise unknown(expr.name, what)
        args = tuple(self.of(arg) for arg in expr.args)
        operation = OPERATION.get(kernel_of(expr)) if expr.kind == "pointwise" else None
        if operation is None:
            self.calls.append(Value(args, 1 + max((arg.level for arg in args), default=0), expr))
            return self.calls[-1]
        if operation == PRESENT:
            value = args[0]
            for other in args[1:]:
                value = self._made(PRESENT, value, other)
            return value
        return self._made(operation, *args)

    def _made(self, operation: int, *args: Value) -> Value:
        return Value(args, max(arg.level for arg in args), operation=operation)
