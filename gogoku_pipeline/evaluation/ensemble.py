"""Several seeds, one opinion: the mean of each seed's ranks, day by day. What the gate judges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from gogoku_pipeline.evaluation.cross_sections import Floats, Places, divided
from gogoku_pipeline.evaluation.frames import checked_scores, groups

_DECIMALS = 12


def ensemble_scores(scores: pl.DataFrame) -> pl.DataFrame:
    """One score per model, session, code and horizon: the mean over seeds of the rank within the day.

    Args:
        scores: [model?, seed?, session, code, horizon_d, score]; a frame without seeds counts as one seed.

    Returns:
        The keys without seed, and `score` in (0, 1]: average-tie rank divided by the number of scored names. A name
        some seeds did not score takes the mean of those that did; one that none scored stays null.
    """
    frame = checked_scores(scores)
    day = groups(frame)
    keys = [name for name in day if name != "seed"] + ["code"]
    ranked = frame.with_columns((pl.col("score").rank("average") / pl.col("score").count()).over(day).alias("score"))
    ordered = ranked.sort("seed") if "seed" in day else ranked  # a sum's last bit depends on its order
    return ordered.group_by(keys).agg(pl.col("score").mean().round(_DECIMALS)).sort(keys)


def mean_ranks(seeds: Sequence[Places]) -> Floats:
    """The array form of `ensemble_scores`: places of each seed to a common opinion [D, N], NaN for none."""
    total, known = np.zeros(seeds[0].tied.shape), np.zeros(seeds[0].tied.shape, dtype=np.int64)
    for held in seeds:
        total += np.nan_to_num(divided(held.ranks, held.count[:, None]), nan=0.0)
        known += held.known
    return np.asarray(np.round(divided(total, known), _DECIMALS))
