"""The list of an evening: stocks ranked by score, with everything needed to make the same list again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import RegistryError
from gogoku_pipeline.evaluation.dispersion import dispersion_by_day
from gogoku_pipeline.evaluation.verdict import Verdict
from gogoku_pipeline.registry.tables import GATE, PREDICTIONS

_EDGE = ("edge", "edge_low", "edge_high")


@dataclass(frozen=True)
class Lineage:
    """What made a list.

    Attributes:
        model: name of the recipe.
        model_version: version of its trained files.
        feature_hash: hash of the feature catalogue, equal in training and serving.
        served_because: why this model served.
        table_versions: version of every table that was read.
    """

    model: str
    model_version: str
    feature_hash: str
    served_because: str
    table_versions: Mapping[str, int] = field(default_factory=dict)


def ranked_predictions(
    scores: pl.DataFrame, session: date, lineage: Lineage, *, available_at: datetime
) -> pl.DataFrame:
    """The ranked list of one session as `tables.PREDICTIONS` declares it.

    Args:
        scores: [session, code, horizon_d, score] and the columns `training.predict.with_intervals` adds; without
            them the list has no intervals and says so. Names without a score are left out.
        session: the session the list is made after.
        lineage: what made the scores.
        available_at: instant of the decision, aware.

    Returns:
        One row per scored stock and horizon, best first; equal scores are ordered by code.

    Raises:
        RegistryError: scores of another session, no score, or scores that do not tell stocks apart.
    """
    if set(scores["session"].unique()) != {session}:
        raise _bad(session, f"scores for {scores['session'].unique().sort().to_list()}", "scores of this session alone")
    dispersion = dispersion_by_day(scores)
    if dispersion["is_degenerate"].any():
        worst = dispersion.filter("is_degenerate").row(0, named=True)
        raise _bad(
            session,
            f"{worst['n']} scores of which {worst['unique_ratio']:.0%} differ (horizon {worst['horizon_d']})",
            "scores that tell stocks apart",
        )
    if "interval_low" not in scores.columns:
        from gogoku_pipeline.training.predict import without_intervals  # imported late: it loads every model family

        scores = without_intervals(scores)
    ranked = scores.with_columns(pl.col("score").cast(pl.Float64).fill_nan(None)).drop_nulls("score")
    ranked = ranked.sort("horizon_d", "score", "code", descending=[False, True, False])
    return ranked.select(
        "session",
        "code",
        pl.int_range(1, pl.len() + 1).over("horizon_d").cast(pl.Int32).alias("rank"),
        "score",
        pl.col("horizon_d").cast(pl.Int16),
        "interval_low",
        "interval_high",
        "interval_reason",
        pl.lit(lineage.model).alias("model"),
        pl.lit(lineage.model_version).alias("model_version"),
        pl.lit(lineage.feature_hash).alias("feature_hash"),
        pl.lit(json.dumps(dict(lineage.table_versions), sort_keys=True)).alias("table_versions"),
        pl.lit(lineage.served_because).alias("served_because"),
        pl.lit(available_at.astimezone(JST), dtype=PREDICTIONS.column("available_at").dtype).alias("available_at"),
    )


def gate_rows(verdict: Verdict, session: date, *, available_at: datetime) -> pl.DataFrame:
    """The verdict as rows of `tables.GATE` for one training cut-off; NaN becomes null."""
    return (
        verdict.to_frame()
        .with_columns(
            pl.lit(session).alias("session"),
            pl.lit(verdict.challenger).alias("challenger"),
            pl.lit(verdict.baseline).alias("baseline"),
            pl.lit(verdict.decision).alias("decision"),
            pl.col("value").fill_nan(None),
            pl.col("threshold").fill_nan(None),
            pl.int_range(pl.len(), dtype=pl.Int16).alias("place"),
            pl.lit(json.dumps(list(verdict.reasons), ensure_ascii=False)).alias("reasons"),
            pl.lit(verdict.n_days, dtype=pl.Int32).alias("paired_days"),
            *(_figure(value, name) for name, value in zip(_EDGE, verdict.edge, strict=True)),
            _figure(verdict.minimum_detectable_effect, "detectable_effect"),
            pl.lit(verdict.sessions_needed, dtype=pl.Int64).alias("more_sessions"),
            pl.lit(verdict.is_suspect).alias("is_suspect"),
            pl.lit(verdict.config_hash).alias("config_hash"),
            pl.lit(available_at.astimezone(JST), dtype=GATE.column("available_at").dtype).alias("available_at"),
        )
        .select(GATE.polars_schema.names())
        .sort(GATE.key)
    )


def _figure(value: float, name: str) -> pl.Expr:
    return pl.lit(value, dtype=pl.Float64).fill_nan(None).alias(name)


def _bad(session: date, got: str, want: str) -> RegistryError:
    return RegistryError(
        f"list of {session}", got=got, want=want, remedy="Serve the baseline and look at the model's inputs."
    )
