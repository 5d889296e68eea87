"""Is the top of the list any good? Precision at K, deciles and their spread, hit rate: per day, ties shared fairly.

When several names tie at the edge of the top K, each counts for its share of the places left: the answer is the mean
over all ways to break the tie, so it never depends on row order, and constant scores score exactly like chance.
Source: evaluation protocol, section 3.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl

from gogoku_pipeline.evaluation.cross_sections import (
    Counts,
    CrossSections,
    Floats,
    divided,
    mean_of,
    shared_places,
    top_count,
    total,
)
from gogoku_pipeline.evaluation.frames import groups
from gogoku_pipeline.evaluation.layout import Axes, Figures, by_day, measured

TOP_SHARE = 0.10
TOP_COUNT = 50


def ranking_of(sections: CrossSections) -> Figures:
    """Ranking metrics of each day [D] over names that have both a score and a label; see `ranking_by_day`."""
    label, known = sections.label, sections.score_places.known
    above, positive = (
        np.where(known, hit, np.nan) for hit in (label > _column(sections.label_places.median), label > 0)
    )
    top, bottom = top_weight(sections, TOP_SHARE), top_weight(sections, TOP_SHARE, worst=True)
    top50 = top_weight(sections, TOP_COUNT)
    large = sections.count > TOP_COUNT
    return {
        "n": sections.count,
        "p_at_10pct": _weighted(above, top),
        "p_at_10pct_random": mean_of(above),
        "p_at_50": np.where(large, _weighted(above, top50), np.nan),
        "p_at_50_random": np.where(large, mean_of(above), np.nan),
        "p_at_10pct_positive": _weighted(positive, top),
        "p_at_10pct_positive_random": mean_of(positive),
        "spread": _weighted(label, top) - _weighted(label, bottom),
        **_hit_rate(sections),
    }


def ranking_by_day(aligned: pl.DataFrame) -> pl.DataFrame:
    """Ranking metrics of every day over names that have both a score and a label.

    Args:
        aligned: `frames.align`: [model?, seed?, session, horizon_d, code, score, label].

    Returns:
        [model?, seed?, session, horizon_d, n, p_at_10pct, p_at_10pct_random, p_at_50, p_at_50_random,
        p_at_10pct_positive, p_at_10pct_positive_random, spread, hit_rate, hit_rate_random, hits, hit_names].
        `p_at_k`: share of the top K with a label above the day's median; `_random` is what a blind pick scores;
        `_positive` is the older variant with label > 0. `p_at_50` is null on days of at most 50 names. `spread` is the
        mean label of the top minus the bottom 10 %. `hit_rate`: share of names, neither at the median score nor at
        the mean label, on the same side of both. Days without a name that has both are left out.
    """
    return by_day(aligned, ranking_of).filter(pl.col("n") > 0).with_columns(pl.selectors.float().fill_nan(None))


def quantile_returns(aligned: pl.DataFrame, *, quantiles: int = 10) -> pl.DataFrame:
    """Mean label of each tenth of the list, averaged over days (never pooled).

    Returns:
        [model?, seed?, horizon_d, quantile, mean_label, standard_error, n_days]; quantile 1 holds the worst scores,
        `quantiles` the best. A name goes where its average-tie rank falls, so tied names share one quantile.
        `standard_error` treats days as independent: use it to draw, not to decide.
    """
    owners = [name for name in groups(aligned) if name != "session"]
    of_day = by_day(aligned, lambda sections: quantile_means_of(sections, quantiles)).unpivot(
        index=[*owners, "session"], variable_name="quantile", value_name="label"
    )
    return (
        of_day.filter(pl.col("label").is_finite())
        .with_columns(pl.col("quantile").cast(pl.Int32))
        .group_by(*owners, "quantile")
        .agg(
            pl.col("label").mean().alias("mean_label"),
            (pl.col("label").std() / pl.len().sqrt()).alias("standard_error"),
            pl.len().cast(pl.Int64).alias("n_days"),
        )
        .sort(*owners, "quantile")
    )


def quantile_means_of(sections: CrossSections, quantiles: int) -> Figures:
    """Mean label of each part of the list on each day [D], by the part's number as text; NaN for an empty part."""
    part = quantile_of(sections.score_places.ranks, sections.count, quantiles)
    return {str(q + 1): mean_of(np.where(part == q, sections.label, np.nan)) for q in range(quantiles)}


def quantile_of(ranks: Floats, count: Counts, quantiles: int) -> Floats:
    """In which of the equal parts 0 .. quantiles - 1 each average-tie rank falls [D, N]; NaN where missing."""
    share = divided(ranks - 0.5, _column(count))
    return np.asarray(np.minimum(np.floor(share * quantiles), quantiles - 1))


