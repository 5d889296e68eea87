"""A register of features: one name, one function, one unit; frozen after import and identified by a content hash.

Belongs here: the register and its checks (unique names, resolvable and acyclic dependencies), its hash, the house's
own register. Does not belong here: formulas (`groups/`), tables of families (`family_tables`), values (`engine`).
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.features import groups, operators, states
from gogoku_pipeline.features.declaration import declared_in
from gogoku_pipeline.features.feature import FAMILIES, PLANS, Feature
from gogoku_pipeline.features.states.register import state_of


class Registry:
    """A set of features that belong together.

    Args:
        name: shown in errors and documents.
        base: features this registry builds on (they can be named in formulas and are part of the hash).
    """

    def __init__(self, name: str, base: Registry | None = None) -> None:
        self.name = name
        self._own: dict[str, Feature] = {}
        self._base = base
        self._frozen = False

    def add(self, feature: Feature) -> None:
        """Take a feature; raises FeatureError for a second declaration of a name or after the freeze."""
        if self._frozen:
            raise self._refused(feature.name, "a declaration after the freeze", "declarations at import only")
        if feature.name in self:
            raise self._refused(feature.name, "a second declaration of the name", "one name, one function, one unit")
        self._own[feature.name] = feature

    def freeze(self) -> Registry:
        """Check that every dependency resolves, that sources and formula agree, and that there is no cycle."""
        for feature in self._own.values():
            if missing := [name for name in feature.depends_on if name not in self]:
                raise self._refused(feature.name, f"unknown features {missing} in formula or sources", "declared ones")
            for leaf in feature.expr.leaves() if feature.expr else ():
                if leaf.name.startswith("state."):
                    state_of(leaf.name.removeprefix("state."))
        self.in_order(self._own)
        for feature in self._own.values():
            self._check_sources(feature)
            self._check_window(feature)
        self._frozen = True
        return self

    def _check_sources(self, feature: Feature) -> None:
        """Every feature of the formula stands among the sources, and every source is used, if by an intermediate."""
        if feature.expr is None or feature.is_internal:
            return
        listed = {source[1:] for source in feature.sources if source.startswith("@")}
        direct = {name for name in feature.names_in_formula if not name.startswith("_")}
        if not (direct <= listed <= self._used(feature)):
            raise self._refused(
                feature.name,
                f"features {sorted(self._used(feature))} in the formula",
                f"the ones among the sources, {sorted(listed)}",
            )

    def _check_window(self, feature: Feature) -> None:
        """A formula looks back as far as its declared window of sessions, and no further."""
        declared = feature.declared_reach
        if feature.expr is not None and declared is not None and feature.expr.reach > declared:
            raise self._refused(
                feature.name,
                f"a formula that reads {feature.expr.reach} sessions back",
                f"at most {declared}, as the window {feature.window} says",
            )

    def _used(self, feature: Feature) -> set[str]:
        """Features of the catalogue in a formula, seen through its intermediates."""
        found: set[str] = set()
        for name in feature.names_in_formula:
            found |= self._used(self.feature(name)) if name.startswith("_") else {name}
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._own or (self._base is not None and name in self._base)

    @property
    def features(self) -> tuple[Feature, ...]:
        """Every feature, those of the base first."""
        return (*(self._base.features if self._base else ()), *self._own.values())

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, in the same order."""
        return tuple(feature.name for feature in self.features)

    @property
    def public(self) -> tuple[Feature, ...]:
        """Every feature that tables and documents show: all but intermediates."""
        return tuple(feature for feature in self.features if not feature.is_internal)

    def feature(self, name: str) -> Feature:
        """One feature by its exact name; raises FeatureError for an unknown one."""
        if name in self._own:
            return self._own[name]
        if self._base is None:
            raise FeatureError(
                f"feature {name!r}",
                got="an unknown name",
                want="an exact name of the registry",
                remedy="`gogoku features` lists them.",
            )
        return self._base.feature(name)

    def in_order(self, names: Iterable[str]) -> tuple[Feature, ...]:
        """The features and everything they are made of, dependencies first; raises FeatureError for a cycle."""
        done: dict[str, Feature] = {}

        def visit(name: str, path: tuple[str, ...]) -> None:
            if name in path:
                raise self._refused(name, f"the cycle {' -> '.join([*path, name])}", "no cycle")
            if name in done:
                return
            feature = self.feature(name)
            for needed in feature.depends_on:
                visit(needed, (*path, name))
            done[name] = feature

        for name in names:
            visit(name, ())
        return tuple(done.values())

    def hash(self) -> str:
        """Content hash: names, formulas, windows, declaration sources and the operators' code."""
        return sha256_json([*(feature.identity() for feature in self.features), _code_below()])

    def of_plan(self, plan: str) -> Registry:
        """The features a plan can compute, as a frozen registry of their own; raises FeatureError for an unknown plan.

        What a plan cannot compute is absent, never null. A feature never stands below a feature it is made of.
        """
        if plan not in PLANS:
            raise self._refused(f"plan {plan!r}", "an unknown plan", f"one of {', '.join(PLANS)}")
        reach = PLANS[: PLANS.index(plan) + 1]
        part = Registry(f"{self.name} ({plan} plan)")
        for feature in self.features:
            if feature.plan in reach:
                part.add(feature)
        return part.freeze()

    def groups_graph(self) -> set[tuple[str, str]]:
        """Pairs (group, group it takes features from)."""
        return {
            (feature.group, self.feature(needed).group)
            for feature in self.features
            for needed in feature.depends_on
            if self.feature(needed).group != feature.group
        }

    def _refused(self, thing: str, got: str, want: str) -> FeatureError:
        return FeatureError(f"{self.name} registry, {thing}", got=got, want=want, remedy="Correct the declaration.")


@cache
def _code_below() -> dict[str, str]:
    """Source text of every operator and state: with the declarations, what decides the values."""
    found: dict[str, str] = {}
    for package in (operators, states):
        folder = Path(package.__path__[0])
        for path in sorted(folder.rglob("*.py")):
            found[f"{folder.name}/{path.relative_to(folder)}"] = path.read_text()
    return found


@cache
def house(plan: str = PLANS[-1]) -> Registry:
    """The registry of this room, frozen; with a smaller plan, what that plan can compute."""
    if plan != PLANS[-1]:
        return house().of_plan(plan)
    registry = Registry("house")
    for feature in _declared():
        registry.add(feature)
    return registry.freeze()


def _declared() -> list[Feature]:
    """Every declaration of the modules in `groups/`, groups in the order of FAMILIES, a group's own module first."""
    found: list[Feature] = []
    for name in sorted(module.name for module in pkgutil.iter_modules(groups.__path__)):
        found += declared_in(import_module(f"{groups.__name__}.{name}").__name__)
    order = {group: place for place, group in enumerate(FAMILIES)}
    homes = {feature.name: feature.module.rpartition(".")[2] for feature in found}
    return sorted(found, key=lambda feature: (order[feature.group], homes[feature.name] != feature.group))


def all_features() -> tuple[Feature, ...]:
    """Every feature of this room."""
    return house().features


def feature(name: str) -> Feature:
    """One feature by its exact name; raises FeatureError for an unknown one."""
    return house().feature(name)


def registry_hash() -> str:
    """Content hash of this room's registry."""
    return house().hash()
