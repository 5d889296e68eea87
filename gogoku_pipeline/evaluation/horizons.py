"""How long does an edge last? One list against returns of several horizons, each with its uncertainty.

Scores are what they are; only the label changes. A list made for five sessions that still ranks twenty is slow, one
that only ranks a single session is paid for by turnover. Reported, never gated. Source: evaluation protocol, section 3.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from gogoku_pipeline.evaluation.cross_sections import CrossSections, Floats
from gogoku_pipeline.evaluation.ensemble import mean_ranks
from gogoku_pipeline.evaluation.frames import (
    KEY,
    checked_label_name,
    checked_scores,
    nothing_in_common,
    require_columns,
)
from gogoku_pipeline.evaluation.ic import MIN_NAMES, rank_ic_of
from gogoku_pipeline.evaluation.layout import Axes, measured
from gogoku_pipeline.evaluation.significance import newey_west_t, stationary_bootstrap_ci


def rank_ic_by_horizon(
    scores: pl.DataFrame,
    labels: pl.DataFrame,
    label: str = "ret_open",
    *,
    universe: pl.DataFrame | None = None,
    min_names: int = MIN_NAMES,
    resamples: int = 2000,
    seed: int = 0,
) -> pl.DataFrame:
    """RankIC of every model's list against every horizon there are labels for.

    Args:
        scores: [model, seed?, session, code, horizon_d, score, is_counted?]; a model that scored several horizons is
            judged on each by its own scores, one that scored a single horizon by that list on all of them.
        labels: [session, code, horizon_d, <label>].
        label: exact name of the label column.
        universe: [session, code, is_tradable]; None judges every scored row.
        min_names: days with fewer judged names have no RankIC.
        resamples: of the stationary bootstrap.
        seed: of the bootstrap.

    Returns:
        [model, horizon_d, n_days, rank_ic, low, high, t], sorted: mean daily RankIC, its 95 % interval by stationary
        bootstrap, Newey-West t with the horizon's lag. Horizons without a day in common are left out; null figures
        belong to a horizon on which no day has a ranking.

    Raises:
        EvaluationError: nothing in common with the labels, columns missing, two rows for one key; see `frames.align`.
    """
    frame = checked_scores(scores if "model" in scores.columns else scores.with_columns(pl.lit("model").alias("model")))
    checked_label_name(label)
    require_columns(labels, (*KEY, label), "labels")
    axes = Axes(frame["session"].unique().sort(), Axes.of(labels).codes)
    tradable = True if universe is None else axes.has(axes.cells(universe.filter("is_tradable")))
    outcomes = {}
    for horizon in sorted(labels["horizon_d"].unique()):
        known = labels.filter(pl.col("horizon_d") == horizon).select("session", "code", label)
        outcomes[int(horizon)] = np.where(tradable, axes.lay(known, label, "labels"), np.nan)
    rows = []
    for (model,), own in frame.partition_by("model", as_dict=True).items():
        lists = {
            int(made): _opinion(own.filter(pl.col("horizon_d") == made), axes) for made in own["horizon_d"].unique()
        }
        for horizon, outcome in outcomes.items():
            opinion = lists.get(horizon) if len(lists) > 1 else next(iter(lists.values()))
            if opinion is not None and (np.isfinite(outcome) & np.isfinite(opinion)).any():
                daily = measured(opinion, outcome, lambda part: {"rank_ic": rank_ic_of(part, min_names=min_names)})
                rows.append({"model": model, **_figures(daily["rank_ic"], horizon, resamples, seed)})
    if not rows:
        raise nothing_in_common(frame, labels, label)
    return pl.DataFrame(rows, infer_schema_length=None).sort("model", "horizon_d")


def _opinion(scores: pl.DataFrame, axes: Axes) -> Floats:
    """One list of a model: the mean of each seed's ranks [T, N], NaN for a name nobody scored."""
    seeds = scores.partition_by("seed") if "seed" in scores.columns else [scores]
    laid = [axes.lay(part, "score", "scores") for part in seeds]
    return mean_ranks([CrossSections(grid, grid).score_places for grid in laid])


def _figures(series: Floats, horizon_d: int, resamples: int, seed: int) -> dict[str, int | float | None]:
    """Of one daily series in time order, NaN for a day without a ranking."""
    known = series[np.isfinite(series)]
    figures: dict[str, int | float | None] = {"horizon_d": horizon_d, "n_days": int(known.size)}
    if not known.size:
        return figures | dict.fromkeys(("rank_ic", "low", "high", "t"))
    interval = stationary_bootstrap_ci(series, horizon_d=horizon_d, resamples=resamples, seed=seed)
    t = newey_west_t(series, horizon_d=horizon_d).t
    found = {"rank_ic": float(known.mean()), "low": interval.low, "high": interval.high, "t": t}
    return figures | {name: value if np.isfinite(value) else None for name, value in found.items()}
