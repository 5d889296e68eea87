"""The frozen list of every feature a model may be fed: the features room's and the graph's, with one content hash."""

from __future__ import annotations

import inspect
from dataclasses import asdict, dataclass
from functools import cache

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.features import sets
from gogoku_pipeline.features.declaration import declared_in
from gogoku_pipeline.features.family_tables import family_table as table_of
from gogoku_pipeline.features.feature import PLANS, Feature
from gogoku_pipeline.features.outside import ALPHA158, outside_features, outside_hash
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.graph import exact, formulas, matrix, neighbours, pairs, strongest, structure, windows
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.schema.tables import Table

FAMILY = "feat__graph"

_DECIDE = (matrix, windows, exact, strongest, pairs, neighbours, structure)
"""Modules whose code decides the values: part of the hash."""


@dataclass(frozen=True)
class Catalogue:
    """The features a model is fed, in a fixed order: all of a plan, or a named set of them.

    Attributes:
        features: the features room's first, then the graph's.
        hash: content hash of declarations, formulas and graph settings; stamped on panels, models and predictions.
        set_name: which set it is.
    """

    features: tuple[Feature, ...]
    hash: str
    set_name: str = PLANS[-1].lower()

    @property
    def names(self) -> tuple[str, ...]:
        """Feature names in order."""
        return tuple(feature.name for feature in self.features)

    @property
    def roles(self) -> dict[str, str]:
        """Feature name to role (stock, sector, market, calendar, mask): what the normaliser goes by."""
        return {feature.name: feature.role for feature in self.features}

    @property
    def families(self) -> dict[str, tuple[str, ...]]:
        """Table name to the features it holds."""
        tables = dict.fromkeys(feature.family for feature in self.features)
        return {table: tuple(f.name for f in self.features if f.family == table) for table in tables}

    def feature(self, name: str) -> Feature:
        """One feature by its exact name; raises FeatureError for an unknown one."""
        for known in self.features:
            if known.name == name:
                return known
        raise FeatureError(
            f"feature {name!r}",
            got="an unknown name",
            want="an exact name of the catalogue",
            remedy="`gogoku features` lists them.",
        )


@cache
def registry(plan: str = PLANS[-1]) -> Registry:
    """The features room's register plus the graph's features, frozen; with a smaller plan, what it can compute."""
    known = Registry("catalogue", base=house(plan))
    for feature in declared_in(formulas.__name__):
        known.add(feature)
    return known.freeze()


@cache
def catalogue(config: GraphConfig | None = None, plan: str = PLANS[-1], set_name: str = "") -> Catalogue:
    """The catalogue of a plan, complete for what the plan serves and without a column for what it does not; or a set.

    Args:
        config: dials of the graph, which change what the `g_*` features mean and so the hash; None for the defaults.
        plan: Free, Light, Standard or Premium.
        set_name: a set of `features.sets`, or `alpha158`; empty for all of the plan.

    Raises:
        FeatureError: an unknown set, or the set of a larger plan.
    """
    if set_name == ALPHA158:
        return Catalogue(outside_features(), outside_hash(), ALPHA158)
    known, chosen = registry(plan), set_name or plan.lower()
    names = feature_set(chosen, plan)
    code = {module.__name__: inspect.getsource(module) for module in _DECIDE}
    content = [chosen, sets.part(known, names).hash(), code, asdict(config or GraphConfig())]
    return Catalogue(tuple(known.feature(name) for name in names), sha256_json(content), chosen)


def feature_set(set_name: str, plan: str = PLANS[-1]) -> tuple[str, ...]:
    """Names of a set's features on a plan, in the catalogue's order.

    Args:
        set_name: one of `features.sets.RULES`.
        plan: nothing above it is chosen.

    Raises:
        FeatureError: an unknown set, or the set of a larger plan: what the plan cannot compute is not promised.
    """
    wanted = set_name.capitalize()
    if wanted in PLANS and PLANS.index(wanted) > PLANS.index(plan):
        raise FeatureError(
            f"feature set {set_name!r}",
            got=f"the {plan} plan",
            want=f"the {wanted} plan, which serves its sources",
            remedy=f"Choose {plan.lower()!r} or a set that is not a plan.",
        )
    return sets.names_of(set_name, registry(plan))


def family_table(family: str = FAMILY, plan: str = PLANS[-1]) -> Table:
    """The table of a feature family, the graph's by default; raises FeatureError for an unknown one."""
    return table_of(family, registry(plan))
