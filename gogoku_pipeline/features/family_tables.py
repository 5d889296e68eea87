"""Families of features as tables: one family is one table and one asset.

Belongs here: which features lie together and what their table looks like. Does not belong here: which features exist
(`registry`), values (`engine`).
"""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Table


def families(registry: Registry | None = None) -> dict[str, tuple[Feature, ...]]:
    """Families in order, each with its features."""
    known = [feature for feature in (registry or house()).features if not feature.is_internal]
    return {name: tuple(f for f in known if f.family == name) for name in dict.fromkeys(f.family for f in known)}


def family_table(family: str, registry: Registry | None = None) -> Table:
    """The table of a family: one row per listed issue and session, one nullable Float32 column per feature."""
    known = families(registry)
    if family not in known:
        raise FeatureError(
            f"feature family {family!r}",
            got="an unknown name",
            want=f"one of {', '.join(known)}",
            remedy="Families are listed in feature.FAMILIES.",
        )
    return Table(
        name=family,
        description=(
            f"Features of the groups {', '.join(dict.fromkeys(f.group for f in known[family]))} of one listed issue on "
            "one session. Null means: not enough observations yet, no trade where one is needed, or undefined."
        ),
        columns=(SESSION, CODE, *(_column(f) for f in known[family]), AVAILABLE_AT),
        key=("session", "code"),
    )


def _column(feature: Feature) -> Column:
    return Column(
        feature.name,
        pl.Float32,
        f"{feature.summary}: {feature.formula}.",
        feature.unit,
        nullable=True,
        at_least=feature.at_least,
        at_most=feature.at_most,
    )
