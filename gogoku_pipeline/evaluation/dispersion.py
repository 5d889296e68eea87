"""Does the model still tell stocks apart? Spread and uniqueness of scores per day, degenerate days, drift of spread.

A collapsed model gives (nearly) every stock one number; ranked by row order it once looked fine for weeks.
"""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.evaluation.accuracy import deviation
from gogoku_pipeline.evaluation.cross_sections import CrossSections, divided
from gogoku_pipeline.evaluation.frames import checked_scores, groups
from gogoku_pipeline.evaluation.layout import Figures, by_day

MIN_STD = 1e-8
MIN_UNIQUE_RATIO = 0.5
DRIFT_WINDOW = 60
"""Days whose median spread is the yardstick of a day's drift."""


def dispersion_of(sections: CrossSections) -> Figures:
    """Spread of the scores of each day [D]; see `dispersion_by_day`."""
    ratio, std = divided(sections.score_places.different, sections.count), deviation(sections.score)
    return {
        "n": sections.count,
        "unique_ratio": ratio,
        "std": std,
        "is_degenerate": (sections.count < 2) | ~(std >= MIN_STD) | ~(ratio >= MIN_UNIQUE_RATIO),
    }


def dispersion_by_day(scores: pl.DataFrame) -> pl.DataFrame:
    """Spread of the scores of each day, per model and seed, whatever happened afterwards.

    Args:
        scores: [model?, seed?, session, code, horizon_d, score].

    Returns:
        [model?, seed?, session, horizon_d, n, unique_ratio, std, is_degenerate]; a day is degenerate when the
        standard deviation is below 1e-8 or fewer than half of the scores are different, or no name is scored.
    """
    frame = checked_scores(scores)
    return by_day(frame.with_columns(pl.col("score").alias("label")), dispersion_of)


def with_drift(daily: pl.DataFrame) -> pl.DataFrame:
    """`dispersion_by_day` with `std_drift`: log(std / median std of the 60 days before), null for the first 20 days.

    A model whose scores shrink from day to day drifts below zero long before a day counts as degenerate.
    """
    owners = [name for name in groups(daily) if name != "session"]
    before = pl.col("std").shift(1).rolling_median(DRIFT_WINDOW, min_samples=20).over(owners)
    drift = pl.when((pl.col("std") > 0) & (before > 0)).then((pl.col("std") / before).log())
    return daily.sort(groups(daily)).with_columns(drift.alias("std_drift"))
