"""One judgement of the gate at a training cut-off: walk forward, compare, and keep what a person wants to look at.

Everything after the cut-off is invisible: features end there, and a label counts only if it was known on its evening.
So is everything from the start of the frozen hold-out on, however late the cut-off. Judging the same cut-off years
later says the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.evaluation.frames import align
from gogoku_pipeline.evaluation.gate import GateContext, Verdict, decide
from gogoku_pipeline.evaluation.ic import rank_ic_by_day
from gogoku_pipeline.evaluation.neutral import EXPOSURES, SECTOR
from gogoku_pipeline.evaluation.ranking import quantile_returns
from gogoku_pipeline.evaluation.summary import summarise
from gogoku_pipeline.registry.evidence import known_by
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.training.config import Progress
from gogoku_pipeline.training.recipes import Recipe
from gogoku_pipeline.training.walk_forward import run_walk_forward, table_rows


@dataclass(frozen=True)
class Contest:
    """Who is judged, against whom.

    Attributes:
        challenger: the recipe that would serve.
        baseline: the bar.
        ladder: naive recipes every model must beat.
        incumbent: the serving champion's recipe; None when that is the baseline.
    """

    challenger: Recipe
    baseline: Recipe
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
    """

    cutoff: date
    verdict: Verdict
    daily_ic: pl.DataFrame
    quantiles: pl.DataFrame
    summary: pl.DataFrame
    scores: pl.DataFrame
    curves: pl.DataFrame


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
        context: universe, leak audit, real or simulated market.
        exposures: see `evaluation.neutral.neutralise`.
        cache_dir: finished fits are kept there and found again.
        progress: advanced by 1 per fit.

    Raises:
        DatasetError: too few sessions for the folds; EvaluationError: nothing to judge.
    """
    folds = terms.folds(data.sessions, cutoff)
    horizon = terms.gate.horizon_d
    known = known_by(data.labels, terms.last_known(cutoff))

    def walked(recipe: Recipe) -> tuple[pl.DataFrame, pl.DataFrame]:
        done = run_walk_forward(recipe, data, folds, terms.seeds, horizon, progress, cache_dir)
        return done.scores, done.ledger

    challenger, ledger = walked(contest.challenger)
    baseline, _ = walked(contest.baseline)
    rungs = [walked(recipe)[0] for recipe in contest.ladder]
    incumbent = walked(contest.incumbent)[0] if contest.incumbent else None
    verdict = decide(
        challenger,
        baseline,
        pl.concat(rungs) if rungs else None,
        incumbent,
        known,
        exposures,
        terms.gate,
        context,
    )
    every = pl.concat([challenger, baseline, *rungs])
    scores = every.filter(pl.col("is_counted"))
    aligned = align(scores, known, terms.gate.label, context.universe)
    return Judgement(
        cutoff=cutoff,
        verdict=verdict,
        daily_ic=_over_seeds(rank_ic_by_day(aligned, min_names=terms.gate.min_names)),
        quantiles=quantile_returns(aligned.filter(pl.col("model").is_in([verdict.challenger, verdict.baseline]))),
        summary=summarise(scores, known, universe=context.universe, exposures=exposures),
        scores=table_rows(every, cutoff),
        curves=validation_curves(ledger),
    )


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
