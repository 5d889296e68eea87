"""One rung of a diagnosis, trained for a few epochs on some days: what became of it, and why.

Belongs here: fitting and measuring a rung. Does not belong here: which rungs there are (`diagnosis_rungs`), which of
them is guilty (`diagnosis`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

import numpy as np
import polars as pl

from gogoku_pipeline.core.errors import GogokuError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.evaluation.ic import daily_rank_ic, rank_ic
from gogoku_pipeline.evaluation.significance import newey_west_t
from gogoku_pipeline.models.boosted import BoostedConfig
from gogoku_pipeline.models.last_day import LastDayNetwork
from gogoku_pipeline.models.network import Network
from gogoku_pipeline.models.networks import AnyConfig, make_network
from gogoku_pipeline.training.config import TrainConfig
from gogoku_pipeline.training.days import DaySource, score_days
from gogoku_pipeline.training.device import choose_device, repeatable
from gogoku_pipeline.training.diagnosis_findings import Finding, blind, findings, rewards
from gogoku_pipeline.training.diagnosis_rungs import ADDS, BASELINE, Rung
from gogoku_pipeline.training.flat import settled_by
from gogoku_pipeline.training.loop import train_network
from gogoku_pipeline.training.recipe_boosted import BoostedRecipe
from gogoku_pipeline.training.recipe_ladder import LadderRecipe
from gogoku_pipeline.training.recipe_network import NetworkRecipe
from gogoku_pipeline.training.recipes import TARGET, Recipe

Days = tuple[Sequence[date], Sequence[date]]
"""Training and validation days."""
Maker = Callable[[AnyConfig, Sequence[str]], Network]
Status = Literal["learns", "learns nothing", "blind loss", "dead part", "collapsed", "failed", "as below"]
FOUND = LEARNT = 2.0
"""Standard errors above zero of the RankIC of validation days that are worth a word, and of days that were learnt."""
LEARNT_DAYS = 20
"""Training days a rung is asked about."""
BATCH_DAYS = 4
"""Days the losses are measured on."""


@dataclass(frozen=True)
class RungResult:
    """What became of one rung.

    Attributes:
        name: of the rung.
        status: in a word.
        words: why, in a sentence; empty where it learns.
        figures: rank_ic and t (validation), learnt_rank_ic and learnt_t (training days), score_std, unique_ratio,
            flat_days, gradient_norm, gradient_share_<term>, reward_<term>, seconds; those that could be measured.
        remarks: what is no defect but worth knowing.
    """

    name: str
    status: Status
    words: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def adds(self) -> str:
        """What it adds to the rung below."""
        return ADDS[self.name]


@dataclass(frozen=True)
class Case:
    """What is diagnosed.

    Attributes:
        recipe: the design.
        train: training days; the budget takes the last of them.
        validation: validation days, likewise.
        horizon_d: judged horizon.
        seed: of weights and order.
        make: from a shape to a network; another one plants a defect.
    """

    recipe: NetworkRecipe
    train: Sequence[date]
    validation: Sequence[date]
    horizon_d: int
    seed: int = 1
    make: Maker = make_network


def result_of(rung: Rung, case: Case, data: TrainingData, days: Days) -> RungResult:
    """What becomes of a rung; what it took, too."""
    if not rung.is_new:
        return RungResult(rung.name, "as below", "the design has nothing of it")
    started = time.perf_counter()
    found = _baseline(case, data, days) if rung.train is None else _network(rung, rung.train, case, data, days)
    return replace(found, figures={**found.figures, "seconds": time.perf_counter() - started})


def _baseline(case: Case, data: TrainingData, days: Days) -> RungResult:
    """Ridge and, where it finds nothing, LightGBM."""
    boosted = BoostedRecipe(BoostedConfig(threads=case.recipe.train.threads))
    results: list[RungResult] = []
    for recipe in (LadderRecipe("ridge"), boosted):
        results.append(_bar(recipe, case, data, days))
        if results[-1].status == "learns":
            return results[-1]
    return max(results, key=lambda result: result.figures.get("t", -math.inf))


def _bar(recipe: Recipe, case: Case, data: TrainingData, days: Days) -> RungResult:
    """What a baseline finds on the validation days."""
    try:
        fitted = recipe.fit(data, *days, case.seed, case.horizon_d)
        scores = fitted.score(data, days[1])
    except GogokuError as problem:
        return RungResult(BASELINE, "failed", f"{recipe.name}: {problem}")
    known = pl.col("available_at").dt.date() < settled_by(data, days[1], case.horizon_d)
    daily = daily_rank_ic(scores, data.labels.filter(known), TARGET)["rank_ic"].to_numpy()
    found = newey_west_t(daily, horizon_d=case.horizon_d)
    figures = {"rank_ic": found.mean, "t": found.t}
    if found.t >= FOUND:
        return RungResult(BASELINE, "learns", "", figures, (recipe.name,))
    words = (
        f"{recipe.name} ranks the validation days no better than chance (RankIC {found.mean:+.4f}, t {found.t:+.1f})"
    )
    return RungResult(BASELINE, "learns nothing", words, figures)


def _network(rung: Rung, train: TrainConfig, case: Case, data: TrainingData, days: Days) -> RungResult:
    """Trains a network for a few epochs; an error is its result."""
    rows: list[Mapping[str, float]] = []
    trouble, figures, tells = "", dict[str, float](), list[Finding]()

    def told(row: Mapping[str, float]) -> None:
        rows.append(row)

    with repeatable(case.seed, train.threads):
        try:
            network = _made(rung, case, data)
            source = DaySource.of(network, data, case.horizon_d, choose_device(train.device))
            gained = _rewards(source, train, days)
            figures |= {f"reward_{term}": reward for term, reward in gained.items()}
            tells = blind(gained)
            trained = train_network(network, source, days, train, seed=case.seed, rank_ic=rank_ic, report=told)
            network.load_state_dict(trained.weights)
            figures |= _ranked(network, source, days)
        except GogokuError as problem:
            trouble = str(problem)
    found = [*tells, *findings(rows)]
    return _judged(rung.name, trouble, found, figures | _measured(rows))


def _judged(name: str, trouble: str, found: Sequence[Finding], figures: Mapping[str, float]) -> RungResult:
    """The status of a network's rung, the gravest reason first."""
    remarks = tuple(each.words for each in found if each.kind == "faint")
    words = {
        kind: "; ".join(each.words for each in found if each.kind == kind) for kind in ("collapsed", "blind", "dead")
    }
    if words["collapsed"]:
        rest = [words["dead"], words["blind"], *remarks]
        return RungResult(name, "collapsed", words["collapsed"], figures, tuple(each for each in rest if each))
    if trouble:
        return RungResult(name, "failed", trouble, figures, remarks)
    if words["blind"]:
        return RungResult(name, "blind loss", words["blind"], figures, remarks)
    if words["dead"]:
        return RungResult(name, "dead part", words["dead"], figures, remarks)
    if not figures.get("learnt_t", 0.0) >= LEARNT:
        ic = figures.get("learnt_rank_ic", math.nan)
        words_of = f"it ranks even the days it learnt from no better than chance (RankIC {ic:+.4f})"
        return RungResult(name, "learns nothing", words_of, figures, remarks)
    if figures.get("t", 0.0) < FOUND:
        remarks += ("it ranks the days it learnt from, and the validation days no better than chance",)
    return RungResult(name, "learns", "", figures, remarks)


