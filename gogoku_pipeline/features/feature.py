"""The record of one feature, its typed window and the values it needs.

Belongs here: `Feature`, `Window`, `Need`, the closed lists of groups, families, roles, units and plans.
Does not belong here: decorators (`declaration`), which features exist (`registry`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features.expressions import Expr

Axis = Literal["stock", "day", "group", "market", "external"]
FAMILIES: dict[str, str] = {
    "returns": "feat__prices",
    "trend": "feat__prices",
    "volatility": "feat__prices",
    "liquidity": "feat__prices",
    "market": "feat__market",
    "beta": "feat__market",
    "sector": "feat__market",
    "graph": "feat__graph",
}
"""Group to family; a family is one table and one asset."""

ROLES = ("stock", "sector", "market", "calendar", "mask")
PLANS = ("Free", "Light", "Standard", "Premium")
UNITS: dict[str, tuple[float | None, float | None]] = {
    "ratio": (None, None),
    "log": (None, None),
    "ann_vol": (0.0, None),
    "ann_rate": (None, None),
    "score_0_100": (0.0, 100.0),
    "rank_0_1": (0.0, 1.0),
    "corr": (-1.0, 1.0),
    "tstat": (None, None),
    "zscore": (None, None),
    "moment": (None, None),
    "log10_jpy": (None, None),
    "per_bn_jpy": (0.0, None),
    "sessions": (0.0, None),
    "count": (None, None),
    "flag": (0.0, 1.0),
}
"""Unit to the bounds every feature of the unit obeys; a declaration may narrow them."""


@dataclass(frozen=True)
class Window:
    """How far back a feature looks.

    Attributes:
        kind: `S` the last n sessions; `E` two end points n places apart; `X` since the listing.
        sessions: n.
    """

    kind: Literal["S", "E", "X"]
    sessions: int

    @classmethod
    def parse(cls, text: str) -> Window:
        """Read `S60`, `E6`, `X56`; raises FeatureError for anything else."""
        found = re.fullmatch(r"([SEX])([1-9][0-9]*)", text)
        if not found:
            raise refused(f"window {text!r}", "an unknown form", "S, E or X and a number of sessions, e.g. S60")
        return cls(found.group(1), int(found.group(2)))  # type: ignore[arg-type]

    def __str__(self) -> str:
        return f"{self.kind}{self.sessions}"


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
        source_code: text of the declaration, part of the hash.
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
    source_code: str = field(default="", repr=False)

    @property
    def depends_on(self) -> tuple[str, ...]:
        """Names of the features it is made of, in order of mention in its sources."""
        return tuple(dict.fromkeys(source[1:] for source in self.sources if source.startswith("@")))

    @property
    def reach(self) -> int:
        """Sessions before t that a value looks at: the window, and the lags of what is observed inside it.

        The carried index looks one session further back than its place.
        """
        inside = [Need.parse(text).oldest for text in self.observes if "[" in text]
        inside += [1 for need in self.needs if need.name == "index.carried"]
        return self.window.sessions - 1 + max(inside, default=0)

    @property
    def is_recursive(self) -> bool:
        """Whether it needs the first stored row of the listing."""
        return self.window.kind == "X"

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
