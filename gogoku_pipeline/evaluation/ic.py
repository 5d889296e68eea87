"""RankIC: did the names the model ranked higher earn more? Its one home; everybody else receives it as an argument.

RankIC of a day = Pearson correlation of average-tie ranks of scores and labels over names that have both. Constant
scores (or labels) have no ranking: the answer is NaN, never 0. Source: evaluation protocol, section 3; oracle
scipy.stats.spearmanr.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import rankdata

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.frames import align, groups

MIN_NAMES = 3
"""A cross-section of fewer names has no RankIC (two names can only say +1 or -1)."""


def rank_ic(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """RankIC of one day.

    Args:
        scores: one number per name, NaN for none, shape [N].
        labels: what happened, NaN for unknown, shape [N].

    Returns:
        A number in [-1, 1]; NaN when fewer than `MIN_NAMES` names have both or when one side is constant.

    Raises:
        EvaluationError: shapes differ or are not one-dimensional.
    """
    left, right = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if left.ndim != 1 or left.shape != right.shape:
        raise EvaluationError(
            "rank_ic",
            got=f"shapes {left.shape} and {right.shape}",
            want="two vectors of one length",
            remedy="Pass one day at a time.",
        )
    both = ~(np.isnan(left) | np.isnan(right))
    if both.sum() < MIN_NAMES:
        return float("nan")
    a, b = rankdata(left[both]), rankdata(right[both])
    a, b = a - a.mean(), b - b.mean()
    norm = np.sqrt((a @ a) * (b @ b))
    return float(np.clip(a @ b / norm, -1.0, 1.0)) if norm > 0 else float("nan")


def daily_rank_ic(
    scores: pl.DataFrame,
    labels: pl.DataFrame,
    label: str = "ret_open",
    *,
    universe: pl.DataFrame | None = None,
    min_names: int = MIN_NAMES,
) -> pl.DataFrame:
    """RankIC of every day, all models and seeds of the frame at once.

    Args:
        scores: [session, code, horizon_d, score] and optionally model, seed, is_counted.
        labels: [session, code, horizon_d, <label>].
        label: exact label name.
        universe: [session, code, is_tradable], None for every scored row.
        min_names: days with fewer names that have both are NaN.

    Returns:
        [model?, seed?, session, horizon_d, rank_ic, n], sorted; `n` counts names with score and label, `rank_ic` is
        NaN for a day without a ranking.

    Raises:
        EvaluationError: see `frames.align`.
    """
    return rank_ic_by_day(align(scores, labels, label, universe), min_names=min_names)


def rank_ic_by_day(aligned: pl.DataFrame, *, min_names: int = MIN_NAMES) -> pl.DataFrame:
    """RankIC of every day of an aligned frame (`frames.align`); see `daily_rank_ic`."""
    keys = groups(aligned)
    has_both = pl.col("score").is_not_null() & pl.col("label").is_not_null()
    ranked = aligned.with_columns(
        pl.when(has_both).then(pl.col(name)).rank("average").over(keys).alias(name) for name in ("score", "label")
    )
    usable = (pl.col("n") >= min_names) & (pl.col("different") > 1)
    return (
        ranked.group_by(keys)
        .agg(
            pl.corr("score", "label").clip(-1.0, 1.0).alias("rank_ic"),
            pl.col("score").count().cast(pl.Int64).alias("n"),
            pl.min_horizontal(pl.col("score").drop_nulls().n_unique(), pl.col("label").drop_nulls().n_unique()).alias(
                "different"
            ),
        )
        .select(
            *keys,
            pl.when(usable).then("rank_ic").otherwise(float("nan")).alias("rank_ic"),
            "n",
        )
        .sort(keys)
    )
