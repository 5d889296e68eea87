"""What the validation days say of a network, or of the baseline it must keep up with."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl
from torch import nn

from gogoku_pipeline.evaluation.cross_sections import paired
from gogoku_pipeline.evaluation.ic import MIN_NAMES, ic_of
from gogoku_pipeline.evaluation.ranking import ranking_of
from gogoku_pipeline.models.boosted import BoostedConfig
from gogoku_pipeline.training.collapse import Spread, spread_of
from gogoku_pipeline.training.days import DaySource, score_horizons
from gogoku_pipeline.training.flat import settled_by
from gogoku_pipeline.training.recipe_boosted import BoostedRecipe
from gogoku_pipeline.training.recipe_ladder import LadderRecipe
from gogoku_pipeline.training.recipes import Recipe
from gogoku_pipeline.training.stop_rule import METRICS, StopRule

Floats = npt.NDArray[np.float64]
DayMetric = Callable[[Floats, Floats], float]
"""Of one day: scores [n] and labels [n], NaN where unknown; NaN when it cannot be told."""


def day_metrics(rank_ic: DayMetric) -> dict[str, DayMetric]:
    """The metrics a stop rule may name."""
    found = {name: partial(_ranking, name) for name in METRICS if name not in ("rank_ic", "ic")}
    return {"rank_ic": rank_ic, "ic": _ic, **found}


def _ic(scores: Floats, labels: Floats) -> float:
    return float(ic_of(paired(scores[None], labels[None]))[0])


def _ranking(name: str, scores: Floats, labels: Floats) -> float:
    if np.isfinite(labels).sum() < MIN_NAMES:
        return math.nan
    return float(ranking_of(paired(scores[None], labels[None]))[name][0])


def watched_horizon(rule: StopRule, source: DaySource) -> int:
    """Column of the horizon a rule watches among a network's scores."""
    return source.learnt.index(rule.horizon_d) if rule.horizon_d else source.judged


def validated(
    model: nn.Module,
    source: DaySource,
    sessions: Sequence[date],
    rule: StopRule,
    metrics: Mapping[str, DayMetric],
) -> tuple[dict[str, float], float, Spread]:
    """Figures of the validation days.

    Args:
        model: the averaged network.
        source: panel and labels.
        sessions: validation decisions.
        rule: which figure is watched.
        metrics: `day_metrics`.

    Returns:
        Figures for the learning curve (means over days; of several horizons the RankIC of each), the watched figure,
        and how well scores tell stocks apart.
    """
    scored = score_horizons(model, source, sessions)
    found: dict[str, float] = {}
    for column, horizon in enumerate(source.learnt):
        labels = source.data.day_targets(sessions, horizon, before=settled_by(source.data, sessions, horizon))
        days = [(scores[:, column], labels[place, window.stocks]) for place, (window, scores) in enumerate(scored)]
        if column == source.judged:
            found["validation_rank_ic"] = _mean(metrics["rank_ic"], days)
        if len(source.learnt) > 1:
            found[f"validation_rank_ic_{horizon}d"] = _mean(metrics["rank_ic"], days)
        if column == watched_horizon(rule, source):
            watched = {name: _mean(metrics[name], days) for name in rule.metrics}
            found |= {f"watched_{name}": value for name, value in watched.items() if rule.name == "composite"}
            figure = rule.figure(watched)
    spread = spread_of([scores[:, source.judged] for _, scores in scored])
    told = {"unique_ratio": spread.unique_ratio, "flat_days": spread.flat_days, "score_std": spread.std}
    return {**found, **told}, figure, spread


def _mean(metric: DayMetric, days: Sequence[tuple[Floats, npt.NDArray[np.float32]]]) -> float:
    """Mean of a metric over the days it can be told of; NaN without any."""
    told = [metric(scores, labels.astype(np.float64)) for scores, labels in days]
    finite = [value for value in told if math.isfinite(value)]
    return float(np.mean(finite)) if finite else math.nan


def baseline_figure(
    source: DaySource,
    train: Sequence[date],
    sessions: Sequence[date],
    rule: StopRule,
    metrics: Mapping[str, DayMetric],
) -> float:
    """The watched figure of the rule's baseline, fitted on the same days; NaN where the rule names none.

    Raises:
        ConfigError: an unknown baseline.
    """
    if not rule.baseline:
        return math.nan
    recipe: Recipe = BoostedRecipe(BoostedConfig()) if rule.baseline == "lightgbm" else LadderRecipe(rule.baseline)
    horizon = source.learnt[watched_horizon(rule, source)]
    fitted = recipe.fit(source.data, train, sessions, 0, horizon)
    scores = fitted.score(source.data, sessions)
    labels = source.data.day_targets(sessions, horizon, before=settled_by(source.data, sessions, horizon))
    days = []
    for place, session in enumerate(sessions):
        said = scores.filter(pl.col("session") == session).sort("code")
        codes = [source.data.panel.places[code] for code in said["code"]]
        days.append((said["score"].cast(pl.Float64).fill_null(math.nan).to_numpy(), labels[place, codes]))
    return rule.figure({name: _mean(metrics[name], days) for name in rule.metrics})
