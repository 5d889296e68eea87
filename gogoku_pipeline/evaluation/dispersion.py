"""Does the model still tell stocks apart? Spread and uniqueness of scores per day; degenerate days.

A collapsed model gives (nearly) every stock one number; ranked by row order it once looked fine for weeks.
"""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.evaluation.frames import checked_scores, groups

MIN_STD = 1e-8
MIN_UNIQUE_RATIO = 0.5


def dispersion_by_day(scores: pl.DataFrame) -> pl.DataFrame:
    """Spread of the scores of each day, per model and seed.

    Args:
        scores: [model?, seed?, session, code, horizon_d, score].

    Returns:
        [model?, seed?, session, horizon_d, n, unique_ratio, std, is_degenerate]; a day is degenerate when the
        standard deviation is below 1e-8 or fewer than half of the scores are different, or no name is scored.
    """
    frame = checked_scores(scores)
    keys = groups(frame)
    different = pl.col("score").drop_nulls().n_unique()
    return (
        frame.group_by(keys)
        .agg(
            pl.col("score").count().cast(pl.Int64).alias("n"),
            (different / pl.col("score").count()).alias("unique_ratio"),
            pl.col("score").std().alias("std"),
        )
        .with_columns(
            (
                (pl.col("n") < 2)
                | (pl.col("std").fill_null(0.0) < MIN_STD)
                | (pl.col("unique_ratio").fill_nan(0.0) < MIN_UNIQUE_RATIO)
            ).alias("is_degenerate")
        )
        .sort(keys)
    )