def _made(rung: Rung, case: Case, data: TrainingData) -> Network:
    """The rung's network with fresh weights."""
    if rung.shape is None:
        return LastDayNetwork(len(data.panel.names), case.recipe.model.horizons)
    return case.make(rung.shape, data.panel.names)


def _rewards(source: DaySource, train: TrainConfig, days: Days) -> dict[str, float]:
    """What the losses of a rung can tell on some of its days."""
    sample = source.usable(days[0])[:BATCH_DAYS]
    if not sample:
        return {}
    return rewards(source.batch(sample, before=days[1][0]), source.judged, train.loss, train.min_names)


def _ranked(network: Network, source: DaySource, days: Days) -> dict[str, float]:
    """RankIC of days that were learnt from, and of the validation days."""
    found: dict[str, float] = {}
    learnt, asked = source.usable(days[0])[-LEARNT_DAYS:], source.usable(days[1])
    for prefix, sessions, before in (
        ("learnt_", learnt, days[1][0]),
        ("", asked, settled_by(source.data, asked, source.horizon_d)),
    ):
        labels = source.data.day_targets(sessions, source.horizon_d, label=TARGET, before=before)
        scored = score_days(network, source, sessions)
        daily = [
            rank_ic(scores, labels[place, window.stocks].astype(np.float64))
            for place, (window, scores) in enumerate(scored)
        ]
        told = newey_west_t(daily, horizon_d=source.horizon_d)
        found |= {f"{prefix}rank_ic": told.mean, f"{prefix}t": told.t}
    return found


def _measured(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Spread, gradients and shares of the last epoch."""
    if not rows:
        return {}
    last = rows[-1]
    norms = [value for name, value in last.items() if name.startswith("gradient_norm_")]
    kept = {name: last[name] for name in ("score_std", "unique_ratio", "flat_days") if name in last}
    shares = {name: value for name, value in last.items() if name.startswith("gradient_share_")}
    return {**kept, **shares, "gradient_norm": math.sqrt(sum(norm**2 for norm in norms))}
