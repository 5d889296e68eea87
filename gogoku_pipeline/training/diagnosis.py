"""Why does a network learn nothing? The design taken apart, trained from the simplest rung up on a small budget.

The first rung that fails names the guilty thing, because each rung adds exactly one (`diagnosis_rungs`). A rung fails
hard when its fit ends with an error, its scores stop telling stocks apart, a part of it is dead or a loss of it tells
nothing; it fails softly when it ranks its own training days no better than chance, which counts only where no rung
above it learns either: what companions alone know is no fault of the rungs that do not see them.

Training and validation days alone are looked at, never a test day, and nothing of a rung is kept: rungs are no
candidates and so no trials. Source: the ladder of the issue on models; lessons 17 to 21.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.evaluation.significance import MIN_DAYS
from gogoku_pipeline.training.config import Progress
from gogoku_pipeline.training.diagnosis_fits import FOUND, Case, Days, RungResult, Status, result_of
from gogoku_pipeline.training.diagnosis_rungs import Budget, rungs_of
from gogoku_pipeline.training.diagnosis_words import GUILTY, HEALTHY
from gogoku_pipeline.training.flat import settled_by
from gogoku_pipeline.training.recipes import TARGET

_HARD: tuple[Status, ...] = ("blind loss", "dead part", "collapsed", "failed")


@dataclass(frozen=True)
class Diagnosis:
    """The rungs, and which of them fails first.

    Attributes:
        rungs: from the lowest.
        first: name of the first rung that fails; empty where none does.
        meaning: what that means.
        remedy: what to try.
    """

    rungs: tuple[RungResult, ...]
    first: str
    meaning: str
    remedy: str


def diagnose(
    case: Case, data: TrainingData, budget: Budget | None = None, progress: Progress | None = None
) -> Diagnosis:
    """Train every rung of a design for a few epochs and name the first that fails.

    Args:
        case: the design and its days.
        data: panel and labels.
        budget: days and epochs.
        progress: advanced by 1 per rung.

    Errors of a rung are its result; none is raised on.

    Raises:
        DatasetError: too few labelled days to tell anything.
    """
    budget = budget or Budget()
    days = tuple(case.train)[-budget.train_days :], tuple(case.validation)[-budget.validation_days :]
    _refuse_too_few(case, data, days)
    results: list[RungResult] = []
    for rung in rungs_of(case.recipe, budget):
        results.append(result_of(rung, case, data, days))
        if progress is not None:
            progress.advance(1, f"{rung.name}: {results[-1].status}")
    first = first_failing(results)
    meaning, remedy = _said(first)
    return Diagnosis(tuple(results), first.name if first else "", meaning, remedy)


def _refuse_too_few(case: Case, data: TrainingData, days: Days) -> None:
    """Raise DatasetError where too few days have a label that is known in time."""
    for what, sessions in (("training", days[0]), ("validation", days[1])):
        known = 0
        if sessions and days[1]:
            before = days[1][0] if what == "training" else settled_by(data, sessions, case.horizon_d)
            labels = data.day_targets(sessions, case.horizon_d, label=TARGET, before=before)
            known = int(np.isfinite(labels).any(axis=1).sum())
        if known < MIN_DAYS:
            raise DatasetError(
                f"diagnosis of {case.recipe.name}",
                got=f"{known} {what} days with a known label",
                want=f"at least {MIN_DAYS}",
                remedy="Name an earlier cut-off, or build the labels of these sessions.",
            )


def first_failing(results: Sequence[RungResult]) -> RungResult | None:
    """The lowest rung that fails hard, or from which on no rung learns; None where the design learns.

    The baseline is guilty of finding nothing only where no network finds anything on the validation days either, and
    none fails hard: what is broken is certain, what a few dozen days do not show is not.
    """
    baseline, *networks = [result for result in results if result.status != "as below"]
    hard = [result for result in (baseline, *networks) if result.status in _HARD]
    if baseline.status != "learns" and not any(result.figures.get("t", 0.0) >= FOUND for result in networks):
        return hard[0] if hard else baseline
    top = max((place for place, result in enumerate(networks) if result.status == "learns"), default=-1)
    places = [place for place, result in enumerate(networks) if result in hard[:1]]
    places += [top + 1] if top + 1 < len(networks) else []
    return networks[min(places)] if places else None


def _said(first: RungResult | None) -> tuple[str, str]:
    """What the first failing rung means, and what to try."""
    if first is None:
        return HEALTHY
    meaning, remedy = GUILTY[first.name]
    return f"{meaning} {first.name.replace('_', ' ').capitalize()}: {first.words.rstrip('.')}.", remedy
