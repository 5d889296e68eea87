"""The language of declarations: prices `P`, index `M`, other features `F(name)`, arithmetic, and operators.

Belongs here: the expression tree, its leaves and its arithmetic. Does not belong here: evaluation (`engine`), kernels
that look at more than one row (`operators`).

An expression is only a description. Inside the engine a value is a float64 array in which NaN stands for null; a
result that is not finite (0/0, x/0, log of 0) becomes null where it arises and never travels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.errors import FeatureError

Values = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Whole = npt.NDArray[np.int64]
Claims = npt.NDArray[np.bool_]
Kind = Literal["leaf", "pointwise", "window", "recursive", "reduce", "cross"]


@dataclass(frozen=True, eq=False)
class Expr:
    """A formula in the making: an operator, its arguments and its whole-number settings.

    Attributes:
        name: operator or leaf name, e.g. `mean`, `price.close`, `feature.ret_1d`.
        kind: `leaf`; `pointwise` (same row); `window` (rows of one unit, in session order); `recursive` (the same,
            carrying a state since the unit's first row); `reduce` (all stocks of a session or group become one value);
            `cross` (each stock against the others of its session).
        args: argument expressions.
        params: settings of the operator, in the kernel's order.
        kernel: what computes it; None for leaves.
        field: which result, for kernels that return several.
        state_size: numbers per unit that a recursive operator carries.
        back: rows before its own that a `window` operator reads.
    """

    name: str
    kind: Kind
    args: tuple[Expr, ...] = ()
    params: tuple[Any, ...] = ()
    kernel: Callable[..., Any] | None = None
    field: int | None = None
    state_size: int = 0
    back: int = 0

    @cached_property
    def root(self) -> str:
        """Canonical text of the operator call without the choice of result."""
        inside = ",".join([arg.key for arg in self.args] + [str(value) for value in self.params])
        return f"{self.name}({inside})" if self.kind != "leaf" else self.name

    @cached_property
    def key(self) -> str:
        """Canonical text: two expressions with the same key have the same value."""
        return self.root if self.field is None else f"{self.root}.{self.field}"

    @cached_property
    def reach(self) -> int:
        """Rows before t, on its own table, that the value of t reads; what recursive operators read is not counted."""
        inside = 1 if self.name == "index.carried" else max((arg.reach for arg in self.args), default=0)
        return self.back + inside

    def parts(self) -> Iterator[Expr]:
        """This expression and everything below it, in order of appearance."""
        yield self
        for arg in self.args:
            yield from arg.parts()

    def leaves(self) -> Iterator[Expr]:
        """The leaves below, in order of appearance."""
        return (part for part in self.parts() if part.kind == "leaf")

    def __add__(self, other: Expr | float) -> Expr:
        return pointwise("add", np.add, self, other)

    def __radd__(self, other: float) -> Expr:
        return pointwise("add", np.add, other, self)

    def __sub__(self, other: Expr | float) -> Expr:
        return pointwise("subtract", np.subtract, self, other)

    def __rsub__(self, other: float) -> Expr:
        return pointwise("subtract", np.subtract, other, self)

    def __mul__(self, other: Expr | float) -> Expr:
        return pointwise("multiply", np.multiply, self, other)

    def __rmul__(self, other: float) -> Expr:
        return pointwise("multiply", np.multiply, other, self)

    def __truediv__(self, other: Expr | float) -> Expr:
        return pointwise("divide", divided, self, other)

    def __rtruediv__(self, other: float) -> Expr:
        return pointwise("divide", divided, other, self)

    def __neg__(self) -> Expr:
        return pointwise("negative", np.negative, self)


def pointwise(name: str, kernel: Callable[..., Any], *args: Expr | float) -> Expr:
    """An operator of the same row only; numbers among the arguments become constants."""
    return Expr(name, "pointwise", tuple(arg if isinstance(arg, Expr) else constant(arg) for arg in args), (), kernel)


def constant(value: float) -> Expr:
    """A number as a leaf."""
    return Expr(f"constant.{float(value)!r}", "leaf")


def _finite(values: Values) -> Values:
    values[~np.isfinite(values)] = np.nan
    return values


def divided(left: Values, right: Values) -> Values:
    """Quotients, NaN where one is not finite."""
    return _finite(np.asarray(np.divide(left, right)))


def _log(values: Values) -> Values:
    return _finite(np.log(values))


def _log1p(values: Values) -> Values:
    return _finite(np.log1p(values))


def _log10(values: Values) -> Values:
    return _finite(np.log10(values))


def chosen(claim: Values, then: Values, otherwise: Values) -> Values:
    """One value where a claim is not 0, the other where it is, NaN where it is NaN."""
    return np.where(np.isnan(claim), np.nan, np.where(claim != 0, then, otherwise))


def is_greater(left: Values, right: Values) -> Values:
    """1 or 0, NaN where one of the two is."""
    return np.where(np.isnan(left) | np.isnan(right), np.nan, np.greater(left, right))


def is_equal(left: Values, right: Values) -> Values:
    """1 or 0, NaN where one of the two is."""
    return np.where(np.isnan(left) | np.isnan(right), np.nan, np.equal(left, right))


def is_nan(values: Values) -> Values:
    """1 where a value is NaN, 0 elsewhere."""
    return np.isnan(values).astype(np.float64)


def larger_of(left: Values, right: Values) -> Values:
    """The larger one, NaN where one of the two is; of two zeros the second one."""
    return np.where((left > right) | np.isnan(left), left, right)


def present(values: Values, *others: Values) -> Values:
    """Values where none of the others is NaN, NaN elsewhere."""
    bad = np.isnan(others[0])
    for other in others[1:]:
        bad |= np.isnan(other)
    return np.where(bad, np.nan, values)


def log(x: Expr) -> Expr:
    """Natural logarithm; null where x <= 0."""
    return pointwise("log", _log, x)


def log1p(x: Expr) -> Expr:
    """ln(1 + x); null where x <= -1."""
    return pointwise("log1p", _log1p, x)


def log10(x: Expr) -> Expr:
    """Decimal logarithm; null where x <= 0."""
    return pointwise("log10", _log10, x)


def sqrt(x: Expr) -> Expr:
    """Square root; null where x < 0."""
    return pointwise("sqrt", np.sqrt, x)


def magnitude(x: Expr) -> Expr:
    """Absolute value."""
    return pointwise("magnitude", np.abs, x)


def larger(a: Expr | float, b: Expr | float) -> Expr:
    """The larger of two values of one row; null if either is."""
    return pointwise("larger", larger_of, a, b)


def greater(a: Expr | float, b: Expr | float) -> Expr:
    """1 where a > b, 0 where not, null if either is null."""
    return pointwise("greater", is_greater, a, b)


def equal(a: Expr | float, b: Expr | float) -> Expr:
    """1 where a = b, 0 where not, null if either is null."""
    return pointwise("equal", is_equal, a, b)


def where(claim: Expr, then: Expr | float, otherwise: Expr | float) -> Expr:
    """`then` where the claim holds, `otherwise` where not, null where the claim is null."""
    return pointwise("where", chosen, claim, then, otherwise)


def is_missing(x: Expr) -> Expr:
    """1 where x is null, 0 where it has a value."""
    return pointwise("is_missing", is_nan, x)


def only_where_present(x: Expr, *others: Expr) -> Expr:
    """X on the rows on which every one of the others has a value; null elsewhere."""
    return pointwise("only_where_present", present, x, *others)


class Leaves:
    """A namespace of leaves: `P.close` is the leaf `price.close`. An unknown name raises FeatureError."""

    def __init__(self, prefix: str, names: tuple[str, ...]) -> None:
        self._prefix = prefix
        self._names = names

    def __getattr__(self, name: str) -> Expr:
        if name not in self._names:
            raise FeatureError(
                f"{self._prefix}.{name}",
                got="an unknown input",
                want=f"one of {', '.join(self._names)}",
                remedy="Use a declared input; others become features first.",
            )
        return Expr(f"{self._prefix}.{name}", "leaf")

    @property
    def names(self) -> tuple[str, ...]:
        """Every leaf name of the namespace."""
        return self._names


PRICE_INPUTS = (
    *("open", "high", "low", "close", "volume", "turnover", "mark", "listed", "open_session", "traded_value"),
    *("raw_open", "raw_high", "raw_low", "raw_close", "factor", "volume_factor", "adjustment_factor"),
    *("limit_up", "limit_down", "listed_sessions"),
    *("am_open", "am_high", "am_low", "am_close", "am_turnover", "am_limit_up", "am_limit_down", "pm_open", "pm_close"),
)
"""Inputs per stock and session: adjusted o h l c (`close` is null without a trade), adjusted volume, yen turnover,
the mark, and three observations: `listed` (1 unless the row is a gap), `open_session` (1 unless gap or market halt),
`traded_value` (yen turnover where it is above 0). Then raw prices of the day, the factors F and Fv and the day's own,
limits touched (0 or 1), sessions listed, and the session's halves as traded: `am` morning, `pm` afternoon (Premium)."""

COLUMN_OF_PRICE = {
    "turnover": "turnover_jpy",
    **{f"raw_{name}": f"{name}_raw_jpy" for name in ("open", "high", "low", "close")},
    **{f"limit_{side}": f"is_limit_{side}" for side in ("up", "down")},
    **{f"am_{name}": f"am_{name}_jpy" for name in ("open", "high", "low", "close", "turnover")},
    **{f"pm_{name}": f"pm_{name}_jpy" for name in ("open", "close")},
}
"""Price input to its column of staged prices, where the names differ."""

INDEX_INPUTS = ("close", "carried")
"""Inputs per session: TOPIX close (null on a market halt) and the same carried over at most one halt session."""

P = Leaves("price", PRICE_INPUTS)
M = Leaves("index", INDEX_INPUTS)


def K(name: str) -> Expr:  # noqa: N802
    """A column of a state: what another source says at the hour of decision, e.g. `K("margin.long_shares")`."""
    return Expr(f"state.{name}", "leaf")


def F(name: str) -> Expr:  # noqa: N802
    """Another feature by name, resolved through the registry; a market feature is joined to every stock."""
    return Expr(f"feature.{name}", "leaf")
