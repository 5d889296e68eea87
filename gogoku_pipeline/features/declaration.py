"""Declaring a feature: one decorated function per template, whose docstring is "what it is: formula".

Belongs here: the decorators and how templates become features. Does not belong here: the record itself (`feature`),
which features exist (`groups/`, `registry`), how they are computed (`engine`).

```python
@per_stock("ret_{n}d", group="returns", unit="ratio", window="E{n+1}", needs=("mark[t]", "mark[t-{n}]"),
           sources=("bars.C", "bars.AdjFactor"), windows=(5, 20, 60))
def return_over(n: int) -> Expr:
    \"\"\"Price change over {n} sessions: m[t] / m[t-{n}] - 1.\"\"\"
    return P.mark / lag(P.mark, n) - 1
```
The axis is the decorator: `per_stock` closes windows over one stock, `per_day` compares the stocks of a session,
`per_group` and `per_market` are series on their own (session, group) and (session) tables and `per_release` one on
the releases of a source, joined to stocks at the end. Authors write neither `.over` nor `.shift`. What must be
present is declared beside the formula (`observes`: the windowed inputs min_obs counts; `needs`: values that must
exist at a place), so the expected nulls are counted without calling it. A name that begins with `_` is an
intermediate: part of the hash, of no table and no document.
"""

from __future__ import annotations

import inspect
import math
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypedDict, TypeVar, Unpack

from gogoku_pipeline.features.expressions import Expr, constant, larger, where
from gogoku_pipeline.features.feature import FAMILIES, PLANS, ROLES, UNITS, Axis, Feature, Need, Window, refused

MinObs = int | Callable[[int], int]
Choices = tuple[str, ...] | Mapping[str, Mapping[str, str]]
Function = TypeVar("Function", bound=Callable[..., Any])


class Registrar(Protocol):
    """Anything that takes declarations."""

    def add(self, feature: Feature) -> None:
        """Take one feature or raise FeatureError."""


class Declared(TypedDict, total=False):
    """Keyword arguments of the decorators; meanings and defaults in Declaration."""

    group: str
    family: str
    unit: str
    sources: tuple[str, ...]
    window: str
    min_obs: MinObs
    plan: str
    role: str
    observes: tuple[str, ...]
    needs: tuple[str, ...]
    undefined: Expr | Callable[..., Expr] | None
    impossible: Expr | Callable[..., Expr] | None
    by: str
    members: int
    windows: tuple[int, ...]
    choices: Mapping[str, Choices]
    at_least: float | None
    at_most: float | None
    may_be_constant: str


@dataclass(frozen=True)
class Declaration:
    """The arguments of a decorator, before they meet the function. Attributes as in Feature.

    `window`, `sources`, `observes`, `needs` and the docstring may hold `{n}`, `{n+1}`, `{n-1}`; `min_obs` may be a
    function of n. `choices` gives one other placeholder its values, e.g. {"s": ("up", "down")}; where a value brings
    words of its own, they fill placeholders too: {"s": {"up": {"claim": "UL"}, "down": {"claim": "LL"}}}. The function
    is called with n and with the choice, in this order, as far as the template has them. `family` is the group's own
    unless another room computes the feature.

    `impossible` holds (1) where source rows contradict each other, so that the formula would leave its bounds: more
    traded in the morning than on the day. The feature is null there and owed to be; no such row stops an evening.
    """

    template: str
    group: str
    unit: str
    sources: tuple[str, ...]
    window: str = "S1"
    min_obs: MinObs = 1
    plan: str = "Free"
    role: str = "stock"
    observes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    undefined: Expr | Callable[..., Expr] | None = None
    impossible: Expr | Callable[..., Expr] | None = None
    by: str = ""
    members: int = 1
    windows: tuple[int, ...] = ()
    choices: Mapping[str, Choices] = field(default_factory=dict)
    family: str = ""
    at_least: float | None = None
    at_most: float | None = None
    may_be_constant: str = ""

    def features(self, axis: Axis, function: Callable[..., Any]) -> list[Feature]:
        """The concrete features of a template, one per window and choice."""
        if ("{n}" in self.template) != bool(self.windows):
            raise refused(self.template, "windows without {n} in the name, or the reverse", "both or neither")
        if len(self.choices) > 1 or any("{" + key + "}" not in self.template for key in self.choices):
            raise refused(self.template, f"choices {dict(self.choices)}", "one placeholder of the name")
        named = [_Choice(key, value, _words(values, value)) for key, values in self.choices.items() for value in values]
        return [
            self._feature(axis, function, n, choice) for choice in named or (None,) for n in self.windows or (None,)
        ]

    def _feature(self, axis: Axis, function: Callable[..., Any], n: int | None, choice: _Choice | None) -> Feature:
        def filled(text: str) -> str:
            return _fill(text, n) if choice is None else choice.filled(_fill(text, n))

        name = filled(self.template)
        summary, formula = _docstring(name, function, filled)
        self._check(name)
        low, high = UNITS[self.unit]
        given = (*(() if n is None else (n,)), *(() if choice is None else (choice.value,)))
        made = function(*given)
        if axis != "external" and not isinstance(made, Expr):
            raise refused(name, f"a function returning {type(made).__name__}", "an expression")
        undefined, impossible = (case(*given) if callable(case) else case for case in (self.undefined, self.impossible))
        if impossible is not None:
            made = where(impossible, constant(math.nan), made)
            undefined = impossible if undefined is None else larger(undefined, impossible)
        return Feature(
            name=name,
            group=self.group,
            family=self.family or FAMILIES[self.group],
            axis=axis,
            role=self.role,
            unit=self.unit,
            plan=self.plan,
            window=Window.parse(filled(self.window)),
            min_obs=self.min_obs(n or 0) if callable(self.min_obs) else self.min_obs,
            sources=tuple(filled(source) for source in self.sources),
            summary=summary,
            formula=formula,
            expr=None if axis == "external" else made,
            observes=tuple(filled(text) for text in self.observes),
            needs=tuple(Need.parse(filled(need)) for need in self.needs),
            undefined=undefined,
            by=self.by,
            members=self.members,
            at_least=low if self.at_least is None else self.at_least,
            at_most=high if self.at_most is None else self.at_most,
            may_be_constant=self.may_be_constant,
            source_code=textwrap.dedent(inspect.getsource(function)),
            module=function.__module__,
        )

    def _check(self, name: str) -> None:
        for label, value, known in (
            ("group", self.group, tuple(FAMILIES)),
            ("role", self.role, ROLES),
            ("plan", self.plan, PLANS),
            ("unit", self.unit, tuple(UNITS)),
        ):
            if value not in known:
                raise refused(name, f"{label} {value!r}", f"one of {', '.join(known)}")
        if not self.sources and not name.startswith("_"):
            raise refused(name, "no sources", "the published fields and features it is made of")


