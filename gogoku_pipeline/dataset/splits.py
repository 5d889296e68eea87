"""Purged walk-forward folds: learn from the past, stop on the nearer past, judge on what came after.

A fold is train | purge + embargo | validation | purge | test. The purge is the label span (entry delay 1 + horizon),
so no label that training or early stopping saw ends on or after the first decision it is judged on; the embargo keeps
train and validation further apart, and the first `embargo` sessions of each test block are predicted but not counted.
Everything is counted in sessions. Source: evaluation.md 2; Lopez de Prado, Advances in Financial ML, ch. 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from gogoku_pipeline.core.errors import DatasetError

ENTRY_DELAY = 1
"""Sessions between decision and entry."""


@dataclass(frozen=True)
class Fold:
    """One step of the walk: what may be learnt from, what stops the learning, what is judged.

    Attributes:
        index: 0, 1, 2 ... in time order.
        train: decisions whose labels are learnt.
        validation: decisions whose labels choose when to stop.
        test: decisions that are predicted.
        counted: the tail of `test` that is judged.
    """

    index: int
    train: tuple[date, ...]
    validation: tuple[date, ...]
    test: tuple[date, ...]
    counted: tuple[date, ...]


def label_span(horizon_d: int) -> int:
    """Sessions from a decision to its label's exit: entry delay plus horizon."""
    return ENTRY_DELAY + horizon_d


def walk_forward(
    sessions: Sequence[date],
    n_folds: int,
    horizon_d: int,
    embargo: int = 20,
    min_train: int = 250,
    validation: int = 40,
    max_train: int | None = None,
) -> list[Fold]:
    """Folds whose test blocks follow each other to the end of `sessions`.

    Args:
        sessions: ascending exchange sessions with features (labels may still be missing at the end).
        n_folds: number of test blocks, of equal length (the last takes the remainder).
        horizon_d: label horizon.
        embargo: sessions between train and validation beyond the purge, and uncounted head of each test block.
        min_train: least training sessions of the first fold.
        validation: sessions of each validation block.
        max_train: None for an anchored (expanding) training set, else a rolling one of at most that many sessions.

    Raises:
        DatasetError: arguments that contradict each other, or too few sessions; the message names both.
    """
    _refuse_contradictions(n_folds, horizon_d, embargo, min_train, validation, max_train)
    days = ascending(sessions)
    gap = label_span(horizon_d)
    first_test = min_train + gap + embargo + validation + gap
    block = (len(days) - first_test) // n_folds
    if block <= embargo:
        raise _bad(
            f"{n_folds} folds over {len(days)} sessions",
            f"test blocks of {max(block, 0)} sessions with an embargo of {embargo}",
            f"at least {first_test + n_folds * (embargo + 1)} sessions, so that something is left to count",
            "Load more history, or lower n_folds, min_train, validation or embargo.",
        )
    folds = [
        _fold(days, index, first_test, block, (n_folds, gap, embargo, validation, max_train))
        for index in range(n_folds)
    ]
    refuse_overlapping(folds)
    return folds


def refuse_overlapping(folds: Sequence[Fold]) -> None:
    """Raise DatasetError if a session is predicted by two folds, or a fold learns from what it is judged on.

    `walk_forward` asks this of its own folds; ask it of folds from anywhere else before walking them.
    """
    seen: dict[date, int] = {}
    for fold in folds:
        ordered = [part for part in (fold.train, fold.validation, fold.test) if part]
        if any(before[-1] >= after[0] for before, after in zip(ordered, ordered[1:], strict=False)):
            raise _bad(
                f"fold {fold.index}",
                "training, validation and test sessions that overlap",
                "each strictly after the one before",
                "Cut folds with walk_forward.",
            )
        for day in fold.test:
            if day in seen:
                raise _bad(
                    f"folds {seen[day]} and {fold.index}",
                    f"both predict {day}",
                    "test blocks that do not overlap",
                    "Cut folds with walk_forward.",
                )
            seen[day] = fold.index


def ascending(sessions: Sequence[date]) -> tuple[date, ...]:
    """The sessions as a tuple; DatasetError unless strictly ascending."""
    days = tuple(sessions)
    if list(days) != sorted(set(days)):
        raise _bad("sessions", "unsorted or repeated sessions", "strictly ascending ones", "Sort them first.")
    return days


def refuse_leaking_embargo(embargo: int, horizon_d: int) -> None:
    """Raise DatasetError for an embargo shorter than the label."""
    if embargo < horizon_d:
        raise _bad(
            "embargo and horizon_d",
            f"embargo {embargo} with horizon {horizon_d} leaks labels",
            f"an embargo of at least {horizon_d} sessions",
            "Use the default of 20 sessions.",
        )


def _fold(
    days: tuple[date, ...], index: int, first_test: int, block: int, shape: tuple[int, int, int, int, int | None]
) -> Fold:
    n_folds, gap, embargo, validation, max_train = shape
    start = first_test + index * block
    stop = len(days) if index == n_folds - 1 else start + block
    validation_stop = start - gap
    train_stop = validation_stop - validation - gap - embargo
    train_start = 0 if max_train is None else max(0, train_stop - max_train)
    return Fold(
        index=index,
        train=days[train_start:train_stop],
        validation=days[validation_stop - validation : validation_stop],
        test=days[start:stop],
        counted=days[start + embargo : stop],
    )


def final_split(
    sessions: Sequence[date], cutoff: date, horizon_d: int, embargo: int = 20, validation: int = 40
) -> tuple[tuple[date, ...], tuple[date, ...]]:
    """Train and validation sessions of a version trained at a cut-off: no label ends after it.

    Returns:
        (train, validation), both ascending; the last validation label ends on or before `cutoff`.

    Raises:
        DatasetError: fewer sessions than one validation block and one training session need.
    """
    _refuse_contradictions(1, horizon_d, embargo, 1, validation, None)
    days = tuple(day for day in sessions if day <= cutoff)
    gap = label_span(horizon_d)
    stop = len(days) - gap
    train_stop = stop - validation - gap - embargo
    if train_stop < 1:
        raise _bad(
            f"training at cut-off {cutoff}",
            f"{len(days)} sessions",
            f"more than {2 * gap + embargo + validation}",
            "Load more history, choose a later cut-off or a shorter validation block.",
        )
    return days[:train_stop], days[stop - validation : stop]


def _refuse_contradictions(
    n_folds: int, horizon_d: int, embargo: int, min_train: int, validation: int, max_train: int | None
) -> None:
    if horizon_d < 1:
        raise _bad("horizon_d", str(horizon_d), "at least one session", "Use 1, 5, 10 or 20.")
    refuse_leaking_embargo(embargo, horizon_d)
    for name, value in (("n_folds", n_folds), ("min_train", min_train), ("validation", validation)):
        if value < 1:
            raise _bad(name, str(value), "at least 1", "Correct the split's settings.")
    if max_train is not None and max_train < min_train:
        raise _bad(
            "max_train and min_train",
            f"max_train {max_train} below min_train {min_train}",
            "max_train >= min_train, or None",
            "Raise max_train.",
        )


def _bad(thing: str, got: str, want: str, remedy: str) -> DatasetError:
    return DatasetError(thing, got=got, want=want, remedy=remedy)
