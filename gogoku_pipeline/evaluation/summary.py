"""One line per model: everything a person asks first, each figure beside its yardstick.

Figures are per day first, then over days. A day without a ranking (constant scores, too few names) is counted in
`n_days_without_ic` and left out of the means, never treated as 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.core.sessions import SESSIONS_PER_YEAR
from gogoku_pipeline.evaluation.dispersion import dispersion_by_day
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.frames import align
from gogoku_pipeline.evaluation.ic import MIN_NAMES, rank_ic_by_day
from gogoku_pipeline.evaluation.neutral import neutralise
from gogoku_pipeline.evaluation.ranking import ranking_by_day, wilson_interval
from gogoku_pipeline.evaluation.significance import newey_west_t, stationary_bootstrap_ci

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SummaryConfig:
    """How the summary is computed.

    Attributes:
        label: exact name of the label column.
        min_names: days with fewer judged names have no RankIC.
        resamples: resampled series per interval.
        seed: of the bootstrap.
    """

    label: str = "ret_open"
    min_names: int = MIN_NAMES
    resamples: int = 2000
    seed: int = 0


def summarise(
    scores: pl.DataFrame,
    labels: pl.DataFrame,
    *,
    universe: pl.DataFrame | None = None,
    exposures: pl.DataFrame | None = None,
    config: SummaryConfig = SummaryConfig(),
) -> pl.DataFrame:
    """The table of models: RankIC with its uncertainty, precision, spread, hit rate, collapse.

    Args:
        scores: [model, seed?, session, code, horizon_d, score, is_counted?]; several seeds are judged as the mean of
            their ranks, and dispersion counts degenerate days over all seeds.
        labels: [session, code, horizon_d, <label>].
        universe: [session, code, is_tradable]; None judges every scored row.
        exposures: see `neutral.neutralise`; None leaves the neutralised columns null.
        config: label, minimum of names, bootstrap.

    Returns:
        One row per (model, horizon_d), best RankIC first; columns are written out in `_row`.

    Raises:
        EvaluationError: see `frames.align`; also when no day of any model can be judged.
    """
    named = scores if "model" in scores.columns else scores.with_columns(pl.lit("model").alias("model"))
    together = ensemble_scores(named)
    aligned = align(together, labels, config.label, universe)
    neutral = _neutral_by_day(together, labels, universe, exposures, config)
    degenerate = dispersion_by_day(named)
    rows = []
    for (model, horizon), of_model in aligned.group_by(["model", "horizon_d"], maintain_order=True):
        mine = (pl.col("model") == model) & (pl.col("horizon_d") == horizon)
        rows.append(
            {"model": model, "horizon_d": horizon}
            | _row(of_model, int(str(horizon)), config)
            | _neutral_row(neutral.filter(mine), int(str(horizon)))
            | {
                "n_degenerate_days": int(degenerate.filter(mine)["is_degenerate"].sum()),
                "unique_ratio": degenerate.filter(mine)["unique_ratio"].mean(),
            }
        )
    table = pl.DataFrame(rows, infer_schema_length=None)
    if table["n_days"].sum() == 0:
        raise EvaluationError(
            "summary",
            got=f"no day with a ranking among {table['n_days_without_ic'].sum()}",
            want="scores that differ and labels that are known",
            remedy="Check that labels are old enough to be known and that the model has not collapsed.",
        )
    return table.sort("rank_ic_mean", descending=True, nulls_last=True)


def icir(series: FloatArray) -> float:
    """Mean divided by standard deviation (ddof 1) of a daily RankIC without NaN; NaN for fewer than two days."""
    return float(series.mean() / spread) if series.size > 1 and (spread := series.std(ddof=1)) > 0 else math.nan


def _row(aligned: pl.DataFrame, horizon_d: int, config: SummaryConfig) -> dict[str, float | int | None]:
    daily = rank_ic_by_day(aligned, min_names=config.min_names)
    series = daily["rank_ic"].to_numpy()
    known = series[np.isfinite(series)]
    t = newey_west_t(series, horizon_d=horizon_d)
    interval = stationary_bootstrap_ci(series, horizon_d=horizon_d, resamples=config.resamples, seed=config.seed)
    ranked = ranking_by_day(aligned)
    low, high = wilson_interval(int(ranked["hits"].sum()), int(ranked["hit_names"].sum()))
    spread = newey_west_t(ranked["spread"].to_numpy(), horizon_d=horizon_d)
    return {
        "n_days": known.size,
        "n_days_without_ic": series.size - known.size,
        "rank_ic_mean": float(known.mean()) if known.size else None,
        "rank_ic_std": float(known.std(ddof=1)) if known.size > 1 else None,
        "rank_icir": icir(known),
        "rank_icir_annual": icir(known) * math.sqrt(SESSIONS_PER_YEAR / horizon_d),
        "rank_ic_t": t.t,
        "rank_ic_low": interval.low,
        "rank_ic_high": interval.high,
        "p_at_10pct": _mean(ranked, "p_at_10pct"),
        "p_at_10pct_random": _mean(ranked, "p_at_10pct_random"),
        "p_at_50": _mean(ranked, "p_at_50"),
        "p_at_50_random": _mean(ranked, "p_at_50_random"),
        "spread": spread.mean,
        "spread_t": spread.t,
        "hit_rate": _mean(ranked, "hit_rate"),
        "hit_rate_random": _mean(ranked, "hit_rate_random"),
        "hit_rate_low": low,
        "hit_rate_high": high,
    }


def _neutral_by_day(
    scores: pl.DataFrame,
    labels: pl.DataFrame,
    universe: pl.DataFrame | None,
    exposures: pl.DataFrame | None,
    config: SummaryConfig,
) -> pl.DataFrame:
    if exposures is None:
        return pl.DataFrame(schema={"model": pl.String, "horizon_d": pl.Int16, "rank_ic": pl.Float64})
    return rank_ic_by_day(
        align(neutralise(scores, exposures), labels, config.label, universe), min_names=config.min_names
    )


def _neutral_row(daily: pl.DataFrame, horizon_d: int) -> dict[str, float | None]:
    if daily.is_empty():
        return {"neutral_rank_ic_mean": None, "neutral_rank_ic_t": None}
    t = newey_west_t(daily["rank_ic"].to_numpy(), horizon_d=horizon_d)
    return {"neutral_rank_ic_mean": t.mean, "neutral_rank_ic_t": t.t}


def _mean(frame: pl.DataFrame, name: str) -> float | None:
    value = frame[name].drop_nulls().drop_nans().mean()
    return float(value) if isinstance(value, float) else None