def turnover_by_day(aligned: pl.DataFrame, *, horizon_d: int) -> pl.DataFrame:
    """Share of the top and bottom decile that is new since the list `horizon_d` sessions earlier.

    Sessions are counted within the frame. Returns [model?, seed?, session, horizon_d, turnover] for sessions that
    have such a predecessor; 0 means the same names, 1 none of them; null on a day without a list.
    """
    keys = groups(aligned)
    owners = [name for name in keys if name != "session"]
    parts = []
    for part in aligned.drop_nulls(["score", "label"]).partition_by(owners, maintain_order=True) or [aligned.clear()]:
        axes = Axes.of(part)
        weight = measured(*axes.lay_aligned(part), outer_deciles_of)
        found = turnover_of(weight["weight"], horizon_d)
        days = pl.DataFrame({"session": axes.sessions}).join(part.select(owners).head(1), how="cross").select(keys)
        parts.append(days.with_columns(pl.Series("turnover", found).fill_nan(None)).slice(horizon_d))
    return pl.concat(parts).sort(keys)


def outer_deciles_of(sections: CrossSections) -> Figures:
    """`weight` [D, N]: what a list that buys the best and sells the worst tenth holds of each name, -1 .. 1."""
    return {"weight": top_weight(sections, TOP_SHARE) - top_weight(sections, TOP_SHARE, worst=True)}


def turnover_of(weight: Floats, horizon_d: int) -> Floats:
    """Share of what is held [D, N] that was not held `horizon_d` rows earlier [D]; NaN for the first rows.

    Rows must follow each other in time and columns must be the same names.
    """
    out = np.full(len(weight), np.nan)
    if len(weight) > horizon_d:
        now, before = weight[horizon_d:], weight[:-horizon_d]
        kept = np.where(now * before > 0, np.minimum(np.abs(now), np.abs(before)), 0.0)
        out[horizon_d:] = 1.0 - divided(kept.sum(axis=1), np.abs(now).sum(axis=1))
    return out


def net_of_costs(spread: float, turnover: float | None, cost_per_side: float) -> float:
    """Mean spread of two legs after what replacing their changed names costs: one sale and one purchase in each leg.

    Args:
        spread: mean label of the top minus the bottom decile per horizon, before costs.
        turnover: mean share of names replaced per horizon; None (no predecessor yet) replaces all of them.
        cost_per_side: share of the traded value lost per purchase or sale.
    """
    return spread - (1.0 if turnover is None else turnover) * 2 * 2 * cost_per_side


def wilson_interval(hits: int, trials: int, *, z: float = 1.959964) -> tuple[float, float]:
    """Confidence interval of a share by Wilson (1927); (NaN, NaN) without trials.

    Names of one day move together, so over many names the true interval is wider.
    """
    if trials == 0:
        return math.nan, math.nan
    share = hits / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return centre - half, centre + half


def top_weight(sections: CrossSections, size: float, *, worst: bool = False) -> Floats:
    """Weight in [0, 1] with which each name belongs to the day's best (or worst) names by score [D, N].

    Args:
        sections: scores and labels.
        size: a share of the names when below 1 (at least one name), else a count.
        worst: the other end.

    Returns:
        1 inside, 0 outside, a share for names tied at the edge; sums to the size on every day.
    """
    held = sections.score_places
    whole = np.arange(sections.score.shape[1] + 1, dtype=np.float64)
    return shared_places(whole, held.below if worst else held.above, held.tied, top_count(held.count, size))


def _hit_rate(sections: CrossSections) -> Figures:
    """Names on the same side of the median score and of the mean label."""
    score_side = np.sign(sections.score - _column(sections.score_places.median))
    label_side = np.sign(sections.label - _column(mean_of(sections.label)))
    sided = sections.score_places.known & (score_side != 0) & (label_side != 0)
    names = sided.sum(axis=1)
    hits = (sided & (score_side == label_side)).sum(axis=1)
    up, rise = (divided((sided & (side > 0)).sum(axis=1), names) for side in (score_side, label_side))
    return {
        "hit_rate": divided(hits, names),
        "hit_rate_random": up * rise + (1 - up) * (1 - rise),
        "hits": hits,
        "hit_names": names,
    }


def _column(values: Floats | Counts) -> Floats:
    return np.asarray(values, dtype=np.float64)[:, None]


def _weighted(values: Floats, weight: Floats) -> Floats:
    """Weighted mean of each day [D]."""
    return divided(total(values * weight), weight.sum(axis=1))
