"""Cheap checks of a daily refresh: may newer weights of the promoted recipe replace yesterday's?

Belongs here: what is measured of a refresh and what follows.
Does not belong here: the history (`refreshes`), judging a recipe (`judging`): a refresh is no new trial.

Three questions, each answered with its figures: do the scores of every seed tell stocks apart; do they rank the
session's stocks much as yesterday's weights do; does the RankIC over the validation sessions lie in the band around
what the gate saw when it promoted the recipe. The band is that mean +- `band` standard errors, its deviation x
sqrt(h / T) over T sessions whose labels span h: below it a fit has failed, above it something leaked until shown
otherwise. What cannot be measured is not passed. Source: evaluation protocol, section 5.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.evaluation.dispersion import MIN_STD, MIN_UNIQUE_RATIO, dispersion_by_day
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.ic import daily_rank_ic, rank_ic
from gogoku_pipeline.evaluation.sequential import Claim
from gogoku_pipeline.registry.champions import Serving, champion, serving_champion
from gogoku_pipeline.registry.refreshes import RefreshFigures, RefreshRecord, other_design
from gogoku_pipeline.registry.standing import claim_of
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.store import Store
from gogoku_pipeline.store.artefacts import Artefact
from gogoku_pipeline.training.predict import predict_session, seed_scores


def judge_refresh(
    store: Store, data: TrainingData, model: str, version: str, terms: Terms, *, recorded_at: datetime
) -> RefreshRecord | None:
    """Ask the cheap questions of a version trained for its cut-off.

    Args:
        store: holds the version, verdicts and earlier refreshes.
        data: panel and labels the version was trained on.
        model: its recipe's name.
        version: which one.
        terms: horizon, label and terms of a refresh.
        recorded_at: aware instant of the answer.

    Returns:
        The answer, ready for `refreshes.record_refresh`; None where there is nothing to refresh: somebody else is
        champion on the cut-off, or this very version was promoted.

    Raises:
        ArtefactError: files of the version, or the manifest of the promoted one, are missing or altered.
    """
    fresh = store.artefacts.load(model, version)
    session = date.fromisoformat(str(fresh.manifest["cutoff"]))
    chosen = champion(store, session)
    if chosen.version is None or (chosen.model, chosen.version) == (model, version) or chosen.model != model:
        return None
    before = serving_champion(store, chosen, session - timedelta(days=1))
    other = other_design(store.artefacts.manifest(model, chosen.version), fresh.manifest)
    if other:
        figures, answers = RefreshFigures(), [(False, f"another design than the promoted {chosen.version}: {other}")]
    else:
        figures = measured(store, data, fresh, before, terms, claim_of(store, chosen, terms.gate.horizon_d))
        answers = checks(figures)
    return RefreshRecord(
        decided_for=session,
        recorded_at=recorded_at,
        model=model,
        version=version,
        promoted_version=chosen.version,
        previous_version=before.version if isinstance(before, Serving) else None,
        decision="accepted" if all(passed for passed, _ in answers) else "rejected",
        reasons=tuple(words for _, words in answers),
        figures=replace(figures, correlation_floor=terms.refresh.min_rank_correlation),
        config_hash=str(fresh.manifest["config_hash"]),
        feature_hash=str(fresh.manifest["feature_hash"]),
    )


def measured(
    store: Store, data: TrainingData, fresh: Artefact, before: Serving | str, terms: Terms, claim: Claim | None
) -> RefreshFigures:
    """Everything the checks ask for.

    Args:
        store: holds yesterday's weights.
        data: panel and labels up to the cut-off of the fresh weights, or longer.
        fresh: the refresh.
        before: yesterday's weights, or in words why there are none.
        terms: horizon, label and terms of a refresh.
        claim: what the gate saw of the recipe; None where no verdict is kept.
    """
    session = date.fromisoformat(str(fresh.manifest["cutoff"]))
    of_seeds = seed_scores(fresh, data, [session])
    spread = dispersion_by_day(of_seeds)
    mine, correlation = ensemble_scores(of_seeds), math.nan
    if isinstance(before, Serving):
        theirs = predict_session(store, before.model, before.version, data, session)
        both = mine.join(theirs, on=["session", "code", "horizon_d"], suffix="_before")
        correlation = rank_ic(both["score"].to_numpy(), both["score_before"].to_numpy())
    daily = validation_rank_ic(fresh, data, terms)
    low, high = band(claim, daily.len(), terms.refresh.band)
    return RefreshFigures(
        unique_ratio=_least(spread["unique_ratio"]),
        score_std=_least(spread["std"]),
        rank_correlation=correlation,
        correlation_floor=terms.refresh.min_rank_correlation,
        rank_ic=float(daily.to_numpy().mean()) if daily.len() else math.nan,
        rank_ic_low=low,
        rank_ic_high=high,
        validation_days=daily.len(),
    )


def validation_rank_ic(fresh: Artefact, data: TrainingData, terms: Terms) -> pl.Series:
    """Daily RankIC of a version over the sessions that told its training when to stop; only labels known by then."""
    first, last, _ = fresh.manifest["validation"]
    days = [day for day in data.sessions if first <= day.isoformat() <= last]
    known = data.labels.filter(
        (pl.col("horizon_d") == terms.gate.horizon_d)
        & (pl.col("exit_session") <= date.fromisoformat(str(fresh.manifest["cutoff"])))
    )
    scores = ensemble_scores(seed_scores(fresh, data, days))
    daily = daily_rank_ic(scores, known, terms.gate.label, min_names=terms.gate.min_names)
    return daily["rank_ic"].fill_nan(None).drop_nulls()


def band(claim: Claim | None, days: int, width: float) -> tuple[float, float]:
    """Where the mean RankIC over so many validation sessions may lie; NaN where nothing says."""
    if claim is None or not days:
        return math.nan, math.nan
    reach = width * claim.deviation * math.sqrt(claim.horizon_d / days)
    return claim.mean - reach, claim.mean + reach


def checks(found: RefreshFigures) -> list[tuple[bool, str]]:
    """The three answers with their figures; a comparison with what could not be measured fails."""
    is_spread = found.score_std >= MIN_STD and found.unique_ratio >= MIN_UNIQUE_RATIO
    return [
        (
            is_spread,
            f"{'' if is_spread else 'degenerate: '}{found.unique_ratio:.0%} of the worst seed's scores differ, their "
            f"standard deviation is {found.score_std:.2g}",
        ),
        (
            found.rank_correlation >= found.correlation_floor,
            f"rank correlation with yesterday's weights {found.rank_correlation:.3f}, at least "
            f"{found.correlation_floor:.3f} needed",
        ),
        (
            found.rank_ic_low <= found.rank_ic <= found.rank_ic_high,
            f"validation RankIC {found.rank_ic:+.4f} over {found.validation_days} sessions, band "
            f"{found.rank_ic_low:+.4f} to {found.rank_ic_high:+.4f}",
        ),
    ]


def _least(values: pl.Series) -> float:
    """The smallest value; NaN where one is missing."""
    return float(np.min(values.cast(pl.Float64).fill_null(math.nan).to_numpy())) if values.len() else math.nan
