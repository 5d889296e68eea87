"""Metrics that pay earlier places more: NDCG@K and the weighted hit rate of the top K, each beside what chance scores.

NDCG: gain 0 .. 4 by the day's fifth of the label, linear; place i pays 1 / log2(i + 1). Tied scores share their
places, so the answer is the mean over all ways to break the tie, as scikit-learn's `ndcg_score` does.
WIL: place i of the top K pays 0.85^i, i = 0, 1, ...; a hit is a label above 0. An older system's metric, kept so that
its figures can be compared; its blind baseline is the day's share of labels above 0.
Source: Jarvelin & Kekalainen 2002 (NDCG); evaluation protocol, section 3. Oracle: sklearn.metrics.ndcg_score.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from gogoku_pipeline.evaluation.cross_sections import (
    CrossSections,
    Floats,
    Places,
    divided,
    mean_of,
    shared_places,
    top_count,
    total,
)
from gogoku_pipeline.evaluation.layout import Figures, by_day
from gogoku_pipeline.evaluation.ranking import TOP_COUNT, TOP_SHARE, quantile_of

GAIN_LEVELS = 5
WIL_DECAY = 0.85


def gains_of(sections: CrossSections) -> Figures:
    """NDCG and weighted hit rate of each day [D]; see `gains_by_day`."""
    gain = quantile_of(sections.label_places.ranks, sections.count, GAIN_LEVELS)
    share, fifty = (_ndcg(sections, gain, size) for size in (TOP_SHARE, TOP_COUNT))
    large = sections.count > TOP_COUNT
    return {
        "ndcg_at_10pct": share[0],
        "ndcg_at_10pct_random": share[1],
        "ndcg_at_50": np.where(large, fifty[0], np.nan),
        "ndcg_at_50_random": np.where(large, fifty[1], np.nan),
        **_weighted_hits(sections),
    }


def gains_by_day(aligned: pl.DataFrame) -> pl.DataFrame:
    """NDCG and weighted hit rate of every day of an aligned frame (`frames.align`).

    Returns:
        [model?, seed?, session, horizon_d, ndcg_at_10pct, ndcg_at_10pct_random, ndcg_at_50, ndcg_at_50_random,
        wil_at_10pct, wil_at_10pct_random]; `_random` is what a blind pick scores; `_at_50` is null on days of at most
        50 names; null on a day whose labels are all equal (no gain to share) or that has no name.
    """
    return by_day(aligned, gains_of).with_columns(pl.selectors.float().fill_nan(None))


def _ndcg(sections: CrossSections, gain: Floats, size: float) -> tuple[Floats, Floats]:
    """NDCG of the top `size` (a share below 1, else a number of names) and its blind baseline, each [D]."""
    curve = _curve(1.0 / np.log2(np.arange(2.0, sections.score.shape[1] + 2.0)))
    count = np.minimum(top_count(sections.count, size), sections.count)
    best = _collected(gain, curve, sections.label_places, count)
    best = np.where((sections.label_places.tied == sections.count[:, None]).any(axis=1), np.nan, best)
    mine = _collected(gain, curve, sections.score_places, count)
    return divided(mine, best), divided(mean_of(gain) * curve[count], best)


def _collected(gain: Floats, curve: Floats, held: Places, count: np.ndarray) -> Floats:
    return total(gain * shared_places(curve, held.above, held.tied, count))


def _weighted_hits(sections: CrossSections) -> Figures:
    curve = _curve(np.power(WIL_DECAY, np.arange(sections.score.shape[1], dtype=np.float64)))
    count = np.minimum(top_count(sections.count, TOP_SHARE), sections.count)
    held = sections.score_places
    hit = np.where(held.known, sections.label > 0, np.nan)
    weight = shared_places(curve, held.above, held.tied, count)
    return {"wil_at_10pct": divided(total(hit * weight), weight.sum(axis=1)), "wil_at_10pct_random": mean_of(hit)}


def _curve(payments: Floats) -> Floats:
    """What the first k places pay together, k = 0 .. N."""
    return np.concatenate([[0.0], np.cumsum(payments)])
