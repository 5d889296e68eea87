"""Which parts of a design earn their place: each block turned, each group of features taken away, judged out of sample.

Every variant and the reference are fitted with the same seeds on the same folds and judged by the daily RankIC of the
same counted sessions; differences are paired by day. A variant is a fit that could have been chosen, so every one of
them is a trial in the ledger. Fits are kept one by one (`walk_forward`): an ablation that was interrupted goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.errors import ConfigError, TrainingError
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.narrowed import narrowed, narrowed_hash
from gogoku_pipeline.dataset.splits import Fold
from gogoku_pipeline.evaluation.ic import daily_rank_ic
from gogoku_pipeline.evaluation.significance import paired_differences, stationary_bootstrap_ci
from gogoku_pipeline.evaluation.trials import Trial
from gogoku_pipeline.training.ablation_table import NOTHING, Judged, days_and_seeds
from gogoku_pipeline.training.config import Progress
from gogoku_pipeline.training.measured import COST_EPOCH, Measured
from gogoku_pipeline.training.variants import REFERENCE, Variant, Variants
from gogoku_pipeline.training.walk_forward import run_walk_forward

Floats = npt.NDArray[np.float64]
MIN_SEEDS = 3
"""Fewer seeds do not tell what luck of the draw is."""
_log = logger("training")
Record = Callable[[Trial], None]


@dataclass(frozen=True)
class Ablation:
    """What is turned, and by what it is judged.

    Attributes:
        variants: the reference and what is trained beside it.
        folds: the walk; `counted` sessions are judged.
        seeds: at least three.
        horizon_d: judged horizon.
        label: judged label.
        level: of the intervals.
        resamples: of the bootstrap.
    """

    variants: Variants
    folds: tuple[Fold, ...]
    seeds: tuple[int, ...]
    horizon_d: int
    label: str = "ret_open"
    level: float = 0.95
    resamples: int = 2000

    def __post_init__(self) -> None:
        """Refuse too few seeds."""
        if len(set(self.seeds)) < MIN_SEEDS:
            raise ConfigError(
                "ablation",
                got=f"seeds {self.seeds}",
                want=f"at least {MIN_SEEDS} different ones: one fit against another is luck against luck",
                remedy="Name more seeds.",
            )


def ablate(
    asked: Ablation,
    data: TrainingData,
    record: Record,
    *,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
) -> list[Judged]:
    """Fit and judge every variant.

    Args:
        asked: variants, folds, seeds, terms.
        data: panel and labels.
        record: receives every trial before it is fitted, so that none is forgotten.
        cache_dir: where finished fits are kept for a restart; None keeps nothing.
        progress: advanced by 1 per fit.

    Returns:
        One row per variant, the reference first. A variant that could not be fitted says why; the reference must fit.

    Raises:
        TrainingError: the reference cannot be fitted. DatasetError, LeakError: see `run_walk_forward`.
    """
    found: list[Judged] = []
    daily: dict[str, pl.DataFrame] = {}
    for variant in asked.variants.tried:
        for seed in asked.seeds if variant.recipe.is_seeded else asked.seeds[:1]:
            record(Trial(variant.recipe.name, variant.recipe.config_hash, _features(data, variant), seed))
        try:
            daily[variant.name], cost = _walked(asked, variant, data, cache_dir, progress)
        except TrainingError as problem:
            if variant.name == REFERENCE:
                raise
            _log.warning("%s failed: %s", variant.name, problem)
            found.append(Judged(variant, NOTHING, failure=str(problem)))
            continue
        found.append(_judged(asked, variant, daily, cost))
        _log.info("%s: RankIC %.4f, %s", variant.name, found[-1].rank_ic.mean, found[-1].verdict)
    return found


def _features(data: TrainingData, variant: Variant) -> str:
    """Hash of the features a variant is shown."""
    panel = data.panel
    return (
        narrowed_hash(panel.catalogue_hash, panel.names, variant.dropped) if variant.dropped else panel.catalogue_hash
    )


def _walked(
    asked: Ablation, variant: Variant, data: TrainingData, cache_dir: Path | None, progress: Progress | None
) -> tuple[pl.DataFrame, Mapping[str, float]]:
    """Daily RankIC of every seed on the counted sessions, and what the fits cost."""
    recipe = Measured(variant.recipe)
    watched = None if progress is None else _Named(progress, variant.name)
    walk = (asked.folds, asked.seeds, asked.horizon_d, watched, cache_dir)
    if variant.dropped:
        with TemporaryDirectory(prefix="narrowed-", dir=data.panel.path.parent) as folder:
            narrow = data.on(narrowed(data.panel, variant.dropped, Path(folder)))
            result = run_walk_forward(recipe, narrow, *walk)
    else:
        result = run_walk_forward(recipe, data, *walk)
    daily = daily_rank_ic(result.scores.filter("is_counted"), data.labels, asked.label)
    costs = result.ledger.filter(pl.col("epoch") == COST_EPOCH).group_by("figure").agg(pl.col("value"))
    told = {figure: np.asarray(values) for figure, values in costs.iter_rows()}
    cost = {"cpu_seconds": float(told["cpu_seconds"].sum()), "parameters": float(told["parameters"].max())}
    return daily.pivot("seed", index="session", values="rank_ic").sort("session"), cost


def _judged(asked: Ablation, variant: Variant, daily: Mapping[str, pl.DataFrame], cost: Mapping[str, float]) -> Judged:
    """A variant beside what it is compared with."""
    own = daily[variant.name]
    terms: dict[str, Any] = {"horizon_d": asked.horizon_d, "level": asked.level, "resamples": asked.resamples}
    told = Judged(
        variant,
        stationary_bootstrap_ci(_by_seed(own).mean(axis=0), **terms),
        parameters=int(cost["parameters"]),
        cpu_seconds=cost["cpu_seconds"],
    )
    if variant.name == REFERENCE:
        return told
    if variant.against not in daily:
        return replace(told, failure=f"{variant.against}, which it is compared with, failed")
    pair = own.select("session").join(daily[variant.against], on="session", how="left").sort("session")
    mine, other = _by_seed(own), _by_seed(pair)
    difference = stationary_bootstrap_ci(paired_differences(mine.mean(axis=0), other.mean(axis=0)), **terms)
    by_seed = np.nanmean(mine - other, axis=1)
    both = days_and_seeds(difference, by_seed, asked.level)
    return replace(told, difference=difference, both=both, by_seed=tuple(float(value) for value in by_seed))


def _by_seed(daily: pl.DataFrame) -> Floats:
    """RankIC [S, D] of a frame with one column per seed."""
    return daily.drop("session").to_numpy().T.astype(np.float64)


@dataclass(frozen=True)
class _Named:
    """Somebody who watches, told which variant it is."""

    progress: Progress
    name: str

    def advance(self, n: int, text: str) -> None:
        self.progress.advance(n, f"{self.name}; {text}")
