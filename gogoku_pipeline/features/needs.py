"""How far back each value is read when sessions are appended: what a tail must hold and what must be carried.

Belongs here: walking formulas from the wanted features down to their leaves, counting sessions before the first new
one. Does not belong here: values (`tail_tables`, `append`), the carried numbers themselves (`carried`).

A value needed h sessions before the first new one asks its arguments h + `back` sessions before. The walk stops where
results are carried instead of computed anew: at recursive operators and at reductions over members (their arguments
are needed on the new sessions alone), and at stock features that are read far back and cost a window per row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features.engine import own_reach, recipe
from gogoku_pipeline.features.expressions import Expr, F
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.features.registry import Registry
from gogoku_pipeline.features.states.register import STATES

READ_FAR, COSTLY = 60, 15
"""A stock feature read at least this many sessions back, whose own windows are at least this long, is carried."""

SHORTEST = 20
"""Sessions of a tail at least: an issue without rows for longer than the tail cannot be taken up again."""


@dataclass
class Needs:
    """What some features read, in sessions before the first new one.

    Attributes:
        features: they and everything they are made of, dependencies first.
        sessions: feature to how far back its values are read.
        depth: (table, expression key or root) to how far back the expression is read; tables as in
            `EvaluationTable.name`.
        kept: (table, key) to how many sessions of its newest results are carried; finished features are `F(name).key`.
        states: (table, root of a recursive call) to the numbers carried per unit.
        tail: sessions of prices before the first new one that a computation reads.
        members: sessions before it for which somebody asks who was a member, or in which group.
    """

    features: tuple[Feature, ...]
    sessions: dict[str, int]
    depth: dict[tuple[str, str], int] = field(default_factory=dict)
    kept: dict[tuple[str, str], int] = field(default_factory=dict)
    states: dict[tuple[str, str], int] = field(default_factory=dict)
    tail: int = 0
    members: int = 0

    def is_kept(self, feature: Feature) -> bool:
        """Whether values of a stock feature are carried instead of computed anew."""
        return ("stock", F(feature.name).key) in self.kept


def needs_of(names: Sequence[str], registry: Registry) -> Needs:
    """What some features read, from a frozen registry; raises FeatureError for an unknown name."""
    return _needs_of(tuple(names), registry)


@lru_cache(maxsize=64)
def _needs_of(names: tuple[str, ...], registry: Registry) -> Needs:
    needs = Needs(registry.in_order(names), dict.fromkeys(names, 0), tail=SHORTEST)
    for feature in reversed(needs.features):
        far = needs.sessions.setdefault(feature.name, 0)
        needs.tail = max(needs.tail, far)
        if feature.axis == "stock" and far >= READ_FAR and feature.reach >= COSTLY:
            needs.kept["stock", F(feature.name).key] = far
            far = 0
        if feature.axis == "release":
            # Release tables are computed whole; what they read of other tables is bounded as in a chunk's warm-up.
            far += own_reach(feature)
        for expr in recipe(feature, registry) if feature.expr is not None else ():
            if expr is not None:
                _walk(expr, far, table_of(feature), needs)
    return needs


def table_of(feature: Feature) -> str:
    """The table a feature's formula runs on."""
    if feature.axis == "release":
        return f"release.{feature.by}"
    return {"market": "market", "group": feature.by}.get(feature.axis, "stock")


def _walk(expr: Expr, far: int, table: str, needs: Needs) -> None:
    place = (table, expr.key)
    if needs.depth.get(place, -1) >= far:
        return
    needs.depth[place] = far
    whole = (table, expr.root)
    needs.depth[whole] = max(needs.depth.get(whole, 0), far)
    needs.tail = max(needs.tail, far + _below(expr))
    if _asks_members(expr, needs):
        needs.members = max(needs.members, far)
    if expr.kind == "leaf" and expr.name.startswith("feature."):
        name = expr.name.removeprefix("feature.")
        needs.sessions[name] = max(needs.sessions.get(name, 0), far)
    is_whole = table.startswith("release.")
    if expr.kind in ("recursive", "reduce") and not is_whole:
        needs.kept[place] = far
        if expr.kind == "recursive":
            needs.states[table, expr.root] = expr.state_size
    inside = 0 if (table, expr.key) in needs.kept else far + expr.back * (not is_whole)
    # A reduction's argument is a value of stocks, whatever table the result is on.
    for arg in expr.args:
        _walk(arg, inside, "stock" if expr.kind == "reduce" else table, needs)


def _asks_members(expr: Expr, needs: Needs) -> bool:
    """Whether a value looks at who is compared with whom, or at the group of a stock."""
    kind, _, name = expr.name.partition(".")
    if kind == "feature":
        return any(feature.name == name and feature.axis == "group" for feature in needs.features)
    return expr.kind == "cross" or (kind == "state" and STATES[name.partition(".")[0]].axis == "sector33")


def _below(expr: Expr) -> int:
    """Sessions before its own that a leaf reads by itself."""
    if expr.name == "index.carried":
        return 1
    if expr.kind != "leaf" or not expr.name.startswith("state."):
        return 0
    alias = expr.name.split(".")[1]
    if (places := STATES[alias].price_sessions) is None:
        raise FeatureError(
            f"state {alias}",
            got="price_sessions = None",
            want="a number of sessions, because sessions are appended to a tail",
            remedy="Declare how far its staging looks back, or rebuild features that read it.",
        )
    return places
