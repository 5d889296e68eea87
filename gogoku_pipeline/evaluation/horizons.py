"""How long does an edge last? One list against returns of several horizons, each with its uncertainty.

Scores are what they are; only the label changes. A list made for five sessions that still ranks twenty is slow, one
that only ranks a single session is paid for by turnover. Reported, never gated. Source: evaluation protocol, section 3.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.frames import align
from gogoku_pipeline.evaluation.ic import MIN_NAMES, rank_ic_by_day
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
        EvaluationError: not one horizon in common with the labels; see `frames.align`.
    """
    named = ensemble_scores(
        scores if "model" in scores.columns else scores.with_columns(pl.lit("model").alias("model"))
    )
    rows = []
    for (model,), own in named.partition_by("model", as_dict=True, maintain_order=True).items():
        made = set(own["horizon_d"].unique())
        for horizon in sorted(labels["horizon_d"].unique()):
            if len(made) > 1 and horizon not in made:
                continue
            asked = own.filter(horizon_d=horizon) if len(made) > 1 else own.with_columns(horizon_d=pl.lit(horizon))
            known = labels.filter(horizon_d=horizon).join(asked, on=["session", "code"], how="semi")
            if known.height:
                daily = rank_ic_by_day(align(asked, known, label, universe), min_names=min_names)
                rows.append({"model": model, **_figures(daily, int(horizon), resamples, seed)})
    if not rows:
        raise EvaluationError(
            "RankIC by horizon",
            got="no label of a scored session and name",
            want="labels of the scored sessions",
            remedy="Materialise data__labels after the walk's last session.",
        )
    return pl.DataFrame(rows, infer_schema_length=None).sort("model", "horizon_d")


def _figures(daily: pl.DataFrame, horizon_d: int, resamples: int, seed: int) -> dict[str, int | float | None]:
    series = daily.sort("session")["rank_ic"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    known = series[np.isfinite(series)]
    figures: dict[str, int | float | None] = {"horizon_d": horizon_d, "n_days": int(known.size)}
    if not known.size:
        return figures | dict.fromkeys(("rank_ic", "low", "high", "t"))
    interval = stationary_bootstrap_ci(series, horizon_d=horizon_d, resamples=resamples, seed=seed)
    t = newey_west_t(series, horizon_d=horizon_d).t
    found = {"rank_ic": float(known.mean()), "low": interval.low, "high": interval.high, "t": t}
    return figures | {name: value if np.isfinite(value) else None for name, value in found.items()}
