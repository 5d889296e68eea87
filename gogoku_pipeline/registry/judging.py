"""One judgement of the gate at a training cut-off: walk forward, compare, and keep what a person wants to look at.

Several challengers of one cut-off meet the same walk of the same baselines and naive models, which are fitted once.
The gate judges each of them alone, at a level for all of them together; at most one is promoted. Every challenger's
fits count as trials in every challenger's deflated Sharpe ratio.

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
from gogoku_pipeline.evaluation.choice import one_promotion
from gogoku_pipeline.evaluation.comparison import compare
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.frames import align
from gogoku_pipeline.evaluation.gate import GateContext, Verdict, decide
from gogoku_pipeline.evaluation.ic import rank_ic_by_day
from gogoku_pipeline.evaluation.neutral import EXPOSURES, SECTOR
from gogoku_pipeline.evaluation.ranking import quantile_returns
from gogoku_pipeline.evaluation.summary import summarise
from gogoku_pipeline.evaluation.verdict import Criterion, GateConfig
from gogoku_pipeline.registry.contest import Contest, Walks, stronger
from gogoku_pipeline.registry.evidence import known_by
from gogoku_pipeline.registry.interval_coverage import coverage_gap
from gogoku_pipeline.registry.luck import Tried, apart, deflated, overfitting, trials_of
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.training.config import Progress
from gogoku_pipeline.training.walk_forward import WalkForwardResult, table_rows


@dataclass(frozen=True)
class Judgement:
    """What the gate said and what it saw.

    Attributes:
        cutoff: session after which nothing was looked at.
        verdicts: the gate's answer to each challenger with every criterion, in the contest's order; one of them at
            most is a promotion.
        daily_ic: [model, session, rank_ic ...] outside the embargo, seeds averaged.
        quantiles: `ranking.quantile_returns` per model.
        summary: `summary.summarise` of all models.
        scores: every out-of-sample score, as rows of `eval__walk_forward` for this cut-off.
        curves: [curve, step, value], validation RankIC of the challengers' fits.
        trials: every fit of the recipes that could serve, for the ledger.
    """

    cutoff: date
    verdicts: tuple[Verdict, ...]
    daily_ic: pl.DataFrame
    quantiles: pl.DataFrame
    summary: pl.DataFrame
    scores: pl.DataFrame
    curves: pl.DataFrame
    trials: tuple[Tried, ...]

    @property
    def promoted(self) -> Verdict | None:
        """The verdict that promotes; None where nobody is promoted."""
        return next((verdict for verdict in self.verdicts if verdict.decision == "promote"), None)

    @property
    def contestants(self) -> tuple[str, ...]:
        """Names of the challengers and of the baseline that is their bar."""
        return (*(verdict.challenger for verdict in self.verdicts), self.verdicts[0].baseline)


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
        terms: fixed beforehand; how many challengers there are is added to the gate's, and counts.
        context: universe, leak audit, real or simulated market, ledger of trials. Coverage of each challenger's
            intervals is measured here where the context does not say it.
        exposures: see `evaluation.neutral.neutralise`.
        cache_dir: finished fits are kept there and found again.
        progress: advanced by 1 per fit.

    Raises:
        DatasetError: too few sessions for the folds; EvaluationError: nothing to judge; TrainingError: a recipe
            failed on a fold, which is named.
    """
    known = known_by(data.labels, terms.last_known(cutoff))
    walks = contest.walked(data, cutoff, terms, cache_dir, progress)
    gate = replace(terms.gate, family=len(contest.challengers))
    bar, choice = stronger(walks.baselines, known, terms, context)
    scores = walks.every.filter(pl.col("is_counted"))
    aligned = align(scores, known, gate.label, context.universe)
    daily_ic = _over_seeds(rank_ic_by_day(aligned, min_names=gate.min_names))
    could_serve = (*contest.challengers, *contest.baselines)
    tried = trials_of(could_serve, aligned, data.panel.catalogue_hash, gate.horizon_d)
    risk = overfitting(daily_ic)
    name = None if contest.incumbent is None else contest.incumbent.name
    verdicts = []
    for challenger, walk in walks.challengers.items():
        measured = _with_coverage(context, walk, data, terms, known)
        incumbent = None if challenger == name else walks.incumbent
        verdict = decide(walk.scores, bar, walks.naive, incumbent, known, exposures, gate, measured)
        luck = _luck(walk, known, terms, context, tried)
        verdicts.append(replace(verdict, criteria=(*verdict.criteria, choice, luck, risk)))
    contestants = (*walks.challengers, verdicts[0].baseline)
    return Judgement(
        cutoff=cutoff,
        verdicts=_one_of(verdicts, walks, name, known, gate, context),
        daily_ic=daily_ic,
        quantiles=quantile_returns(aligned.filter(pl.col("model").is_in(contestants))),
        summary=summarise(scores, known, universe=context.universe, exposures=exposures),
        scores=table_rows(walks.every, cutoff),
        curves=pl.concat(validation_curves(walk.ledger) for walk in walks.challengers.values()),
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
    walk: WalkForwardResult, known: pl.DataFrame, terms: Terms, context: GateContext, tried: Sequence[Tried]
) -> Criterion:
    """What the ledger of trials says about a challenger's luck; the fits of all challengers are among the trials."""
    judged = align(ensemble_scores(walk.scores), known, terms.gate.label, context.universe)
    return deflated(apart(judged, terms.gate.horizon_d), tried, context.trials)


def _one_of(
    verdicts: Sequence[Verdict],
    walks: Walks,
    incumbent: str | None,
    known: pl.DataFrame,
    gate: GateConfig,
    context: GateContext,
) -> tuple[Verdict, ...]:
    """At most one promotion: those that pass beside the incumbent are paired with it, at the family's level."""
    passing = [verdict.challenger for verdict in verdicts if verdict.decision == "promote"]
    over = {}
    if incumbent is not None and incumbent in passing:
        level = replace(gate, level=gate.paired_level)
        for other in passing:
            pair = (walks.challengers[other].scores, walks.challengers[incumbent].scores)
            if other != incumbent:
                found = compare(*pair, known, (other, incumbent), level, universe=context.universe)
                over[other] = found.difference
    return one_promotion(verdicts, incumbent, over)


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
            pl.format("{} {} fold {} seed {}", "model", "figure", "fold", "seed").alias("curve"),
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
