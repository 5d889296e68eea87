"""Who meets whom at a training cut-off, and every one of them walked forward once.

Belongs here: the contest, its walks, which of the baselines is the bar. Does not belong here: judging (`judging`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.frames import align
from gogoku_pipeline.evaluation.ic import rank_ic_by_day
from gogoku_pipeline.evaluation.verdict import Criterion, GateContext
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.training.config import Progress
from gogoku_pipeline.training.recipes import Recipe
from gogoku_pipeline.training.walk_forward import WalkForwardResult, run_walk_forward


@dataclass(frozen=True)
class Contest:
    """Who is judged, against whom.

    Attributes:
        challengers: the recipes that would serve, told apart by name; their order settles a tie.
        baselines: the recipes of the bar; the one with the highest mean RankIC on the counted days is it. Chosen with
            hindsight, the bar is never lower than an honest choice among them, so the choice can only hold a
            challenger back.
        ladder: naive recipes every model must beat.
        incumbent: recipe of the champion before the cut-off; None when that is the baseline. It may be one of the
            challengers, and then is not compared with itself.
    """

    challengers: tuple[Recipe, ...]
    baselines: tuple[Recipe, ...]
    ladder: tuple[Recipe, ...] = ()
    incumbent: Recipe | None = None

    def __post_init__(self) -> None:
        """Refuse a contest of nobody, or of two that cannot be told apart."""
        names = [recipe.name for recipe in self.challengers]
        if not names or len(set(names)) < len(names):
            raise ConfigError(
                "contest",
                got=f"challengers {names}",
                want="at least one, each with a name of its own",
                remedy="Name each challenger once.",
            )

    @property
    def everybody(self) -> tuple[Recipe, ...]:
        """Every recipe that walks, each once, in the order in which they are walked."""
        found = {recipe.name: recipe for recipe in (*self.challengers, *self.baselines, *self.ladder)}
        if self.incumbent is not None:
            found.setdefault(self.incumbent.name, self.incumbent)
        return tuple(found.values())

    def walked(
        self,
        data: TrainingData,
        cutoff: date,
        terms: Terms,
        cache_dir: Path | None = None,
        progress: Progress | None = None,
    ) -> Walks:
        """Everybody walked forward over the same folds; see `training.walk_forward.run_walk_forward`."""
        folds = terms.folds(data.sessions, cutoff)

        def walk(recipe: Recipe) -> WalkForwardResult:
            return run_walk_forward(recipe, data, folds, terms.seeds, terms.gate.horizon_d, progress, cache_dir)

        challengers = {recipe.name: walk(recipe) for recipe in self.challengers}
        baselines = tuple(walk(recipe).scores for recipe in self.baselines)
        rungs = tuple(walk(recipe).scores for recipe in self.ladder)
        if self.incumbent is None:
            return Walks(challengers, baselines, rungs)
        served = challengers.get(self.incumbent.name) or walk(self.incumbent)
        return Walks(challengers, baselines, rungs, served.scores)


@dataclass(frozen=True)
class Walks:
    """A contest walked forward.

    Attributes:
        challengers: by name.
        baselines: scores of each baseline.
        ladder: scores of each naive recipe.
        incumbent: scores of the incumbent, be it a challenger or not.
    """

    challengers: Mapping[str, WalkForwardResult]
    baselines: tuple[pl.DataFrame, ...]
    ladder: tuple[pl.DataFrame, ...] = ()
    incumbent: pl.DataFrame | None = None

    @property
    def every(self) -> pl.DataFrame:
        """Scores of everybody who could serve, and of the naive recipes."""
        return pl.concat([*(walk.scores for walk in self.challengers.values()), *self.baselines, *self.ladder])

    @property
    def naive(self) -> pl.DataFrame | None:
        """Scores of the naive recipes; None without any."""
        return pl.concat(self.ladder) if self.ladder else None


def stronger(
    walks: Sequence[pl.DataFrame], known: pl.DataFrame, terms: Terms, context: GateContext
) -> tuple[pl.DataFrame, Criterion]:
    """The walk that is the bar, and which it is and why in words.

    Args:
        walks: scores of one model each, of the same folds.
        known: labels that may be looked at.
        terms: horizon, label, least names.
        context: universe.

    Returns:
        The walk with the highest mean RankIC, seeds averaged by rank, over the days on which all of them rank (the
        first of equals), and a criterion that is reported and never gated.
    """
    means: dict[str, float] = {}
    days = pl.concat(
        rank_ic_by_day(
            align(ensemble_scores(walk), known, terms.gate.label, context.universe), min_names=terms.gate.min_names
        )
        for walk in walks
    ).filter(pl.col("rank_ic").is_finite() & (pl.col("horizon_d") == terms.gate.horizon_d))
    common = days.filter(pl.len().over("session") == len(walks))
    for walk in walks:
        ics = common.filter(model=walk["model"][0])["rank_ic"].to_numpy()
        means[str(walk["model"][0])] = float(ics.mean()) if ics.size else float("-inf")
    best = max(means, key=lambda name: means[name])
    others = {name: mean for name, mean in means.items() if name != best}
    words = (
        f"reported, not gated: {best} counts, mean RankIC {means[best]:.4f} over {common['session'].n_unique()} days"
    )
    words += "".join(f", against {mean:.4f} of {name}" for name, mean in others.items())
    counts = Criterion("baseline_choice", means[best], max(others.values(), default=float("nan")), None, words)
    return next(walk for walk in walks if walk["model"][0] == best), counts
