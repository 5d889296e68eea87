"""Explanations of an evening: why three stocks stand where they stand, and which features each model lives on.

Belongs here: whose list, which versions, which stocks, and what is written down. Does not belong here: contributions
and importance themselves (`gogoku_pipeline.training`), how they look (`gogoku_pipeline.evaluation`).

A list is worth having without its explanation, so what can go wrong is told and does not raise: a version whose files
are missing or altered since it served, or whose shape this house no longer builds; a panel of other features or one
that does not reach back far enough; a choice of features that has seen the days; a naive rule, which has no
contributions; too few known outcomes to measure importance on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import polars as pl

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import (
    ArtefactError,
    ConfigError,
    DatasetError,
    GogokuError,
    LeakError,
    PartitionMissingError,
)
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.features.family_tables import families, family_table
from gogoku_pipeline.features.registry import Registry
from gogoku_pipeline.registry.champions import BASELINE
from gogoku_pipeline.registry.explanation_tables import EXPLAINED, IMPORTANCE
from gogoku_pipeline.registry.tables import GATE, PREDICTIONS
from gogoku_pipeline.registry.versions import newest_version
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import Store
from gogoku_pipeline.store.artefacts import Artefact
from gogoku_pipeline.tables.universe import UNIVERSE
from gogoku_pipeline.training.attribution import attributed
from gogoku_pipeline.training.importance import Importance, ImportanceConfig, measured_importance

UNEXPLAINED = (ArtefactError, ConfigError, DatasetError, LeakError)
"""What can keep an explanation from being made although the list is sound."""


@dataclass(frozen=True)
class Explanations:
    """What can be said of an evening's list.

    Attributes:
        rows: of `EXPLAINED`.
        importance: of `IMPORTANCE`, one block per model that was measured.
        problems: what could not be explained and why, one sentence each.
    """

    rows: pl.DataFrame
    importance: pl.DataFrame
    problems: tuple[str, ...]


def explain_list(
    store: Store,
    data: TrainingData,
    session: date,
    book: Registry,
    config: ImportanceConfig,
    *,
    horizon_d: int,
    available_at: datetime,
) -> Explanations:
    """Explain the list of a session: three stocks by whoever served, importance of every model of the contest.

    Args:
        store: holds lists, versions and features.
        data: panel and labels up to the session.
        session: whose list.
        book: the features' declarations.
        config: how importance is measured; models that do not serve are measured by groups alone.
        horizon_d: horizon of the list.
        available_at: instant of the decision, aware.

    Raises:
        PartitionMissingError: no list of that session.
    """
    listed = ranked_list(store, session, horizon_d)
    server = listed["model"][0], listed["model_version"][0]
    problems: list[str] = []
    rows, importance = EXPLAINED.empty(), [IMPORTANCE.empty()]
    at = pl.lit(available_at.astimezone(JST), dtype=EXPLAINED.column("available_at").dtype).alias("available_at")
    try:
        kept = store.artefacts.load(*server)
        rows = explained_rows(store, kept, data, listed, three_of(listed), book).with_columns(at)
    except UNEXPLAINED as problem:
        problems.append(_words(problem))
    groups = {feature.name: feature.group for feature in book.features}
    for model, version in dict.fromkeys([server, *contestants(store, session)]):
        asked = config if (model, version) == server else replace(config, most_features=0)
        try:
            found = measured_importance(store.artefacts.load(model, version), data, groups, asked, known_by=session)
        except UNEXPLAINED as problem:
            problems.append(_words(problem))
            continue
        importance.append(importance_rows(found, (model, version), session, horizon_d).with_columns(at))
    names = (table.polars_schema.names() for table in (EXPLAINED, IMPORTANCE))
    return Explanations(
        rows.select(next(names)),
        pl.concat(part.select(IMPORTANCE.polars_schema.names()) for part in importance),
        tuple(dict.fromkeys(problems)),
    )


def ranked_list(store: Store, session: date, horizon_d: int) -> pl.DataFrame:
    """The stored list of a session by rank; raises PartitionMissingError where there is none."""
    listed = store.tables.scan(PREDICTIONS, start=session, end=session).filter(horizon_d=horizon_d).collect()
    if listed.is_empty():
        made = store.tables.sessions(PREDICTIONS)
        raise PartitionMissingError(
            f"list of {session}",
            got="none stored",
            want=f"a session in {made[0]} .. {made[-1]}" if made else "at least one evening run",
            remedy="Materialise pred__daily for it first.",
        )
    return listed.sort("rank")


def three_of(listed: pl.DataFrame) -> list[str]:
    """The first, the median and the last code of a list, each once."""
    codes = listed.sort("rank")["code"].to_list()
    return list(dict.fromkeys([codes[0], codes[(len(codes) - 1) // 2], codes[-1]]))


def explained_rows(
    store: Store,
    kept: Artefact,
    data: TrainingData,
    listed: pl.DataFrame,
    codes: Sequence[str],
    book: Registry,
    versions: Mapping[str, int] | None = None,
) -> pl.DataFrame:
    """Contributions to the scores of some stocks of a list, with the features' values: `EXPLAINED` without its instant.

    Args:
        store: holds the features.
        kept: the version that is asked; the list may be another's, and then tells the places alone.
        data: panel with the session and the look-back before it.
        listed: the list, of one session.
        codes: stocks of the session's cross-section.
        book: the features' declarations.
        versions: of the features' tables; None for the tables as they are now.

    Raises:
        DatasetError: see `training.attribution.attributed`.
    """
    session = listed["session"][0]
    found = attributed(kept, data, session, codes)
    values = feature_values(store, session, found.filter(part="feature")["name"].unique().to_list(), book, versions)
    told = values.filter(pl.col("code").is_in(codes)).with_columns(pl.lit("feature").alias("part"))
    return (
        found.join(told, on=["code", "part", "name"], how="left", maintain_order="left")
        .join(listed.select("code", "rank"), on="code", how="left", maintain_order="left")
        .with_columns(
            pl.lit(session).alias("session"),
            pl.lit(listed["horizon_d"][0], dtype=pl.Int16).alias("horizon_d"),
            pl.lit(listed.height, dtype=pl.Int32).alias("listed"),
            pl.lit(kept.name).alias("model"),
            pl.lit(kept.version).alias("model_version"),
        )
    )


def feature_values(
    store: Store, session: date, names: Sequence[str], book: Registry, versions: Mapping[str, int] | None = None
) -> pl.DataFrame:
    """[code, name, value, percentile] of some features of the universe on a session, as they are stored.

    A feature that is the same for everybody has no percentile. Features of no table (a set outside the registry) are
    left out.
    """
    at = versions or {}

    def on_session(table: Table, columns: Sequence[str]) -> pl.DataFrame:
        scan = store.tables.scan(table, start=session, end=session, version=at.get(table.name))
        return scan.select("code", *columns).collect()

    members = on_session(UNIVERSE, ["is_in_universe"]).filter("is_in_universe").select("code")
    parts = [pl.DataFrame(schema={"code": pl.String, "name": pl.String, "value": pl.Float64})]
    for family, features in families(book).items():
        if wanted := [feature.name for feature in features if feature.name in set(names)]:
            rows = on_session(family_table(family, book), wanted).join(members, on="code", how="semi")
            long = rows.unpivot(index="code", on=wanted, variable_name="name", value_name="value")
            parts.append(long.with_columns(pl.col("value").cast(pl.Float64).fill_nan(None)))
    place = (pl.col("value").rank("average") - 0.5) / pl.col("value").count()
    tells_apart = pl.col("value").min() < pl.col("value").max()
    return pl.concat(parts).with_columns(pl.when(tells_apart).then(place).over("name").alias("percentile"))


def contestants(store: Store, session: date) -> list[tuple[str, str]]:
    """The newest version of every model of the newest verdicts, trained up to a session; the baseline among them."""
    verdicts = store.tables.scan(GATE, end=session).select("session", "challenger").unique().collect()
    if verdicts.is_empty():
        return []
    newest = verdicts.filter(pl.col("session") == verdicts["session"].max())
    found = [(model, newest_version(store, model, session)) for model in [BASELINE, *newest["challenger"].sort()]]
    return [(model, version) for model, version in found if version is not None]


def importance_rows(found: Importance, whose: tuple[str, str], session: date, horizon_d: int) -> pl.DataFrame:
    """What was measured as `IMPORTANCE` rows without their instant."""
    return found.rows.with_columns(
        pl.lit(session).alias("session"),
        pl.lit(whose[0]).alias("model"),
        pl.lit(whose[1]).alias("model_version"),
        pl.lit(horizon_d, dtype=pl.Int16).alias("horizon_d"),
        pl.lit(found.rank_ic).alias("rank_ic"),
        pl.lit(len(found.sessions), dtype=pl.Int32).alias("days"),
        pl.lit(found.sessions[0]).alias("first_day"),
        pl.lit(found.sessions[-1]).alias("last_day"),
        pl.lit(found.sample).alias("sample"),
        pl.lit(len(found.alike), dtype=pl.Int32).alias("left_out"),
    )


def _words(problem: GogokuError) -> str:
    return f"{problem.thing}: {problem.got}"
