"""Do a recipe's intervals hold what they promise? Calibrated on what stopped each fold's fit, counted on its test days.

The same calibration that a version carries (`training.intervals`) is made once per fold of a walk from its validation
days and asked on the test days after them: the share of outcomes below either end, against the share that was meant.
"""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.evaluation.calibration import calibration_by_day, calibration_gap
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.training.intervals import LEVEL, OUTCOME, calibrated
from gogoku_pipeline.training.walk_forward import WalkForwardResult

TAILS = {"low": (1 - LEVEL) / 2, "high": (1 + LEVEL) / 2}


def walked_quantiles(walk: WalkForwardResult, data: TrainingData, horizon_d: int) -> pl.DataFrame | None:
    """The ends of every interval on the counted days of a walk, as quantiles.

    Args:
        walk: of one recipe.
        data: panel and labels the recipe was walked over.
        horizon_d: which horizon.

    Returns:
        [session, code, horizon_d, quantile, value]; None where no fold knew enough outcomes to calibrate.
    """
    parts = []
    for fold in walk.scores["fold"].unique().sort():
        found = calibrated(_opinion(walk.validation, fold), data, horizon_d)
        if found is not None:
            parts.append(found.around(_opinion(walk.scores.filter("is_counted"), fold), data))
    if not parts:
        return None
    ends = pl.concat(parts).unpivot(list(TAILS), index=["session", "code", "horizon_d"], variable_name="quantile")
    return ends.with_columns(pl.col("quantile").replace_strict(TAILS, return_dtype=pl.Float64))


def coverage_gap(
    walk: WalkForwardResult, data: TrainingData, horizon_d: int, labels: pl.DataFrame, universe: pl.DataFrame | None
) -> float | None:
    """Largest distance of a tail's share from the one that was meant, over days; None where nothing was calibrated.

    Args:
        walk: of one recipe.
        data: panel and labels the recipe was walked over.
        horizon_d: which horizon.
        labels: outcomes that may be looked at.
        universe: [session, code, is_tradable]; None judges every name.
    """
    quantiles = walked_quantiles(walk, data, horizon_d)
    if quantiles is None:
        return None
    return calibration_gap(calibration_by_day(quantiles, labels, OUTCOME, universe=universe))


def _opinion(scores: pl.DataFrame, fold: int) -> pl.DataFrame:
    """One score per stock and session of a fold, seeds averaged by rank."""
    return ensemble_scores(scores.filter(fold=fold).drop("fold", "is_counted", strict=False)).drop("model")
