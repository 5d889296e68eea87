"""When a row of features becomes knowable: the latest publication among the tables it is made of.

Belongs here: published field to source, and the instant of a row. Does not belong here: the rules themselves
(`schema.availability`), the as-of join (`tables`).

Bars, TOPIX and the master speak of their own session and are known at a fixed hour. Every other source is read as of
the cut-off: its share of the instant is that of its newest row known by then, which is never early.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from gogoku_pipeline.core.errors import FeatureError
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.registry import Registry, house
from gogoku_pipeline.features.states.register import STATES
from gogoku_pipeline.schema.availability import PublicationRule
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.tables.asof import cutoff_at

SOURCE_OF = {
    "bars": "daily_bars",
    "master": "listed_issues",
    "topix": "topix",
    "indices": "indices",
    "calendar": "calendar",
    "investor": "investor_types",
    "short_ratio": "short_ratio",
    "short_report": "short_positions",
    "margin": "margin_interest",
    "alert": "margin_alerts",
    "breakdown": "breakdown",
    "summary": "statements",
    "earn_date": "earnings_dates",
    "dividend": "dividends",
    "opt225": "index_options",
    "futures": "futures",
}
"""Alias of the catalogue to source: `bars.C` is field C of daily_bars."""

OF_THE_SESSION = ("daily_bars", "listed_issues", "topix")
"""Sources whose row of t is always known at a fixed hour of t."""


def published_sources(feature: Feature, registry: Registry | None = None) -> tuple[str, ...]:
    """Sources of every published field below a feature, in order of mention; raises FeatureError for an unknown one."""
    registry = registry or house()
    found: dict[str, None] = {}
    for below in registry.in_order([feature.name]):
        for source in below.sources:
            if source.startswith("@"):
                continue
            name = SOURCE_OF.get(source.partition(".")[0])
            if name is None or TABLE_OF[name].rule is None:
                raise FeatureError(
                    f"source {source} of {below.name}",
                    got="a table without a publication rule",
                    want=f"one of {', '.join(SOURCE_OF)}",
                    remedy="Add the table to features.availability.",
                )
            found[name] = None
    return tuple(found)


def publication_rules(feature: Feature, registry: Registry | None = None) -> frozenset[PublicationRule]:
    """Rules of every published field below a feature; raises FeatureError for a field of an unknown table."""
    rules = (TABLE_OF[name].rule for name in published_sources(feature, registry))
    return frozenset(rule for rule in rules if rule is not None)


def state_tables(names: Sequence[str], registry: Registry | None = None) -> dict[str, int | None]:
    """Sources whose tables the states below these features read, in order of mention.

    Returns:
        Source to the sessions before the first staged one whose rows are needed; None for all there are.
    """
    registry = registry or house()
    found: dict[str, int | None] = {}
    for feature in registry.in_order(names):
        for alias in feature.states:
            back = STATES[alias].history_sessions
            for source in STATES[alias].tables:
                known = found.get(source, 0)
                found[source] = None if back is None or known is None else max(back, known)
    return found


def stamp_available_at(
    frame: pl.DataFrame,
    names: Sequence[str] | None = None,
    registry: Registry | None = None,
    inputs: FeatureInputs | None = None,
) -> pl.DataFrame:
    """Add `available_at`, the instant from which every feature of the row is known.

    Args:
        frame: [session, code, features...].
        names: features to consider; None for every column that is one.
        registry: where they are declared; None for the house registry.
        inputs: what the features were made of; needed where they read states of other sources.

    Returns:
        The frame with a last column `available_at` (JST instant).
    """
    registry = registry or house()
    chosen = list(names if names is not None else [name for name in frame.columns if name in registry])
    rules = {rule for name in chosen for rule in _rules_of_the_session(registry.feature(name), registry)}
    read = state_tables(chosen, registry)
    if not rules and not read:
        raise FeatureError(
            "available_at", got="no feature among the columns", want="at least one", remedy="Name the features."
        )
    instants = [rule.instant(pl.col("session")) for rule in sorted(rules, key=lambda rule: rule.name)]
    if not read or inputs is None:
        return frame.with_columns(pl.max_horizontal(instants).alias("available_at"))
    latest = newest_known(inputs, list(read), frame["session"].unique().sort())
    joined = frame.join(latest, on="session", how="left", maintain_order="left")
    return joined.with_columns(pl.max_horizontal(*instants, "newest_known_at").alias("available_at")).drop(
        "newest_known_at"
    )


def newest_known(inputs: FeatureInputs, sources: Sequence[str], sessions: pl.Series) -> pl.DataFrame:
    """[session, newest_known_at]: when the newest row of these sources known at each session's cut-off arrived."""
    arrived = pl.concat([inputs.known.table(source).select("available_at") for source in sources])
    instants = arrived.unique().sort("available_at").with_columns(pl.col("available_at").alias("newest_known_at"))
    asked = pl.DataFrame({"session": sessions}).with_columns(cutoff_at(pl.col("session"), inputs.cutoff))
    found = asked.join_asof(
        instants, left_on="cutoff_at", right_on="available_at", strategy="backward", allow_exact_matches=False
    )
    return found.select("session", "newest_known_at")


def _rules_of_the_session(feature: Feature, registry: Registry) -> list[PublicationRule]:
    found = [TABLE_OF[name].rule for name in published_sources(feature, registry) if name in OF_THE_SESSION]
    return [rule for rule in found if rule is not None]
