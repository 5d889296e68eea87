"""RankIC and IC: did the names the model ranked higher earn more? Their one home; others receive them as an argument.

RankIC of a day = Pearson correlation of average-tie ranks of scores and labels over names that have both; IC =
Pearson correlation of the values. Constant scores (or labels) have no ranking: the answer is NaN, never 0.
Source: evaluation protocol, section 3; oracles scipy.stats.spearmanr, scipy.stats.pearsonr, alphalens-reloaded.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.cross_sections import CrossSections, Floats, Mask, mean_of, paired
from gogoku_pipeline.evaluation.frames import align
from gogoku_pipeline.evaluation.layout import by_day

MIN_NAMES = 3
"""A cross-section of fewer names has no RankIC (two names can only say +1 or -1)."""


def rank_ic_of(sections: CrossSections, *, min_names: int = MIN_NAMES) -> Floats:
    """RankIC of each day [D]; NaN for days with fewer names or a constant side."""
    return _correlation(
        sections.score_places.ranks, sections.label_places.ranks, _can_rank(sections, min_names=min_names)
    )


def ic_of(sections: CrossSections, *, min_names: int = MIN_NAMES) -> Floats:
    """IC (Pearson) of each day [D]; NaN for days with fewer names or a constant side."""
    return _correlation(sections.score, sections.label, _can_rank(sections, min_names=min_names))


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
    return float(rank_ic_of(paired(left[None, :], right[None, :]))[0])


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
    return by_day(aligned, lambda sections: {"rank_ic": rank_ic_of(sections, min_names=min_names), "n": sections.count})


def _can_rank(sections: CrossSections, *, min_names: int) -> Mask:
    """Days with enough names on which neither side is constant [D]."""
    varied = [np.fmax.reduce(side, axis=1, initial=-np.inf) > np.fmin.reduce(side, axis=1, initial=np.inf) for side in
              (sections.score, sections.label)]  # fmt: skip
    count = np.isfinite(sections.score).sum(axis=1)
    return np.asarray((count >= min_names) & varied[0] & varied[1])


def _correlation(left: Floats, right: Floats, usable: Mask) -> Floats:
    """Pearson correlation of each day [D] over values that are there on both sides at the same places."""
    out = np.full(len(left), np.nan)
    means = mean_of(left), mean_of(right)
    _correlate(np.asarray(left), np.asarray(right), means[0], means[1], usable, out)
    return np.asarray(np.clip(out, -1.0, 1.0))


@compiled
def _correlate(left: Floats, right: Floats, middle: Floats, other: Floats, usable: Mask, out: Floats) -> None:
    """Both sides are divided by their largest deviation first, so that no square over- or underflows."""
    for day in range(left.shape[0]):
        if not usable[day]:
            continue
        reach, span = 1e-300, 1e-300
        for name in range(left.shape[1]):
            a, b = abs(left[day, name] - middle[day]), abs(right[day, name] - other[day])
            reach, span = max(a, reach) if a == a else reach, max(b, span) if b == b else span
        together, first, second = 0.0, 0.0, 0.0
        for name in range(left.shape[1]):
            a, b = (left[day, name] - middle[day]) / reach, (right[day, name] - other[day]) / span
            if a == a and b == b:
                together += a * b
                first += a * a
                second += b * b
        norm = np.sqrt(first * second)
        if norm > 0:
            out[day] = together / norm
