"""Everything that can be said of stored scores: every metric of every day, over days, and where it comes from.

Belongs here: bringing the stored evidence to the metrics. Does not belong here: the metrics (`evaluation`), reading
tables (`evidence`), words and tables for people (`gogoku.commands.evaluate`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from gogoku_pipeline.evaluation.breakdown import buckets_by_day, by_bucket, by_month, by_regime
from gogoku_pipeline.evaluation.calibration import calibration, calibration_by_day
from gogoku_pipeline.evaluation.comparison import Comparison, choice_risk, compare
from gogoku_pipeline.evaluation.daily import DailyConfig, daily_metrics
from gogoku_pipeline.evaluation.deflation import DeflatedSharpe
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.frames import align
from gogoku_pipeline.evaluation.ic import rank_ic_by_day
from gogoku_pipeline.evaluation.neutral import SECTOR
from gogoku_pipeline.evaluation.overfitting import Overfitting
from gogoku_pipeline.evaluation.ranking import quantile_returns
from gogoku_pipeline.evaluation.summary import SummaryConfig, summarise_days
from gogoku_pipeline.evaluation.trials import deflated_by_ledger
from gogoku_pipeline.evaluation.verdict import GateConfig
from gogoku_pipeline.registry.evidence import (
    ORACLE,
    SERVED,
    Asked,
    exposures_in,
    intervals_of,
    is_live,
    known_names,
    outcomes,
    regimes_of,
    scores_of,
    universe_of,
)
from gogoku_pipeline.registry.ledgers import trial_ledger
from gogoku_pipeline.registry.luck import apart
from gogoku_pipeline.store import Store

RISK = "vol_20d"
"""Exposure by whose fifths calibration is shown."""

SIZES = ("log10_mcap_jpy", "log10_adv_20d_jpy")
"""Exposures that order stocks by size; the first that is stored is used."""


@dataclass(frozen=True)
class Assessment:
    """What the evidence says of some models.

    Attributes:
        daily: `daily.daily_metrics`, one row per model, horizon and session.
        summary: `summary.summarise_days`, one row per model and horizon.
        parts: RankIC and spread by "month", "regime", "sector" and "size", as far as each is known; see `breakdown`.
        deciles: `ranking.quantile_returns`: mean label of each tenth of the list, worst first.
        calibration: `calibration.calibration` of the served intervals against `excess_open`, by fifth of volatility
            where it is stored; no rows for what serves no intervals.
    """

    daily: pl.DataFrame
    summary: pl.DataFrame
    parts: dict[str, pl.DataFrame]
    deciles: pl.DataFrame
    calibration: pl.DataFrame


def assess(
    store: Store,
    names: Sequence[str],
    asked: Asked,
    terms: GateConfig,
    *,
    oracle: pl.DataFrame | None = None,
) -> Assessment:
    """Judge stored scores, one model after another.

    Args:
        store: where everything lies.
        names: as `evidence.known_names` lists them.
        asked: which sessions and horizon.
        terms: label, least names of a day, resamples, seed and cost are the gate's.
        oracle: [session, code, horizon_d, score] of the planted truth; judged on the sessions of the first other name.

    Raises:
        EvaluationError: a name nobody knows, nothing stored of what is asked for, no day that can be judged.
        PartitionMissingError: no walk at that cut-off.
    """
    daily, parts, deciles = [], [], []
    for name in names:
        scores = scores_of(store, name, asked, oracle)
        if name == ORACLE and (others := [other for other in names if other != ORACLE]):
            days = scores_of(store, others[0], asked).filter("is_counted").select("session", "horizon_d").unique()
            scores = scores.join(days, on=["session", "horizon_d"], how="semi")
        found = _one(store, name, scores, asked, terms)
        daily.append(found[0])
        parts.append(found[1])
        deciles.append(found[2])
    together = pl.concat(daily)
    config = SummaryConfig(terms.label, terms.min_names, terms.resamples, terms.seed, terms.cost_per_side)
    kinds = dict.fromkeys(kind for part in parts for kind in part)
    return Assessment(
        daily=together,
        summary=summarise_days(together, config),
        parts={kind: pl.concat([part[kind] for part in parts if kind in part]) for kind in kinds},
        deciles=pl.concat(deciles),
        calibration=served_calibration(store, asked) if SERVED in names else pl.DataFrame(),
    )


def served_calibration(store: Store, asked: Asked) -> pl.DataFrame:
    """Do the intervals of the served lists hold what they promise? See `Assessment.calibration`."""
    intervals = intervals_of(store, asked)
    if intervals.is_empty():
        return pl.DataFrame()
    labels = outcomes(store, SERVED, asked, intervals["session"].unique())
    exposures = exposures_in(store, universe_of(store, intervals["session"].unique()), asked.plan)
    held = exposures is not None and RISK in exposures.columns
    buckets = buckets_by_day(exposures, RISK) if exposures is not None and held else None
    return calibration(calibration_by_day(intervals, labels, "excess_open", buckets=buckets))


def compared(
    store: Store, names: tuple[str, str], asked: Asked, terms: GateConfig, *, oracle: pl.DataFrame | None = None
) -> Comparison:
    """Two models of the stored evidence, paired by day; see `evaluation.comparison.compare`.

    Args:
        store: where everything lies.
        names: the two, `oracle` among them where its scores are given.
        asked: which sessions; its horizon is that of the terms.
        terms: the gate's, at the horizon that is compared.
        oracle: as `assess` takes it.
    """
    scores = [scores_of(store, name, asked, oracle) for name in names]
    walked = next((name for name in names if not is_live(name) and name != ORACLE), names[0])
    sessions = pl.concat([frame["session"] for frame in scores]).unique()
    labels = outcomes(store, walked, asked, sessions)
    return compare(scores[0], scores[1], labels, names, terms, universe=universe_of(store, sessions))


def _one(
    store: Store, name: str, scores: pl.DataFrame, asked: Asked, terms: GateConfig
) -> tuple[pl.DataFrame, dict[str, pl.DataFrame], pl.DataFrame]:
    """Daily figures, parts and deciles of one model."""
    sessions = scores["session"].unique()
    labels = outcomes(store, name, asked, sessions)
    universe = universe_of(store, sessions)
    exposures = exposures_in(store, universe, asked.plan)
    known = scores.filter(pl.col("session").is_in(labels["session"].unique().implode()))
    daily = daily_metrics(
        known, labels, universe=universe, exposures=exposures, config=DailyConfig(terms.label, terms.min_names)
    )
    aligned = align(ensemble_scores(known), labels, terms.label, universe)
    sector = universe.select("session", "code", pl.col(SECTOR).alias("bucket"))
    parts = {"month": by_month(daily), "sector": by_bucket(aligned, sector)}
    if (regimes := regimes_of(store)) is not None:
        parts["regime"] = by_regime(daily, regimes)
    size = next((column for column in SIZES if exposures is not None and column in exposures.columns), None)
    if exposures is not None and size is not None:
        parts["size"] = by_bucket(aligned, buckets_by_day(exposures, size))
    return daily, parts, quantile_returns(aligned)


@dataclass(frozen=True)
class Luck:
    """How lucky may a model be, given all that was tried?

    Attributes:
        name: the model.
        overfitting: of choosing the best recipe of the walk; None for a live list or too short a walk.
        deflated: Sharpe ratio of its best minus worst tenth beside what the best of all trials shows by luck; None
            while the ledger is empty.
    """

    name: str
    overfitting: Overfitting | None
    deflated: DeflatedSharpe | None


def luck(store: Store, name: str, asked: Asked, terms: GateConfig) -> Luck:
    """What choosing among many may explain.

    Args:
        store: holds the walk and the ledger of trials.
        name: the model that was chosen.
        asked: which walk and sessions.
        terms: horizon, label and least names of a day.
    """
    at = replace(asked, horizon_d=terms.horizon_d)

    def judged(one: str) -> pl.DataFrame:
        scores = scores_of(store, one, at)
        sessions = scores["session"].unique()
        labels, universe = outcomes(store, one, at, sessions), universe_of(store, sessions)
        return align(ensemble_scores(scores), labels, terms.label, universe)

    recipes = [] if is_live(name) else [one for one in known_names(store, at) if not is_live(one)]
    daily = {one: rank_ic_by_day(judged(one), min_names=terms.min_names) for one in recipes}
    ledger = trial_ledger(store)
    returns = None if name == ORACLE or ledger.is_empty() else apart(judged(name), terms.horizon_d)
    return Luck(name, choice_risk(daily), None if returns is None else deflated_by_ledger(returns, ledger))
