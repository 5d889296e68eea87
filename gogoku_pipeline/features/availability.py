"""When a row of features becomes knowable: the latest publication among the tables it is made of.

Belongs here: published field to publication rule. Does not belong here: the rules themselves (`schema.availability`),
the as-of join (`tables`).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.schema import daily_bars, listed_issues, topix
from gogoku_pipeline.schema.availability import PublicationRule

_TABLES = {"bars": daily_bars.TABLE, "topix": topix.TABLE, "master": listed_issues.SNAPSHOT}


def publication_rules(feature: Feature, registry: Registry | None = None) -> frozenset[PublicationRule]:
    """Rules of every published field below a feature; raises FeatureError for a field of an unknown table."""
    registry = registry or house()
    rules: set[PublicationRule] = set()
    for below in registry.in_order([feature.name]):
        for source in below.sources:
            if source.startswith("@"):
                continue
            table = _TABLES.get(source.partition(".")[0])
            if table is None or table.rule is None:
                raise FeatureError(
                    f"source {source} of {below.name}",
                    got="a table without a publication rule",
                    want=f"one of {', '.join(_TABLES)}",
                    remedy="Add the table to features.availability.",
                )
            rules.add(table.rule)
    return frozenset(rules)


def stamp_available_at(
    frame: pl.DataFrame, names: Sequence[str] | None = None, registry: Registry | None = None
) -> pl.DataFrame:
    """Add `available_at`, the instant from which every feature of the row is known.

    Args:
        frame: [session, code, features...].
        names: features to consider; None for every column that is one.
        registry: where they are declared; None for the house registry.

    Returns:
        The frame with a last column `available_at` (JST instant).
    """
    registry = registry or house()
    chosen = names if names is not None else [name for name in frame.columns if name in registry]
    rules = {rule for name in chosen for rule in publication_rules(registry.feature(name), registry)}
    if not rules:
        raise FeatureError(
            "available_at", got="no feature among the columns", want="at least one", remedy="Name the features."
        )
    instants = [rule.instant(pl.col("session")) for rule in sorted(rules, key=lambda rule: rule.name)]
    return frame.with_columns(pl.max_horizontal(instants).alias("available_at"))
