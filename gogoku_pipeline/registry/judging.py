"""One judgement of the gate at a training cut-off: walk forward, compare, and keep what a person wants to look at.

Everything after the cut-off is invisible: features end there, and a label counts only if it was known on its evening.
So is everything from the start of the frozen hold-out on, however late the cut-off. Judging the same cut-off years
later says the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.frames import align
from gogoku_pipeline.evaluation.gate import GateContext, Verdict, decide
from gogoku_pipeline.evaluation.ic import rank_ic_by_day
from gogoku_pipeline.evaluation.neutral import EXPOSURES, SECTOR
from gogoku_pipeline.evaluation.ranking import quantile_returns
from gogoku_pipeline.evaluation.summary import summarise
from gogoku_pipeline.evaluation.verdict import Criterion
from gogoku_pipeline.registry.evidence import known_by
from gogoku_pipeline.registry.interval_coverage import coverage_gap
from gogoku_pipeline.registry.luck import Tried, apart, deflated, overfitting, trials_of
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.training.config import Progress
from gogoku_pipeline.training.recipes import Recipe
from gogoku_pipeline.training.walk_forward import WalkForwardResult, run_walk_forward, table_rows


@dataclass(frozen=True)
class Contest:
    """Who is judged, against whom.

    Attributes:
        challenger: the recipe that would serve.
        baselines: the recipes of the bar; the one with the highest mean RankIC on the counted days is it. Chosen with
            hindsight, the bar is never lower than an honest choice among them, so the choice can only hold a
            challenger back.
        ladder: naive recipes every model must beat.
        incumbent: the serving champion's recipe; None when that is the baseline.
    """

    challenger: Recipe
    baselines: tuple[Recipe, ...]
    ladder: tuple[Recipe, ...] = ()
    incumbent: Recipe | None = None


@dataclass(frozen=True)
class Judgement:
    """What the gate said and what it saw.

    Attributes:
        cutoff: session after which nothing was looked at.
        verdict: the gate's answer with every criterion.
        daily_ic: [model, session, rank_ic ...] outside the embargo, seeds averaged.
        quantiles: `ranking.quantile_returns` per model.
        summary: `summary.summarise` of all models.
        scores: every out-of-sample score, as rows of `eval__walk_forward` for this cut-off.
        curves: [curve, step, value], validation RankIC of the challenger's fits.
        trials: every fit of the recipes that could serve, for the ledger.
    """

    cutoff: date
    verdict: Verdict
    daily_ic: pl.DataFrame
    quantiles: pl.DataFrame
    summary: pl.DataFrame
    scores: pl.DataFrame
    curves: pl.DataFrame
    trials: tuple[Tried, ...]


def judge(
    contest: Contest,
    data: TrainingData,
    cutoff: date,
    terms: Terms,
    context: GateContext,
    *,
    exposures: pl.DataFrame | None,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
) -> Judgement:
    """Walk every recipe forward up to a cut-off and let the gate decide.

    Args:
        contest: who is judged.
        data: panel and labels.
        cutoff: last session anything may be known of.
        terms: fixed beforehand.
        context: universe, leak audit, real or simulated market, ledger of trials. Coverage of the challenger's
            intervals is measured here where the context does not say it.
        exposures: see `evaluation.neutral.neutralise`.
        cache_dir: finished fits are kept there and found again.
        progress: advanced by 1 per fit.

    Raises:
        DatasetError: too few sessions for the folds; EvaluationError: nothing to judge; TrainingError: a recipe
            failed on a fold, which is named.
    """
    folds = terms.folds(data.sessions, cutoff)
    known = known_by(data.labels, terms.last_known(cutoff))

    def walked(recipe: Recipe) -> WalkForwardResult:
        return run_walk_forward(recipe, data, folds, terms.seeds, terms.gate.horizon_d, progress, cache_dir)

    walk = walked(contest.challenger)
    baselines = [walked(recipe).scores for recipe in contest.baselines]
    rungs = [walked(recipe).scores for recipe in contest.ladder]
    baseline, choice = stronger(baselines, known, terms, context)
    naive = pl.concat(rungs) if rungs else None
    incumbent = walked(contest.incumbent).scores if contest.incumbent else None
    measured = _with_coverage(context, walk, data, terms, known)
    verdict = decide(walk.scores, baseline, naive, incumbent, known, exposures, terms.gate, measured)
    every = pl.concat([walk.scores, *baselines, *rungs])
    scores = every.filter(pl.col("is_counted"))
    aligned = align(scores, known, terms.gate.label, context.universe)
    daily_ic = _over_seeds(rank_ic_by_day(aligned, min_names=terms.gate.min_names))
    could_serve = (contest.challenger, *contest.baselines)
    tried = trials_of(could_serve, aligned, data.panel.catalogue_hash, terms.gate.horizon_d)
    luck = _luck(walk, daily_ic, known, terms, context, tried)
    return Judgement(
        cutoff=cutoff,
        verdict=replace(verdict, criteria=(*verdict.criteria, choice, *luck)),
        daily_ic=daily_ic,
        quantiles=quantile_returns(aligned.filter(pl.col("model").is_in([verdict.challenger, verdict.baseline]))),
        summary=summarise(scores, known, universe=context.universe, exposures=exposures),
        scores=table_rows(every, cutoff),
        curves=validation_curves(walk.ledger),
        trials=tuple(tried),
    )


def _with_coverage(
    context: GateContext, walk: WalkForwardResult, data: TrainingData, terms: Terms, known: pl.DataFrame
) -> GateContext:
    """The context with the measured coverage of the challenger's intervals, unless it says one already."""
    if context.calibration_gap is not None:
        return context
    gap = coverage_gap(walk, data, terms.gate.horizon_d, known, context.universe)
    return replace(context, calibration_gap=gap)


