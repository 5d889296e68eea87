"""Searching for better dials: three stages, each of which must say go; every fit is a trial that is written down.

Only validation days are looked at (those before each test block), never a test day: what the search finds is a recipe
like any other, and the gate judges it. A search is kept in a journal file: one that was interrupted goes on.

Source: Akiba et al. (KDD 2019), "Optuna"; stages of models.md 5.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from gogoku_pipeline.core.errors import ConfigError, DatasetError, TrainingError
from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.core.seeds import derive_seed
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.splits import Fold
from gogoku_pipeline.evaluation.ic import rank_ic
from gogoku_pipeline.evaluation.trials import Trial
from gogoku_pipeline.training.days import DaySource
from gogoku_pipeline.training.recipe_network import NetworkRecipe
from gogoku_pipeline.training.search_space import Dial, turned, values_of
from gogoku_pipeline.training.stop_rule import StopRule
from gogoku_pipeline.training.validation import baseline_figure, day_metrics

_log = logger("training")
Record = Callable[[Trial], None]


@dataclass(frozen=True)
class Stage:
    """One stage of a search.

    Attributes:
        name: in the journal and in the verdict.
        trials: settings that are tried.
        epochs: most epochs of each fit.
        most_failed: share of trials that may fail before the answer is no-go.
        share_of_bar: part of the bar's figure the best trial must reach for a go; NaN asks for nothing.
    """

    name: str
    trials: int
    epochs: int
    most_failed: float = 0.5
    share_of_bar: float = math.nan


STAGES = (
    Stage("dry", 1, 2, most_failed=0.0),
    Stage("short", 5, 10, share_of_bar=0.5),
    Stage("full", 20, 15, share_of_bar=1.0),
)
"""A dry run that only has to end well, a short look that must come near the bar, the search itself."""


@dataclass(frozen=True)
class StageVerdict:
    """What a stage found.

    Attributes:
        stage: which one.
        best: greatest mean validation figure; NaN where every trial failed or was cut short.
        values: the dials of that trial.
        counts: trials that ended, were cut short, and failed.
        is_go: whether the next stage may begin; of the last one, whether the find is worth judging.
        reason: in words.
    """

    stage: str
    best: float
    values: dict[str, Any]
    counts: tuple[int, int, int]
    is_go: bool
    reason: str


@dataclass(frozen=True)
class Found:
    """What a search leaves behind.

    Attributes:
        recipe: with the best dials of the last stage that ended; None after a no-go.
        verdicts: of each stage that ran.
        bar: validation figure of the bar on the same days.
    """

    recipe: NetworkRecipe | None
    verdicts: tuple[StageVerdict, ...]
    bar: float


@dataclass(frozen=True)
class Question:
    """What is searched on which days.

    Attributes:
        recipe: where the dials stand before.
        space: what may be turned.
        folds: their training and validation days; their test days are never touched.
        horizon_d: judged horizon.
        seed: of the fits and of the search.
        bar: recipe the find is compared with on the same days: ridge, lightgbm or another rung.
    """

    recipe: NetworkRecipe
    space: tuple[Dial, ...]
    folds: tuple[Fold, ...]
    horizon_d: int
    seed: int = 1
    bar: str = "ridge"

    @property
    def hash(self) -> str:
        """What tells one search from another in a journal."""
        days = [[day.isoformat() for day in (*fold.train, *fold.validation)] for fold in self.folds]
        return sha256_json(
            [self.recipe.config_hash, [repr(dial) for dial in self.space], days, self.horizon_d, self.seed]
        )


def search(
    question: Question, data: TrainingData, journal: Path, record: Record, stages: Sequence[Stage] = STAGES
) -> Found:
    """Search in stages, from where the recipe's own dials stand.

    Args:
        question: what is searched on which days.
        data: panel and labels.
        journal: file the trials are kept in; an interrupted search goes on from it.
        record: receives every trial before it is fitted, so that none is forgotten.
        stages: in order; a no-go ends the search.

    Raises:
        DatasetError: no folds. ConfigError: a dial the recipe does not have, an unknown bar.
    """
    if not question.folds:
        raise DatasetError("search", got="no folds", want="at least one", remedy="Make folds with walk_forward.")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal.parent.mkdir(parents=True, exist_ok=True)
    storage = JournalStorage(JournalFileBackend(str(journal)))
    bar, verdicts = _bar(question, data), []
    values = values_of(question.recipe, question.space)
    start = [values] if all(dial.holds(values[dial.name]) for dial in question.space) else []
    for stage in stages:
        study = optuna.create_study(
            storage=storage,
            study_name=f"{question.recipe.name}-{question.hash[:16]}-{stage.name}-{data.panel.key}",
            direction="maximize",
            sampler=optuna.samplers.TPESampler(seed=derive_seed(question.seed, "search", stage.name) % 2**32),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=1),
            load_if_exists=True,
        )
        for promising in start:
            study.enqueue_trial(promising, skip_if_exists=True)
        left = stage.trials - len([trial for trial in study.trials if trial.state.is_finished()])
        if left > 0:
            study.optimize(_Objective(question, data, stage, record), n_trials=left, catch=(TrainingError, ConfigError))
        verdicts.append(verdict_of(stage, study, bar))
        _log.info("search, stage %s: %s", stage.name, verdicts[-1].reason)
        if not verdicts[-1].is_go:
            return Found(None, tuple(verdicts), bar)
        start = _best_of(study, 3)
    return Found(turned(question.recipe, verdicts[-1].values), tuple(verdicts), bar)


class _Objective:
    """Fits one setting on every fold; its value is the mean of the best smoothed validation figures."""

    def __init__(self, question: Question, data: TrainingData, stage: Stage, record: Record) -> None:
        self.question, self.data, self.stage, self.record = question, data, stage, record

    def __call__(self, trial: optuna.Trial) -> float:
        asked, stage = self.question, self.stage
        recipe = turned(asked.recipe, {dial.name: dial.suggested(trial) for dial in asked.space})
        loop = replace(recipe.train, epochs=stage.epochs, smoothing=min(recipe.train.smoothing, stage.epochs))
        recipe = replace(recipe, train=loop)
        self.record(Trial(recipe.name, recipe.config_hash, self.data.panel.catalogue_hash, asked.seed))
        name, figures = f"smoothed_{loop.stop.name}", list[float]()
        for place, fold in enumerate(asked.folds):

            def told(row: Any, place: int = place) -> None:
                trial.report(float(np.mean([*figures, row[name]])), place * stage.epochs + int(row["epoch"]))
                if trial.should_prune():
                    raise optuna.TrialPruned

            fitted = recipe.fit(self.data, fold.train, fold.validation, asked.seed, asked.horizon_d, told)
            figures.append(max(row[name] for row in fitted.ledger if math.isfinite(row[name])))
        return float(np.mean(figures))


def _bar(question: Question, data: TrainingData) -> float:
    """Mean validation figure of the bar over the folds."""
    source = DaySource(data, question.horizon_d, 1, torch.device("cpu"))
    rule = StopRule(metrics=question.recipe.train.stop.metrics, baseline=question.bar)
    figures = [
        baseline_figure(source, fold.train, fold.validation, rule, day_metrics(rank_ic)) for fold in question.folds
    ]
    return float(np.mean(figures))


def verdict_of(stage: Stage, study: optuna.Study, bar: float) -> StageVerdict:
    """Go or no-go, and why."""
    states = [trial.state for trial in study.trials if trial.state.is_finished()]
    kinds = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    ended, cut, failed = (states.count(kind) for kind in kinds)
    best, values = (study.best_value, dict(study.best_params)) if ended else (math.nan, {})
    told = f"best figure {best:.4f}, the bar's {bar:.4f}; {ended} trials ended, {cut} cut short, {failed} failed"
    wanted = stage.share_of_bar * max(bar, 0.0)  # a bar that ranks backwards asks for nothing less than chance
    if failed > stage.most_failed * len(states) or not ended:
        is_go, reason = False, f"no-go: at most {stage.most_failed:.0%} may fail; {told}"
    elif not math.isnan(wanted) and best < wanted:
        is_go, reason = False, f"no-go: at least {wanted:.4f} was asked for; {told}"
    else:
        is_go, reason = True, f"go: {told}"
    return StageVerdict(stage.name, best, values, (ended, cut, failed), is_go, reason)


def _best_of(study: optuna.Study, count: int) -> list[dict[str, Any]]:
    """Dials of the best trials of a stage, with which the next one begins."""
    ended = [trial for trial in study.trials if trial.state is TrialState.COMPLETE]
    return [dict(trial.params) for trial in sorted(ended, key=lambda trial: -(trial.value or 0.0))[:count]]
