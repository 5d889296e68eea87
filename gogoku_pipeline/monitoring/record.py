"""How every model did out of sample in the newest walk, beside somebody who knows the truth where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from gogoku_pipeline.dataset.labels import LABELS
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.frames import align
from gogoku_pipeline.evaluation.ic import rank_ic_by_day
from gogoku_pipeline.evaluation.ranking import quantile_returns
from gogoku_pipeline.evaluation.summary import summarise
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.universe import UNIVERSE
from gogoku_pipeline.training.walk_forward import SCORES, scores_from_table

ORACLE = "oracle"


@dataclass(frozen=True)
class Record:
    """The newest walk, judged.

    Attributes:
        summary: `summary.summarise`, one row per model.
        daily_ic: [model, session, rank_ic ...], seeds averaged by rank.
        quantiles: `ranking.quantile_returns` per model.
    """

    summary: pl.DataFrame
    daily_ic: pl.DataFrame
    quantiles: pl.DataFrame


def out_of_sample(store: Store, day: date, oracle: pl.DataFrame | None = None) -> Record | None:
    """Judge the newest walk that was known on a day.

    Args:
        store: where scores, labels and universe lie.
        day: later walks and outcomes are not looked at.
        oracle: [session, code, horizon_d, score] of the planted truth; judged on the same sessions.

    Returns:
        The record, or None while no walk was made.
    """
    walks = [session for session in store.tables.sessions(SCORES) if session <= day]
    if not walks:
        return None
    rows = store.tables.scan(SCORES, start=walks[-1], end=walks[-1]).collect()
    scores = scores_from_table(rows).filter("is_counted")
    if oracle is not None:
        scores = pl.concat([scores, _as_model(oracle, scores)])
    labels = store.tables.scan(LABELS).filter(pl.col("exit_session") <= day).collect()
    universe = store.tables.scan(UNIVERSE).collect()
    aligned = align(ensemble_scores(scores), labels, universe=universe)
    return Record(
        summary=summarise(scores, labels, universe=universe),
        daily_ic=rank_ic_by_day(aligned),
        quantiles=quantile_returns(aligned),
    )


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
