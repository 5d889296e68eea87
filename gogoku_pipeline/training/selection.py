"""Feature selection inside a fold: which features a fit reads, chosen on its own training days and on nothing else.

Selecting on all days first and walking forward afterwards is the classic way to find what is not there: the choice has
seen the test. So a choice belongs to one fit, carries `fitted_through`, and is refused for any session up to it.

Features that are the same for every stock of a session (the market's, the calendar's) cannot order stocks by
themselves: mutual information and the lasso cannot judge them and leave them in; trees can, in interactions. Flags and
category codes are judged like numbers by trees and by mutual information (a bin per value); to the lasso a code is a
number, which says little of it. Sources: evaluation.md 1 (everything fitted records `fitted_through`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.errors import LeakError, TrainingError
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.dataset.batches import DayTable, TrainingData
from gogoku_pipeline.dataset.some_features import SomeFeatures
from gogoku_pipeline.models.selection_config import SelectionConfig
from gogoku_pipeline.training.flat import targets_of
from gogoku_pipeline.training.scoring_features import gain_scores, lasso_scores, mutual_information_scores

SELECTION = "selection"
"""Where a fit's settings and a version's manifest keep the choice."""
_log = logger("training")


@dataclass(frozen=True)
class Selection:
    """The features of one fit.

    Attributes:
        method: how they were chosen.
        kept: names, in the panel's order.
        scores: of every feature that was judged, higher is better.
        left_in: features the method could not judge.
        fitted_through: last session whose features and labels it looked at.
    """

    method: str
    kept: tuple[str, ...]
    scores: Mapping[str, float]
    left_in: tuple[str, ...]
    fitted_through: date

    def document(self) -> dict[str, Any]:
        """As settings and manifests keep it."""
        return {
            "method": self.method,
            "kept": list(self.kept),
            "scores": {name: float(f"{score:.6g}") for name, score in self.scores.items()},
            "left_in": list(self.left_in),
            "fitted_through": self.fitted_through.isoformat(),
        }

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> Selection:
        """The selection of a document."""
        through = date.fromisoformat(found["fitted_through"])
        return cls(found["method"], tuple(found["kept"]), dict(found["scores"]), tuple(found["left_in"]), through)

    def require_fitted_before(self, first: date) -> None:
        """Refuse a session the choice has seen.

        Raises:
            LeakError: the choice looked at `first` or beyond.
        """
        if self.fitted_through >= first:
            raise LeakError(
                f"selection of features by {self.method}",
                got=f"a choice fitted through {self.fitted_through}",
                want=f"fitted_through before {first}, the first session that is judged or served",
                remedy="Choose features on training sessions only, or serve a later session.",
            )


def fit_selection(
    data: TrainingData,
    train: Sequence[date],
    before: date,
    horizon_d: int,
    config: SelectionConfig,
    *,
    always: Sequence[str] = (),
    threads: int = 1,
) -> Selection:
    """Choose features on the training days of a fit.

    Args:
        data: panel and labels.
        train: training sessions, ascending.
        before: the first decision that must not profit; labels known on or after it are withheld.
        horizon_d: label horizon.
        config: method and how many.
        always: features the model names itself (its market vector); they stay beside `config.always`.
        threads: of LightGBM.

    Raises:
        TrainingError: no labelled training row, or nothing that says anything.
        DatasetError: a feature to keep that is not there.
    """
    table, targets = _rows(data, train, before, horizon_d, config.most_rows)
    alike = _alike(table) if config.method != "gain" else np.zeros(len(data.names), dtype=np.bool_)
    judged = np.flatnonzero(~alike)
    scores = _scores(data, table, targets, judged, config, threads)
    best = judged[np.argsort(-scores, kind="stable")][: config.keep]
    said = {data.names[place]: float(score) for place, score in zip(judged, scores, strict=True)}
    chosen = {data.names[place] for place in best if said[data.names[place]] > 0}
    if not chosen:
        raise _bad(f"no feature that says anything by {config.method}", "at least one")
    left_in = tuple(data.names[place] for place in np.flatnonzero(alike))
    stays = {*chosen, *left_in, *config.always, *always}
    unknown = tuple(name for name in (*config.always, *always) if name not in data.names)
    kept = tuple(name for name in data.names if name in stays)
    found = Selection(config.method, (*kept, *unknown), said, left_in, max(table.sessions))
    _log.info("%d of %d features chosen by %s", len(kept), len(data.names), config.method)
    return found


def chosen_data(
    data: TrainingData,
    days: tuple[Sequence[date], Sequence[date]],
    horizon_d: int,
    config: SelectionConfig,
    *,
    always: Sequence[str] = (),
    threads: int = 1,
    earlier: Mapping[str, Any] | None = None,
) -> tuple[TrainingData, dict[str, Any]]:
    """The data a fit reads and what its settings say of the choice; everything and nothing where none is asked for.

    Args:
        data: panel and labels.
        days: training and validation sessions.
        horizon_d: label horizon.
        config: method and how many.
        always: see `fit_selection`.
        threads: of LightGBM.
        earlier: document of the choice that weights to begin with were fitted on: they read no other features.
    """
    if not config.is_on:
        return data, {}
    train, validation = days
    if earlier is not None:
        found = Selection.read(earlier)
    else:
        found = fit_selection(data, train, validation[0], horizon_d, config, always=always, threads=threads)
    found.require_fitted_before(validation[0])
    return SomeFeatures(data, found.kept), {SELECTION: found.document()}


def served_data(data: TrainingData, settings: Mapping[str, Any]) -> TrainingData:
    """The data a fit scores, by its settings: exactly the features it was fitted on.

    Raises:
        DatasetError: a chosen feature that is not there.
    """
    return SomeFeatures(data, Selection.read(settings[SELECTION]).kept) if SELECTION in settings else data


def require_unseen(settings: Mapping[str, Any], sessions: Sequence[date]) -> None:
    """Raise LeakError where a fit with these settings would score a session its choice of features has seen."""
    if SELECTION in settings and sessions:
        Selection.read(settings[SELECTION]).require_fitted_before(min(sessions))


def _rows(
    data: TrainingData, train: Sequence[date], before: date, horizon_d: int, most: int
) -> tuple[DayTable, npt.NDArray[np.float32]]:
    """Whole training days, spread evenly, and the targets of their rows."""
    counts = sum(len(data.members(day)) for day in train)
    step = max(1, -(-counts // most))
    table = data.table(list(train)[::-step][::-1])
    targets = targets_of(data, table, horizon_d, before)
    keep = np.isfinite(targets)
    if not keep.any():
        raise _bad("no labelled training row", "some")
    return DayTable(table.sessions, table.day[keep], table.stocks[keep], table.values[keep]), targets[keep]


def _alike(table: DayTable) -> npt.NDArray[np.bool_]:
    """Features that move from day to day and on no day differ between two stocks that have them [F]."""
    starts = np.flatnonzero(np.diff(table.day, prepend=-1))
    low, high = (np.asarray(one.reduceat(table.values, starts, axis=0)) for one in (np.fmin, np.fmax))
    over_time = np.fmin.reduce(low, axis=0) < np.fmax.reduce(high, axis=0)
    return np.asarray(over_time & ~(low < high).any(axis=0))


def _scores(
    data: TrainingData,
    table: DayTable,
    targets: npt.NDArray[np.float32],
    judged: npt.NDArray[np.int64],
    config: SelectionConfig,
    threads: int,
) -> npt.NDArray[np.float64]:
    """Score of each judged feature."""
    values = table.values[:, judged]
    if config.method == "gain":
        return gain_scores(values, targets, table.day, tuple(data.names[place] for place in judged), threads)
    if config.method == "lasso":
        return lasso_scores(values, targets, config.keep)
    return mutual_information_scores(values, targets)


def _bad(got: str, want: str) -> TrainingError:
    return TrainingError(
        "selection of features", got=got, want=want, remedy="Check labels and folds, or leave the selection off."
    )
