"""The record of one feature, its typed window and the values it needs.

Belongs here: `Feature`, `Window`, `Need`, the closed lists of groups, families, roles, units and plans.
Does not belong here: decorators (`declaration`), which features exist (`registry`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features.expressions import Expr

Axis = Literal["stock", "day", "group", "market", "release", "external"]
FAMILIES: dict[str, str] = {
    "returns": "feat__prices",
    "trend": "feat__prices",
    "volatility": "feat__prices",
    "liquidity": "feat__market",
    "market": "feat__market",
    "beta": "feat__market",
    "sector": "feat__market",
    "size": "feat__market",
    "flows": "feat__positions",
    "margin": "feat__positions",
    "short": "feat__positions",
    "options": "feat__derivatives",
    "futures": "feat__derivatives",
    "sessions": "feat__prices",
    "breakdown": "feat__positions",
    "dividends": "feat__company",
    "fundamentals": "feat__company",
    "valuation": "feat__company",
    "earnings": "feat__company",
    "limits": "feat__prices",
    "calendar": "feat__prices",
    "interactions": "feat__interactions",
    "masks": "feat__interactions",
    "graph": "feat__graph",
}
"""Group to family, groups in the order of the documentation; a family is one table and one asset."""

ROLES = ("stock", "sector", "market", "calendar", "mask")
PLANS = ("Free", "Light", "Standard", "Premium")
UNITS: dict[str, tuple[float | None, float | None]] = {
    "ratio": (None, None),
    "log": (None, None),
    "ann_vol": (0.0, None),
    "ann_var": (None, None),
    "ann_rate": (None, None),
    "score_0_100": (0.0, 100.0),
    "rank_0_1": (0.0, 1.0),
    "corr": (-1.0, 1.0),
    "tstat": (None, None),
    "zscore": (None, None),
    "moment": (None, None),
    "log10_jpy": (None, None),
    "per_bn_jpy": (0.0, None),
    "sessions": (None, None),
    "days": (None, None),
    "releases": (None, None),
    "count": (None, None),
    "category": (0.0, None),
    "flag": (0.0, 1.0),
}
"""Unit to the bounds every feature of the unit obeys; a declaration may narrow them."""


@dataclass(frozen=True)
class Window:
    """How far back a feature looks.

    Attributes:
        kind: `S` the last n sessions; `E` two end points n places apart; `X` since the listing; `R` the last n
            releases; `Q` the last n fiscal quarters; `P` a state as of t; `C` a function of the calendar.
        sessions: n; 1 for P and C.
    """

    kind: Literal["S", "E", "X", "R", "Q", "P", "C"]
    sessions: int

    @classmethod
    def parse(cls, text: str) -> Window:
        """Read `S60`, `E6`, `X56`, `R52`, `Q8`, `P`, `C`; raises FeatureError for anything else."""
        found = re.fullmatch(r"([SEXRQ])([1-9][0-9]*)|([PC])", text)
        if not found:
            raise refused(f"window {text!r}", "an unknown form", "S, E, X, R or Q and a number, e.g. S60, or P or C")
        return cls(found.group(1) or found.group(3), int(found.group(2) or 1))  # type: ignore[arg-type]

    def __str__(self) -> str:
        return self.kind if self.kind in "PC" else f"{self.kind}{self.sessions}"


@dataclass(frozen=True)
class Need:
    """A value that must exist: input `name` at one place, or at least once between two places.

    Written `close[t]`, `mark[t-5]`, `@ret_1d[t-1]`, `volume[t-4..t]`.
    """

    name: str
    oldest: int
    newest: int

    @classmethod
    def parse(cls, text: str) -> Need:
        """Read one need; raises FeatureError for another form."""
        found = re.fullmatch(r"(@?[\w.]+)\[t(?:-(\d+))?(\.\.t)?\]", text)
        if not found:
            raise refused(f"need {text!r}", "an unknown form", "input[t], input[t-n] or input[t-n..t]")
        oldest = int(found.group(2) or 0)
        return cls(found.group(1), oldest, 0 if found.group(3) else oldest)


@dataclass(frozen=True)
class Feature:
    """One feature: everything about it that is not a value.

    Attributes:
        name: unique in the house, snake case, with its unit where it is no pure number.
        group: subject, e.g. `returns`; family: the table it is stored in.
        axis: where it is computed: stock, day, group, market, or `external` (another room computes it).
        role: what it is constant across: stock, sector, market, calendar, mask.
        unit: key of UNITS; at_least, at_most: bounds every value obeys.
        plan: lowest J-Quants plan that can compute it.
        window, min_obs: how far it looks back and how many observations it wants.
        sources: published fields (`bars.C`) and other features (`@ret_1d`).
        summary, formula: the docstring's two halves.
        expr: the formula; None for `external`.
        observes: windowed inputs that min_obs counts (complete rows only).
        needs: values that must exist.
        undefined: rows on which the formula is declared undefined (1), e.g. high = low.
        by: group key of a per-group or per-sector feature; members: fewest members with a value.
        may_be_constant: why it may honestly hold one value all year; empty where that would be a fault.
        source_code: text of the declaration, part of the hash; module: where it stands.
    """

    name: str
    group: str
    family: str
    axis: Axis
    role: str
    unit: str
    plan: str
    window: Window
    min_obs: int
    sources: tuple[str, ...]
    summary: str
    formula: str
    expr: Expr | None = None
    observes: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    undefined: Expr | None = None
    by: str = ""
    members: int = 1
    at_least: float | None = None
    at_most: float | None = None
    may_be_constant: str = ""
    source_code: str = field(default="", repr=False)
    module: str = field(default="", repr=False, compare=False)

    @cached_property
    def depends_on(self) -> tuple[str, ...]:
        """Names of the features it is made of: those among its sources, then intermediates of its formula."""
        named = [source[1:] for source in self.sources if source.startswith("@")]
        return tuple(dict.fromkeys([*named, *self.names_in_formula]))

    @property
    def names_in_formula(self) -> tuple[str, ...]:
        """Features that the formula, its undefined case, its observations or its needs name."""
        formulas = [expr for expr in (self.expr, self.undefined) if expr is not None]
        leaves = (leaf.name for expr in formulas for leaf in expr.leaves())
        found = [name.removeprefix("feature.") for name in leaves if name.startswith("feature.")]
        asked = [*(text.partition("[")[0] for text in self.observes), *(need.name for need in self.needs)]
        return tuple(dict.fromkeys([*found, *(name[1:] for name in asked if name.startswith("@"))]))

    @property
    def states(self) -> tuple[str, ...]:
        """Aliases of the states its formula, undefined case, observations and needs read, and the one it is made on."""
        formulas = [expr for expr in (self.expr, self.undefined) if expr is not None]
        named = [leaf.name for expr in formulas for leaf in expr.leaves()]
        found = [name.split(".")[1] for name in named if name.startswith("state.")]
        asked = [*(text.partition("[")[0] for text in self.observes), *(need.name for need in self.needs)]
        found += [name.partition(".")[0] for name in asked if "." in name and not name.startswith(("index.", "@"))]
        return tuple(dict.fromkeys([*found, *((self.by,) if self.axis == "release" else ())]))

    @property
    def declared_reach(self) -> int | None:
        """Sessions before t that the declared window covers, lags of what it observes and needs included.

        None for windows that are not counted in sessions. The carried index looks one session further back than its
        place.
        """
        if self.window.kind not in "SE":
            return None
        inside = [Need.parse(text).oldest for text in self.observes if "[" in text]
        needed = [need.oldest + (need.name == "index.carried") for need in self.needs]
        return max(self.window.sessions - 1 + max(inside, default=0), *needed, 0)

    @property
    def reach(self) -> int:
        """Sessions before t that a value looks at on its own table, apart from what its features look at themselves.

        A recursive operator counts as 0 here.
        """
        formulas = [expr.reach for expr in (self.expr, self.undefined) if expr is not None]
        return max(self.declared_reach or 0, *formulas, *(need.oldest for need in self.needs), 0)

    @property
    def is_recursive(self) -> bool:
        """Whether it needs the first stored row of the listing, or the state carried since then."""
        inside = self.expr is not None and any(part.kind == "recursive" for part in self.expr.parts())
        return inside or (self.window.kind == "X" and bool(self.observes))

    @property
    def is_internal(self) -> bool:
        """Whether it is only an intermediate of other features: in the hash, in no table and no document."""
        return self.name.startswith("_")

    def identity(self) -> dict[str, Any]:
        """What the content hash covers."""
        return {
            **{key: getattr(self, key) for key in ("name", "group", "axis", "role", "unit", "plan", "formula")},
            **{key: list(getattr(self, key)) for key in ("sources", "observes")},
            **{key: getattr(self, key) for key in ("min_obs", "by", "members")},
            "window": str(self.window),
            "expression": self.expr.key if self.expr else "",
            "source": self.source_code,
        }


def refused(thing: str, got: str, want: str) -> FeatureError:
    """The error of a declaration the house does not take."""
    return FeatureError(f"declaration of {thing}", got=got, want=want, remedy="Correct the declaration.")
