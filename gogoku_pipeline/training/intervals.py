"""Intervals around a score: between which excess returns four outcomes in five should lie.

A score only orders stocks. What it has meant is read from days the fit never learnt from (the ones that stopped it):
the mean outcome of each twentieth of the list, made monotone, is the centre; around it lie the quantiles of what was
left, apart for each fifth of the day's stocks by 20-session volatility, because a calm stock deserves a narrow
interval. This is split conformal prediction with one set of residuals per risk group (Mondrian): under
exchangeable days it covers its level whatever the model is (the centre's twenty means are read from the same days:
beside hundreds of outcomes per group that costs a fraction of a percent). Days are not exchangeable when volatility
changes, so coverage is measured on later days and gated (`registry.interval_coverage`).
Sources: Vovk, Gammerman & Shafer 2005, ch. 4.5; Lei et al. 2018 (split conformal); Barlow et al. 1972 (isotonic).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.optimize import isotonic_regression

from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.training.flat import settled_by

OUTCOME = "excess_open"
"""The label an interval is about: open-to-open return minus the mean of the universe."""
LEVEL = 0.80
RISK = "vol_20d"
FILE = "intervals.json"
_PLACES, _GROUPS = 20, 5
_LEAST_ROWS, _LEAST_DAYS = 100, 5
_KEY = ("session", "code", "horizon_d")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Intervals:
    """What scores have meant.

    Attributes:
        level: share of outcomes that should lie inside.
        horizon_d: sessions of the outcome.
        centre: mean outcome of each twentieth of the list, worst first, never falling.
        low: lower quantile of outcome minus centre per risk group, calm first; the last is of all stocks and serves
            those without a known volatility.
        high: upper quantile likewise.
        days: sessions behind it.
        rows: outcomes behind it.
        fitted_through: last session whose scores it was fitted on.
        known_by: first decision that none of the outcomes reached.
    """

    level: float
    horizon_d: int
    centre: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    days: int
    rows: int
    fitted_through: date
    known_by: date

    def around(self, scores: pl.DataFrame, data: TrainingData) -> pl.DataFrame:
        """[session, code, horizon_d, low, high] of scored stocks in return per horizon; null without a score.

        Args:
            scores: [session, code, horizon_d, score] of one model, one score per stock and session.
            data: panel with the sessions.
        """
        rows = _grouped(scores, data)
        known = rows["place"].is_not_null()
        centre = np.asarray(self.centre)[rows["place"].fill_null(0).to_numpy()]
        group = rows["group"].to_numpy()
        bounds = {
            name: pl.Series(centre + np.asarray(bound)[group]).zip_with(known, pl.Series([None], dtype=pl.Float64))
            for name, bound in (("low", self.low), ("high", self.high))
        }
        return rows.select(_KEY).with_columns(**bounds)

    def file(self) -> dict[str, bytes]:
        """The file a version keeps it in."""
        return {FILE: json.dumps(asdict(self), default=date.isoformat, sort_keys=True).encode()}

    def words(self) -> dict[str, object]:
        """What a manifest says about it."""
        return {
            "level": self.level,
            "days": self.days,
            "rows": self.rows,
            "fitted_through": self.fitted_through.isoformat(),
            "known_by": self.known_by.isoformat(),
        }


def load_intervals(files: Mapping[str, bytes]) -> Intervals | None:
    """The intervals among the files of a version; None for a version without."""
    if FILE not in files:
        return None
    found = json.loads(files[FILE])
    listed = {name: tuple(found[name]) for name in ("centre", "low", "high")}
    dated = {name: date.fromisoformat(found[name]) for name in ("fitted_through", "known_by")}
    return Intervals(**{**found, **listed, **dated})


def calibrated(scores: pl.DataFrame, data: TrainingData, horizon_d: int) -> Intervals | None:
    """Intervals from scores the fit did not learn from; None where fewer than 5 days or 100 outcomes are known.

    Args:
        scores: [session, code, horizon_d, score] of one model, seeds averaged.
        data: panel and labels; outcomes that closed late, after the planned exit of the last day, are not looked at.
        horizon_d: which horizon.
    """
    sessions = sorted(scores["session"].unique())
    if not sessions:
        return None
    before = settled_by(data, sessions, horizon_d)
    rows = _grouped(scores, data).join(_outcomes(data, sessions, horizon_d, before), on=["session", "code"])
    rows = rows.drop_nulls(["place", "outcome"])
    days = rows["session"].n_unique()
    if days < _LEAST_DAYS or rows.height < _LEAST_ROWS:
        return None
    place, outcome = rows["place"].to_numpy(), rows["outcome"].to_numpy().astype(np.float64)
    centre = _centre(place, outcome)
    left, group = outcome - centre[place], rows["group"].to_numpy()
    every = conformal_bounds(left)
    bounds = [
        conformal_bounds(left[group == one]) if (group == one).sum() >= _LEAST_ROWS else every for one in range(_GROUPS)
    ]
    low, high = zip(*bounds, every, strict=True)
    return Intervals(LEVEL, horizon_d, tuple(centre.tolist()), low, high, days, rows.height, sessions[-1], before)


def _grouped(scores: pl.DataFrame, data: TrainingData) -> pl.DataFrame:
    """Place (twentieth of the list) and risk group of every scored row, sorted by key."""
    sessions = sorted(scores["session"].unique())
    day = ["session", "horizon_d"]
    ranked = scores.with_columns(pl.col("score").cast(pl.Float64).fill_nan(None)).join(
        _risk(data, sessions), on=["session", "code"], how="left"
    )
    return ranked.select(
        *_KEY,
        _part("score", _PLACES, day).alias("place"),
        _part("risk", _GROUPS, day).fill_null(_GROUPS).alias("group"),
    ).sort(_KEY)


def _part(column: str, parts: int, day: list[str]) -> pl.Expr:
    """Which of so many equal parts of its day a value lies in, by average rank; null without a value."""
    place = (pl.col(column).rank("average") - 0.5) / pl.col(column).count()
    return (place * parts).floor().clip(0, parts - 1).over(day).cast(pl.Int64)


def _risk(data: TrainingData, sessions: Sequence[date]) -> pl.DataFrame:
    """[session, code, risk] of the cross-sections; empty where the panel does not hold the volatility."""
    if RISK not in data.panel.names:
        return pl.DataFrame(schema={"session": pl.Date, "code": pl.String, "risk": pl.Float64})
    table = data.table(sessions)
    frame = data.scores_frame(table, 1, table.values[:, data.panel.names.index(RISK)])
    return frame.select("session", "code", pl.col("score").alias("risk"))


def _outcomes(data: TrainingData, sessions: Sequence[date], horizon_d: int, before: date) -> pl.DataFrame:
    """[session, code, outcome] of the cross-sections, known before a decision."""
    grid = data.day_targets(sessions, horizon_d, label=OUTCOME, before=before)
    day, stock = np.nonzero(np.isfinite(grid))
    return pl.DataFrame(
        {
            "session": pl.Series(sessions, dtype=pl.Date).gather(day),
            "code": pl.Series(data.panel.codes, dtype=pl.String).gather(stock),
            "outcome": pl.Series(grid[day, stock].astype(np.float64)),
        }
    )


def _centre(place: npt.NDArray[np.int64], outcome: Floats) -> Floats:
    """Mean outcome of each part of the list, made monotone; a part nobody is in takes its neighbours' value."""
    count = np.bincount(place, minlength=_PLACES)
    total = np.bincount(place, weights=outcome, minlength=_PLACES)
    held = np.flatnonzero(count)
    means = isotonic_regression(total[held] / count[held], weights=count[held]).x
    return np.asarray(np.interp(np.arange(_PLACES), held, means))


def conformal_bounds(left: Floats) -> tuple[float, float]:
    """Conformal quantiles: the ranks that leave (1 - level) / 2 of n + 1 exchangeable values outside on either side."""
    n, tail = len(left), (1 - LEVEL) / 2
    ordered = np.sort(left)
    low = int(np.floor(round((n + 1) * tail, 9))) - 1
    high = int(np.ceil(round((n + 1) * (1 - tail), 9))) - 1
    return float(ordered[max(low, 0)]), float(ordered[min(high, n - 1)])