@dataclass(frozen=True)
class _Choice:
    """One value of a placeholder, and the words that go with it."""

    key: str
    value: str
    words: Mapping[str, str]

    def filled(self, text: str) -> str:
        for key, word in {self.key: self.value, **self.words}.items():
            text = text.replace("{" + key + "}", word)
        return text


def _words(values: Choices, value: str) -> Mapping[str, str]:
    return values[value] if isinstance(values, Mapping) else {}


def _fill(text: str, n: int | None) -> str:
    if n is None:
        return text
    return text.replace("{n}", str(n)).replace("{n+1}", str(n + 1)).replace("{n-1}", str(n - 1))


def _docstring(name: str, function: Callable[..., Any], filled: Callable[[str], str]) -> tuple[str, str]:
    text = filled(" ".join((inspect.getdoc(function) or "").split()))
    summary, colon, formula = text.partition(": ")
    if not (summary and colon and formula.strip()):
        raise refused(name, f"the docstring {text!r}", 'one that reads "what it is: formula"')
    return summary, formula.strip().removesuffix(".")


def three_quarters_up(n: int) -> int:
    """Smallest whole number of observations that is at least 0.75 n."""
    return math.ceil(0.75 * n)


def three_quarters_down(n: int) -> int:
    """Largest whole number of observations that is at most 0.75 n."""
    return math.floor(0.75 * n)


GROUPS_PACKAGE = "gogoku_pipeline.features.groups."
"""Modules whose declarations belong to the house registry without saying so."""

_PENDING: dict[str, list[Feature]] = {}


def declared_in(module: str) -> tuple[Feature, ...]:
    """Features a module declared without naming a registry, in the order written; a registry collects them."""
    return tuple(_PENDING.get(module, ()))


def _decorator(
    axis: Axis, template: str, registry: Registrar | None, settings: Declared
) -> Callable[[Function], Function]:
    def take(function: Function) -> Function:
        for feature in Declaration(template, **settings).features(axis, function):
            if registry is not None:
                registry.add(feature)
                continue
            if axis != "external" and not function.__module__.startswith(GROUPS_PACKAGE):
                raise refused(feature.name, f"no registry in {function.__module__}", "registry=... outside groups/")
            if any(feature.name == other.name for pending in _PENDING.values() for other in pending):
                raise refused(feature.name, "a second declaration of the name", "one name, one function, one unit")
            _PENDING.setdefault(function.__module__, []).append(feature)
        return function

    return take


def per_stock(
    template: str, *, registry: Registrar | None = None, **settings: Unpack[Declared]
) -> Callable[[Function], Function]:
    """One value per stock and session; windows close over the stock's own sessions."""
    return _decorator("stock", template, registry, settings)


def per_day(
    template: str, *, registry: Registrar | None = None, **settings: Unpack[Declared]
) -> Callable[[Function], Function]:
    """One value per stock and session, made by comparing the members of the session."""
    return _decorator("day", template, registry, settings)


def per_group(
    template: str, *, registry: Registrar | None = None, **settings: Unpack[Declared]
) -> Callable[[Function], Function]:
    """One value per session and group (`by`), rolled on its own table and joined to the members."""
    return _decorator("group", template, registry, settings)


def per_market(
    template: str, *, registry: Registrar | None = None, **settings: Unpack[Declared]
) -> Callable[[Function], Function]:
    """One value per session, rolled on its own table and joined to every stock."""
    return _decorator("market", template, registry, settings)


def per_release(
    template: str, *, registry: Registrar | None = None, **settings: Unpack[Declared]
) -> Callable[[Function], Function]:
    """One value per release of the state `by`; windows count releases, and each session reads the newest one known."""
    return _decorator("release", template, registry, settings)


def declared(
    template: str, *, registry: Registrar | None = None, **settings: Unpack[Declared]
) -> Callable[[Function], Function]:
    """A feature another room computes (a graph measure): name, meaning and bounds live here, its values do not."""
    return _decorator("external", template, registry, settings)
