"""What an evening's page shows, as plain frames and values: the one argument of `report.render_report`.

What is not given leaves its section out or says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from gogoku_pipeline.evaluation.verdict import Verdict


@dataclass(frozen=True)
class Judged:
    """The newest walk from more sides than one line per model.

    Attributes:
        horizons: `horizons.rank_ic_by_horizon`.
        breakdown: [kind, model, group, n_days, names, rank_ic_mean, rank_ic_t, spread], kind month, regime, sector or
            size; see `breakdown.over_days`.
        calibration: `calibration.calibration` of the served intervals, one line per quantile and `bucket` of
            volatility; None while none has a known outcome.
    """

    horizons: pl.DataFrame | None = None
    breakdown: pl.DataFrame | None = None
    calibration: pl.DataFrame | None = None


@dataclass(frozen=True)
class Reign:
    """Who was champion, who served, and why.

    Attributes:
        timeline: `registry.timeline.TIMELINE` rows, one per session.
        verdicts: [decided_for, model, version, decision, ...] of the gate, `registry.tables.CHAMPIONS` rows.
    """

    timeline: pl.DataFrame | None = None
    verdicts: pl.DataFrame | None = None


@dataclass(frozen=True)
class Traded:
    """What the scores would have earned.

    Attributes:
        accounts: `registry.backtest_tables.ACCOUNTS` rows.
        exposure: EXPOSURE rows of the same.
        capacity: CAPACITY rows of the same.
        ledger: of trials, for the deflated Sharpe ratio.
    """

    accounts: pl.DataFrame | None = None
    exposure: pl.DataFrame | None = None
    capacity: pl.DataFrame | None = None
    ledger: pl.DataFrame | None = None


@dataclass(frozen=True)
class Explained:
    """Why stocks of the list stand where they stand, what models live on, and how they were trained.

    Attributes:
        rows: `registry.explanation_tables.EXPLAINED` rows of the list.
        importance: IMPORTANCE rows of the same evening.
        words: what each feature is, by name.
        curves: learning curves of networks, by model and seed: one row of figures per epoch.
        decisions: the last decision about each seed's run, by model: seed, epochs, best_epoch, figure, value, reason.
    """

    rows: pl.DataFrame | None = None
    importance: pl.DataFrame | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    curves: Mapping[str, Mapping[int, Sequence[Mapping[str, float]]]] = field(default_factory=dict)
    decisions: Mapping[str, Sequence[Mapping[str, object]]] = field(default_factory=dict)


@dataclass(frozen=True)
class ReportInputs:
    """Everything an evening's page shows.

    Attributes:
        session: the session the list was made after.
        generated_at: aware instant of writing.
        model: who serves.
        model_version: its trained version.
        served_because: why it serves.
        predictions: [rank, code, score, interval_low?, interval_high?, ...] of this session and one horizon.
        names: [code, name, name_english?, sector33_code? or sector?]; None shows codes alone.
        horizon_d: sessions the scores look ahead.
        verdicts: what the gate said of each challenger at its newest cut-off, who is promoted first; empty when it
            has not judged yet.
        summary: `summary.summarise` of all models.
        oracle: name of the model in `summary` that knows the planted truth, shown as yardstick.
        daily_ic: [model, session, rank_ic].
        quantiles: `ranking.quantile_returns`, one line per model and tenth.
        sources: [source, rows, newest_session?, sessions_behind?, coverage?, rejected?, corrections?, missing_reason?],
            one line per source.
        coverage: [source, session, coverage] for the heat map.
        curves: [curve, step, value] of training.
        feature_coverage: [group, month, coverage] of feature values.
        degrees: [degree], neighbours of each stock in the session's graph.
        ties: [code_i, code_j, weight] of the session; middle: the stock they are drawn around.
        judged: the newest walk from more sides.
        reign: who was champion and who served.
        traded: the newest backtests.
        explained: three stocks of the list, importance, learning curves.
        versions: what made the page: code version, feature hash, configuration hash, table versions.
        notes: sentences the reader must see, e.g. a baseline that stands in.
        simulated: the market is the simulator's.
        top: lines of the list that are shown.
    """

    session: date
    generated_at: datetime
    model: str
    model_version: str
    served_because: str
    predictions: pl.DataFrame = field(repr=False)
    names: pl.DataFrame | None = field(default=None, repr=False)
    horizon_d: int = 5
    verdicts: tuple[Verdict, ...] = field(default=(), repr=False)
    summary: pl.DataFrame | None = field(default=None, repr=False)
    oracle: str | None = None
    daily_ic: pl.DataFrame | None = field(default=None, repr=False)
    quantiles: pl.DataFrame | None = field(default=None, repr=False)
    sources: pl.DataFrame | None = field(default=None, repr=False)
    coverage: pl.DataFrame | None = field(default=None, repr=False)
    curves: pl.DataFrame | None = field(default=None, repr=False)
    feature_coverage: pl.DataFrame | None = field(default=None, repr=False)
    degrees: pl.DataFrame | None = field(default=None, repr=False)
    ties: pl.DataFrame | None = field(default=None, repr=False)
    middle: str = ""
    judged: Judged = field(default_factory=Judged, repr=False)
    reign: Reign = field(default_factory=Reign, repr=False)
    traded: Traded = field(default_factory=Traded, repr=False)
    explained: Explained = field(default_factory=Explained, repr=False)
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    simulated: bool = False
    top: int = 30
