"""How every model did out of sample in the newest walk, beside somebody who knows the truth where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.evaluation.breakdown import buckets_by_day, by_bucket, by_month, by_regime
from gogoku_pipeline.evaluation.daily import daily_metrics
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.frames import align
from gogoku_pipeline.evaluation.horizons import rank_ic_by_horizon
from gogoku_pipeline.evaluation.ic import rank_ic_by_day
from gogoku_pipeline.evaluation.neutral import SECTOR
from gogoku_pipeline.evaluation.ranking import quantile_returns
from gogoku_pipeline.evaluation.summary import summarise_days
from gogoku_pipeline.features.feature import PLANS
from gogoku_pipeline.registry.assessment import SIZES
from gogoku_pipeline.registry.evidence import ORACLE, exposures_in, known_by, regimes_of, universe_of
from gogoku_pipeline.store import Store
from gogoku_pipeline.training.walk_forward import SCORES, scores_from_table


@dataclass(frozen=True)
class Record:
    """The newest walk, judged.

    Attributes:
        summary: `summary.summarise_days`, one row per model.
        daily_ic: [model, session, rank_ic ...], seeds averaged by rank.
        quantiles: `ranking.quantile_returns` per model.
        horizons: `horizons.rank_ic_by_horizon` of the models in focus and the oracle.
        breakdown: `breakdown.over_days` of the models in focus, with `kind`: month, regime, sector or size.
    """

    summary: pl.DataFrame
    daily_ic: pl.DataFrame
    quantiles: pl.DataFrame
    horizons: pl.DataFrame
    breakdown: pl.DataFrame


def out_of_sample(
    store: Store, day: date, oracle: pl.DataFrame | None = None, *, focus: Sequence[str] = (), plan: str = PLANS[-1]
) -> Record | None:
    """Judge the newest walk that was known on a day.

    Args:
        store: where scores, labels, features and universe lie.
        day: later walks and outcomes are not looked at.
        oracle: [session, code, horizon_d, score] of the planted truth; judged on the same sessions.
        focus: models that are looked at from every side; empty for all of the walk.
        plan: whose features are stored.

    Returns:
        The record, or None while no walk was made or none of its outcomes is known.
    """
    walks = [session for session in store.tables.sessions(SCORES) if session <= day]
    if not walks:
        return None
    rows = store.tables.scan(SCORES, start=walks[-1], end=walks[-1]).collect()
    scores = scores_from_table(rows).filter("is_counted")
    if oracle is not None:
        scores = pl.concat([scores, _as_model(oracle, scores)])
    sessions = scores["session"]
    universe = universe_of(store, sessions)
    first, last = universe["session"].min(), universe["session"].max()
    labels = known_by(store.tables.scan(LABELS).filter(pl.col("session").is_between(first, last)).collect(), day)
    if labels.join(scores, on=["session", "code", "horizon_d"], how="semi").is_empty():
        return None
    exposures = exposures_in(store, universe, plan)
    daily = daily_metrics(scores, labels, universe=universe, exposures=exposures)
    aligned = align(ensemble_scores(scores), labels, universe=universe)
    chosen = pl.col("model").is_in(list(focus) or scores["model"].unique().to_list())
    return Record(
        summary=summarise_days(daily),
        daily_ic=rank_ic_by_day(aligned),
        quantiles=quantile_returns(aligned),
        horizons=rank_ic_by_horizon(scores.filter(chosen | (pl.col("model") == ORACLE)), labels, universe=universe),
        breakdown=_breakdown(store, daily.filter(chosen), aligned.filter(chosen), universe, exposures),
    )


def _breakdown(
    store: Store, daily: pl.DataFrame, aligned: pl.DataFrame, universe: pl.DataFrame, exposures: pl.DataFrame | None
) -> pl.DataFrame:
    """Month, regime, sector and size, as far as each is known."""
    sector = universe.select("session", "code", pl.col(SECTOR).alias("bucket"))
    parts = {"month": by_month(daily), "sector": by_bucket(aligned, sector)}
    if (regimes := regimes_of(store)) is not None:
        parts["regime"] = by_regime(daily, regimes)
    size = next((column for column in SIZES if exposures is not None and column in exposures.columns), None)
    if exposures is not None and size is not None:
        parts["size"] = by_bucket(aligned, buckets_by_day(exposures, size))
    return pl.concat([part.with_columns(pl.lit(kind).alias("kind")) for kind, part in parts.items()], how="diagonal")


def _as_model(oracle: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """The oracle as one more model on the sessions and horizon the others were judged on."""
    days = scores.select("session", "horizon_d").unique()
    return (
        oracle.cast({"horizon_d": scores.schema["horizon_d"]})
        .join(days, on=["session", "horizon_d"])
        .with_columns(
            pl.lit(ORACLE).alias("model"),
            pl.lit(0).alias("fold"),
            pl.lit(0).alias("seed"),
            pl.lit(True).alias("is_counted"),
        )
        .select(scores.columns)
        .cast(scores.schema)
    )
