"""How much of a result may be luck: every walked fit as a trial, and what all trials say about the best of them.

Reported beside the gate's criteria and never gated: the protocol promotes by paired days against a baseline, and a
ledger grows after a verdict, which must not change it. What is judged here is the return of the best tenth minus the
worst, on every h-th session: positions of h sessions overlap, and overlapping returns would count as many times as
they repeat. Source: evaluation protocol, sections 4 and 5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.evaluation.comparison import choice_risk
from gogoku_pipeline.evaluation.ranking import ranking_by_day
from gogoku_pipeline.evaluation.trials import Trial, deflated_by_ledger, new_trials, trial_rows
from gogoku_pipeline.evaluation.verdict import Criterion
from gogoku_pipeline.training.recipes import Recipe

Floats = npt.NDArray[np.float64]
Tried = tuple[Trial, Floats]
LIKELY = 0.95
"""Probability of skill that is usually asked for; shown beside the measured one."""
BLIND = 0.5
"""Probability of overfitting of a choice without any knowledge."""

_UNWRITTEN = datetime(1970, 1, 2, tzinfo=JST)


def trials_of(recipes: Sequence[Recipe], aligned: pl.DataFrame, feature_hash: str, horizon_d: int) -> list[Tried]:
    """Every fit of these recipes as a trial with the returns it was judged by.

    Args:
        recipes: those that could have been chosen to serve; naive ones never are.
        aligned: [model, seed, session, horizon_d, code, score, label] of their counted days.
        feature_hash: of the catalogue.
        horizon_d: sessions of a position.
    """
    tried = []
    for recipe in recipes:
        own = aligned.filter(model=recipe.name)
        for seed in own["seed"].unique().sort():
            trial = Trial(recipe.name, recipe.config_hash, feature_hash, int(seed))
            tried.append((trial, apart(own.filter(seed=seed), horizon_d)))
    return tried


def apart(aligned: pl.DataFrame, horizon_d: int) -> Floats:
    """Return of the best tenth minus the worst on every h-th session of one model, so that no two overlap."""
    if aligned.is_empty():
        return np.empty(0)
    daily = ranking_by_day(aligned).sort("session")["spread"].fill_null(math.nan)
    return daily.gather_every(horizon_d).to_numpy().astype(np.float64)


def deflated(returns: Floats, tried: Sequence[Tried], ledger: pl.DataFrame | None) -> Criterion:
    """The probability that a Sharpe ratio is skill, with every trial ever logged counted.

    Args:
        returns: of the judged challenger, `apart`.
        tried: this walk's trials.
        ledger: lines kept before it; None where no ledger is kept.
    """
    if ledger is None:
        words = "reported, not gated: no ledger of trials was given, so the luck of choosing cannot be told"
        return Criterion("deflated_sharpe", math.nan, LIKELY, None, words)
    fresh = new_trials(ledger, trial_rows(tried, recorded_at=_UNWRITTEN))
    if ledger.is_empty() and fresh.is_empty():
        words = "reported, not gated: the ledger holds no trial"
        return Criterion("deflated_sharpe", math.nan, LIKELY, None, words)
    found = deflated_by_ledger(returns, pl.concat([ledger, fresh]))
    if not math.isfinite(found.probability):
        words = f"reported, not gated: {found.n} positions carry no deflated Sharpe ratio; {found.n_trials} trials ever"
        return Criterion("deflated_sharpe", math.nan, LIKELY, None, f"{words} logged")
    words = (
        f"reported, not gated: Sharpe ratio {found.sharpe:.3f} per position over {found.n} positions; the best of "
        f"{found.n_trials} trials ever logged would show {found.benchmark:.3f} without skill; probability of skill "
        f"{_share(found.probability)}"
    )
    return Criterion("deflated_sharpe", found.probability, LIKELY, None, words)


def overfitting(daily_ic: pl.DataFrame) -> Criterion:
    """The probability that choosing the best of the walked designs chooses one below their median afterwards.

    Args:
        daily_ic: [model, session, rank_ic], seeds averaged.
    """
    daily = {str(name): rows for (name,), rows in daily_ic.partition_by("model", as_dict=True).items()}
    found = choice_risk(daily)
    if found is None:
        words = "reported, not gated: fewer than two designs with a ranking on the same eight days"
        return Criterion("overfitting", math.nan, BLIND, None, words)
    words = (
        f"reported, not gated: the best of {found.n_configurations} walked designs on half of the days is below their "
        f"median on the other half in {_share(found.probability)} of all halvings; choosing blindly {BLIND:.0%}"
    )
    return Criterion("overfitting", found.probability, BLIND, None, words)


def _share(value: float) -> str:
    return f"{value:.1%}" if math.isfinite(value) else "unknown"
