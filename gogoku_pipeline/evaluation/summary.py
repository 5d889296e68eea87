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
from gogoku_pipeline.evaluation.daily import DailyConfig, daily_metrics
from gogoku_pipeline.evaluation.ic import MIN_NAMES
from gogoku_pipeline.evaluation.ranking import net_of_costs, wilson_interval
from gogoku_pipeline.evaluation.significance import minimum_detectable_effect, newey_west_t, stationary_bootstrap_ci

FloatArray = npt.NDArray[np.float64]

MEANS = (
    "coverage", "ndcg_at_10pct", "ndcg_at_10pct_random", "ndcg_at_50", "ndcg_at_50_random", "p_at_10pct",
    "p_at_10pct_random", "p_at_50", "p_at_50_random", "p_at_10pct_positive", "p_at_10pct_positive_random",
    "wil_at_10pct", "wil_at_10pct_random", "hit_rate", "hit_rate_random", "turnover", "mae", "rmse", "rmse_naive",
    "r2", "std_ratio", "unique_ratio",
)  # fmt: skip
"""Daily figures whose mean over days is shown under their own name."""


@dataclass(frozen=True)
class SummaryConfig:
    """How the summary is computed.

    Attributes:
        label: exact name of the label column.
        min_names: days with fewer judged names have no RankIC.
        resamples: resampled series per interval.
        seed: of the bootstrap.
        cost_per_side: share of the traded value lost per purchase or sale, for the spread after costs.
    """

    label: str = "ret_open"
    min_names: int = MIN_NAMES
    resamples: int = 2000
    seed: int = 0
    cost_per_side: float = 0.0010


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
            their ranks, and degenerate days are counted over all seeds.
        labels: [session, code, horizon_d, <label>].
        universe: [session, code, is_tradable]; None judges every scored row with a label row.
        exposures: see `neutral.neutralise`; None leaves the neutralised columns null.
        config: label, minimum of names, bootstrap.

    Returns:
        See `summarise_days`.

    Raises:
        EvaluationError: see `daily.daily_metrics`; also when no day of any model can be judged.
    """
    daily = daily_metrics(
        scores, labels, universe=universe, exposures=exposures, config=DailyConfig(config.label, config.min_names)
    )
    return summarise_days(daily, config)


def summarise_days(daily: pl.DataFrame, config: SummaryConfig = SummaryConfig()) -> pl.DataFrame:
    """The table of models from `daily.daily_metrics`.

    Returns:
        One row per (model, horizon_d), best RankIC first: `rank_ic_mean`, `rank_ic_std`, `rank_icir` (mean / std),
        `rank_icir_annual` (x sqrt(245 / h)), `rank_ic_t` (Newey-West), `rank_ic_low`, `rank_ic_high` (stationary
        bootstrap), `minimum_detectable_effect` of these days, the same of the Pearson IC, of the neutralised RankIC
        and of the spread, `spread_net` after costs, the means named in `MEANS`, Wilson's interval of the hit rate,
        the days with and without a ranking, the degenerate ones.

    Raises:
        EvaluationError: no day of any model can be judged.
    """
    judged = daily.filter(pl.col("n_universe") > 0)
    rows = [
        {"model": model, "horizon_d": horizon} | _row(days.sort("session"), int(str(horizon)), config)
        for (model, horizon), days in judged.group_by(["model", "horizon_d"], maintain_order=True)
    ]
    table = pl.DataFrame(rows, infer_schema_length=None)
    if table.is_empty() or table["n_days"].sum() == 0:
        raise EvaluationError(
            "summary",
            got=f"no day with a ranking among {judged.height}",
            want="scores that differ and labels that are known",
            remedy="Check that labels are old enough to be known and that the model has not collapsed.",
        )
    return table.sort("rank_ic_mean", descending=True, nulls_last=True)


def icir(series: FloatArray) -> float:
    """Mean divided by standard deviation (ddof 1) of a daily IC without NaN; NaN for fewer than two days."""
    return float(series.mean() / spread) if series.size > 1 and (spread := series.std(ddof=1)) > 0 else math.nan


def _row(days: pl.DataFrame, horizon_d: int, config: SummaryConfig) -> dict[str, float | int | None]:
    low, high = wilson_interval(int(days["hits"].sum()), int(days["hit_names"].sum()))
    means = {name: _mean(days, name) for name in MEANS}
    spread = newey_west_t(_series(days, "spread"), horizon_d=horizon_d)
    return {
        **_rank_ic(days, horizon_d, config),
        **_ic(days, horizon_d),
        **_neutral(days, horizon_d),
        "spread": spread.mean,
        "spread_t": spread.t,
        "spread_net": net_of_costs(spread.mean, means["turnover"], config.cost_per_side),
        **means,
        "hit_rate_low": low,
        "hit_rate_high": high,
        "n_degenerate_days": int(days["n_degenerate_seeds"].sum()),
    }


def _rank_ic(days: pl.DataFrame, horizon_d: int, config: SummaryConfig) -> dict[str, float | int | None]:
    series = _series(days, "rank_ic")
    known = series[np.isfinite(series)]
    interval = stationary_bootstrap_ci(series, horizon_d=horizon_d, resamples=config.resamples, seed=config.seed)
    return {
        "n_days": known.size,
        "n_days_without_ic": series.size - known.size,
        "rank_ic_mean": float(known.mean()) if known.size else None,
        "rank_ic_std": float(known.std(ddof=1)) if known.size > 1 else None,
        "rank_icir": icir(known),
        "rank_icir_annual": icir(known) * math.sqrt(SESSIONS_PER_YEAR / horizon_d),
        "rank_ic_t": newey_west_t(series, horizon_d=horizon_d).t,
        "rank_ic_low": interval.low,
        "rank_ic_high": interval.high,
        "minimum_detectable_effect": minimum_detectable_effect(interval.standard_error),
    }


def _ic(days: pl.DataFrame, horizon_d: int) -> dict[str, float | None]:
    series = _series(days, "ic")
    known = series[np.isfinite(series)]
    return {
        "ic_mean": float(known.mean()) if known.size else None,
        "icir": icir(known),
        "ic_t": newey_west_t(series, horizon_d=horizon_d).t,
    }


def _neutral(days: pl.DataFrame, horizon_d: int) -> dict[str, float | None]:
    series = _series(days, "neutral_rank_ic")
    if not np.isfinite(series).any():
        return {"neutral_rank_ic_mean": None, "neutral_rank_ic_t": None}
    t = newey_west_t(series, horizon_d=horizon_d)
    return {"neutral_rank_ic_mean": t.mean, "neutral_rank_ic_t": t.t}


def _series(days: pl.DataFrame, name: str) -> FloatArray:
    return days[name].cast(pl.Float64).fill_null(math.nan).to_numpy()


def _mean(days: pl.DataFrame, name: str) -> float | None:
    value = days[name].drop_nulls().drop_nans().mean()
    return float(value) if isinstance(value, float) else None
