"""Flat tables for models that read one session at a time: trees, ridge, rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.dataset.batches import DayTable, TrainingData
from gogoku_pipeline.dataset.splits import label_span
from gogoku_pipeline.evaluation.dispersion import MIN_UNIQUE_RATIO
from gogoku_pipeline.evaluation.ic import rank_ic
from gogoku_pipeline.training.recipes import TARGET

Floats = npt.NDArray[np.float32]


def targets_of(data: TrainingData, table: DayTable, horizon_d: int, before: date | None) -> Floats:
    """Target of each row [rows]; NaN where there is none or where it is known only from `before` on."""
    grid = data.day_targets(table.sessions, horizon_d, label=TARGET, before=before)
    return np.asarray(grid[table.day, table.stocks])


def settled_by(data: TrainingData, sessions: Sequence[date], horizon_d: int) -> date:
    """The first decision after the planned exit of the last of some sessions' labels.

    A label known only from then on closed late; what is fitted or stopped by these sessions must not look at it.
    """
    place = data.panel.index(sessions[-1]) + label_span(horizon_d) + 1
    held = data.sessions
    return held[place] if place < len(held) else held[-1] + timedelta(days=1)


def labelled(
    data: TrainingData, sessions: Sequence[date], horizon_d: int, before: date | None
) -> tuple[Floats, Floats]:
    """Values [rows, F] and targets [rows] of the rows that have a target."""
    table = data.table(sessions)
    targets = targets_of(data, table, horizon_d, before)
    keep = np.isfinite(targets)
    return table.values[keep], targets[keep]


def daily_metric(days: npt.NDArray[np.int64], targets: Floats) -> Callable[[npt.NDArray[np.float64]], float]:
    """Mean daily RankIC of predictions as a function of them.

    Args:
        days: day of each row [rows], ascending.
        targets: target of each row [rows].
    """
    starts = np.flatnonzero(np.diff(days, prepend=-1))
    spans = list(zip(starts, [*starts[1:], len(days)], strict=True))
    wanted = targets.astype(np.float64)

    def metric(predictions: npt.NDArray[np.float64]) -> float:
        ics = [rank_ic(predictions[start:stop], wanted[start:stop]) for start, stop in spans]
        finite = [value for value in ics if np.isfinite(value)]
        return float(np.mean(finite)) if finite else float("nan")

    return metric


def telling(days: npt.NDArray[np.int64]) -> Callable[[npt.NDArray[np.float64]], bool]:
    """Whether predictions leave no day degenerate, as a function of them; days of each row ascending [rows]."""
    starts = np.flatnonzero(np.diff(days, prepend=-1))
    spans = list(zip(starts, [*starts[1:], len(days)], strict=True))

    def tells(predictions: npt.NDArray[np.float64]) -> bool:
        return all(
            np.unique(predictions[start:stop]).size >= MIN_UNIQUE_RATIO * (stop - start) for start, stop in spans
        )

    return tells
