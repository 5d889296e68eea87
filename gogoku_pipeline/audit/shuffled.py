"""Part 6, shuffled labels: a model that learnt nothing but noise predicts nothing, or it knows the future otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl
from scipy.stats import norm as normal
from scipy.stats import t as student

from gogoku_pipeline.audit.case import Answer, Case
from gogoku_pipeline.core.seeds import derive_seed
from gogoku_pipeline.evaluation.ic import daily_rank_ic
from gogoku_pipeline.evaluation.significance import TStatistic, newey_west_t
from gogoku_pipeline.features.laws import Violation
from gogoku_pipeline.training.recipes import TARGET, Recipe, over_windows

PERMUTATIONS = 5
LIMIT = 2.0
"""Standard errors of a known deviation. One run of an honest model exceeds them one time in twenty; the median of five,
if runs were independent, one time in 900 (they share their test days, so rather more often)."""


def limit(days: int) -> float:
    """What LIMIT is where the deviation is estimated from so many days: Student's quantile of the same chance."""
    return float(student.ppf(normal.cdf(LIMIT), max(days - 1, 1)))


def shuffled_labels(case: Case) -> Answer:
    """Trained on labels dealt out anew within each day, a model's RankIC lies within 2 standard errors of zero.

    Only the sessions that are learnt from are dealt out; the test is judged by what truly happened. The shortest
    horizon is learnt: its labels overlap least, so that the Newey-West error of a few dozen days can be believed. The
    verdict is the median of PERMUTATIONS runs, so that chance alone seldom blocks.
    """
    found: list[Violation] = []
    compared = 0
    for recipe in case.road.recipes:
        runs = [_one(case, recipe, number) for number in range(PERMUTATIONS)]
        compared += sum(run.n for run in runs)
        if sum(np.isfinite(run.t) for run in runs) < PERMUTATIONS:
            continue
        median = sorted(runs, key=lambda run: abs(run.t))[PERMUTATIONS // 2]
        if abs(median.t) >= limit(median.n):
            words = f"RankIC {median.mean:+.3f} is {abs(median.t):.1f} standard errors from zero over {median.n} days"
            found.append(Violation("shuffled_labels", recipe.name, case.fold.counted[0], "", words))
    return found, compared


def _one(case: Case, recipe: Recipe, number: int) -> TStatistic:
    """RankIC of one permutation over the days that count."""
    fold, horizon = case.fold, int(case.learning.labels["horizon_d"].min())  # type: ignore[arg-type]
    seed = derive_seed(case.seed, "shuffled labels", number)
    data = case.learning
    dealt = permuted(data.labels, [*fold.train, *fold.validation], seed)
    noisy = case.road.serve(data.panel, dealt)
    fitted = over_windows(recipe, noisy, [fold.train]).fit(noisy, fold.train, fold.validation, seed, horizon)
    daily = daily_rank_ic(fitted.score(noisy, fold.counted), data.labels)
    return newey_west_t(daily["rank_ic"].to_numpy(), horizon_d=horizon)


def permuted(labels: pl.DataFrame, sessions: Sequence[date], seed: int) -> pl.DataFrame:
    """Targets of some sessions dealt out anew among the stocks that have one, day by day and horizon by horizon."""
    hit = pl.col("session").is_in(list(sessions)) & pl.col(TARGET).is_not_null()
    chosen = labels.filter(hit).sort("session", "horizon_d", "code")
    order = chosen.with_columns(pl.Series("_lot", np.random.default_rng(seed).random(chosen.height)))
    dealt = order.sort("session", "horizon_d", "_lot")[TARGET]
    return pl.concat([labels.filter(~hit), chosen.with_columns(dealt.alias(TARGET))])