def _luck(
    walk: WalkForwardResult,
    daily_ic: pl.DataFrame,
    known: pl.DataFrame,
    terms: Terms,
    context: GateContext,
    tried: Sequence[Tried],
) -> tuple[Criterion, Criterion]:
    """What the ledger of trials and the other designs say about the challenger's luck."""
    judged = align(ensemble_scores(walk.scores), known, terms.gate.label, context.universe)
    return deflated(apart(judged, terms.gate.horizon_d), tried, context.trials), overfitting(daily_ic)


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


def exposures_of(prices: pl.DataFrame, market: pl.DataFrame, universe: pl.DataFrame) -> pl.DataFrame:
    """Size, risk and sector of every stock, as far as the feature tables have them.

    Args:
        prices: `feat__prices`.
        market: `feat__market`.
        universe: `core__universe`.

    Returns:
        [session, code, those of EXPOSURES that exist, sector33_code].
    """
    key = ["session", "code"]
    frame = universe.select(*key, SECTOR)
    for features in (prices, market):
        held = [name for name in EXPOSURES if name in features.columns]
        frame = frame.join(features.select(*key, *held), on=key, how="left")
    return frame


def validation_curves(ledger: pl.DataFrame) -> pl.DataFrame:
    """[curve, step, value]: the validation RankIC of every fit of a walk, epoch by epoch."""
    return (
        ledger.filter(pl.col("figure").str.contains("rank_ic"))
        .select(
            pl.format("{} fold {} seed {}", "figure", "fold", "seed").alias("curve"),
            pl.col("epoch").alias("step"),
            "value",
        )
        .sort("curve", "step")
    )


def _over_seeds(daily: pl.DataFrame) -> pl.DataFrame:
    """One value per model and day: the mean over seeds."""
    return (
        daily.group_by("model", "session", "horizon_d")
        .agg(pl.col("rank_ic").fill_nan(None).mean())
        .sort("model", "session", "horizon_d")
    )
