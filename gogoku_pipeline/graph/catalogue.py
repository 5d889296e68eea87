"""The frozen list of every feature a model may be fed: the features room's and the graph's, with one content hash."""

from __future__ import annotations

import inspect
from dataclasses import asdict, dataclass
from functools import cache

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.features.declaration import declared_in
from gogoku_pipeline.features.feature import PLANS, Feature
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.features.family_tables import family_table as table_of
from gogoku_pipeline.graph import exact, neighbours, node_features, strongest, windows
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.schema.tables import Table

FAMILY = "feat__graph"

_DECIDE = (windows, exact, strongest, neighbours)
"""Modules whose code decides the values: part of the hash."""


@dataclass(frozen=True)
class Catalogue:
    """Every feature of the house, in a fixed order.

    Attributes:
        features: the features room's first, then the graph's.
        hash: content hash of declarations, formulas and graph settings; stamped on panels, models and predictions.
    """

    features: tuple[Feature, ...]
    hash: str

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
    for feature in declared_in(node_features.__name__):
        known.add(feature)
    return known.freeze()


@cache
def catalogue(config: GraphConfig | None = None, plan: str = PLANS[-1]) -> Catalogue:
    """The catalogue of a plan: complete for what the plan serves, without a column for what it does not.

    Args:
        config: dials of the graph, which change what the `g_*` features mean and so the hash; None for the defaults.
        plan: Free, Light, Standard or Premium.
    """
    known = registry(plan)
    code = {module.__name__: inspect.getsource(module) for module in _DECIDE}
    return Catalogue(known.public, sha256_json([known.hash(), code, asdict(config or GraphConfig())]))


def family_table(family: str = FAMILY, plan: str = PLANS[-1]) -> Table:
    """The table of a feature family, the graph's by default; raises FeatureError for an unknown one."""
    return table_of(family, registry(plan))
