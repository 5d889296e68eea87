"""Part 5, label alignment, between blocks: nothing is judged by labels that training or early stopping has seen."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import polars as pl

from gogoku_pipeline.audit.case import Answer, Case
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.splits import Fold, label_span
from gogoku_pipeline.features.laws import Violation

LAW = "folds"


def folds(case: Case) -> Answer:
    """Blocks are apart by purge and embargo, no session is in two of them, and test blocks do not overlap.

    Purge: the last planned exit of a block comes before the first decision of the next. Embargo: at least one label
    horizon more between training and validation, and as many sessions at the head of a test block that do not count.
    """
    found: list[Violation] = []
    for fold in case.every_fold:
        found += [*_shared(fold), *_unpurged(fold, case.road.horizon_d), *_without_embargo(fold, case.road.horizon_d)]
    for early, late in pairwise(case.every_fold):
        if twice := sorted(set(early.test) & set(late.test)):
            found.append(_said(late, "test", twice[0], f"{len(twice)} sessions are judged in two folds"))
    return found, sum(len(fold.train) + len(fold.validation) + len(fold.test) for fold in case.every_fold)


def versions(case: Case) -> Answer:
    """A version trained at a cut-off learns and stops on labels that were known by then."""
    cutoff = case.moments[-1].session
    train, validation = case.road.split([day for day in case.learnt_sessions if day <= cutoff], cutoff)
    found: list[Violation] = []
    last = tse_calendar().shift(max(validation), label_span(case.road.horizon_d))
    if last > cutoff:
        words = f"its last label ends on {last}, after the cut-off"
        found.append(Violation("versions", "validation", max(validation), "", words))
    found += [
        Violation("versions", one.feature, one.session, "", one.words)
        for one in _unpurged(Fold(0, train, validation, (), ()), case.road.horizon_d)
    ]
    return found, len(train) + len(validation)


def rows_learnt(case: Case) -> Answer:
    """Labels have one row per key, and what a fit is given of them was known before its first validation decision."""
    labels, fold = case.learning.labels, case.fold
    key = ["session", "code", "horizon_d"]
    found: list[Violation] = []
    twice = labels.filter(labels.select(key).is_duplicated())
    if twice.height:
        session, code = twice.sort(key).select("session", "code").row(0)
        found.append(Violation("rows_learnt", "labels", session, code, f"{twice.height} rows share a key"))
    before = fold.validation[0]
    given = case.learning.day_targets(fold.train, case.road.horizon_d, before=before)
    late = labels.filter(
        (pl.col("horizon_d") == case.road.horizon_d)
        & pl.col("session").is_in(list(fold.train))
        & (pl.col("available_at").dt.date() >= before)
    )
    rows = {day: row for row, day in enumerate(fold.train)}
    places = case.learning.panel.places
    known = [
        (session, code)
        for session, code in late.select("session", "code").iter_rows()
        if code in places and given[rows[session], places[code]] == given[rows[session], places[code]]
    ]
    if known:
        words = f"{len(known)} labels are learnt that were known only from {before} on"
        found.append(Violation("rows_learnt", "labels", known[0][0], known[0][1], words))
    return found, int((given == given).sum())


def _shared(fold: Fold) -> list[Violation]:
    blocks = {"train": fold.train, "validation": fold.validation, "test": fold.test}
    found = []
    for one, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        if both := sorted(set(blocks[one]) & set(blocks[other])):
            found.append(_said(fold, one, both[0], f"{len(both)} sessions are in {other} as well"))
    return found


def _unpurged(fold: Fold, horizon_d: int) -> list[Violation]:
    found = []
    for name, block, after in (("train", fold.train, fold.validation), ("validation", fold.validation, fold.test)):
        if not block or not after:
            continue
        last = tse_calendar().shift(max(block), label_span(horizon_d))
        if last >= min(after):
            words = f"no purge: its last label ends on {last}, the next block begins on {min(after)}"
            found.append(_said(fold, name, max(block), words))
    return found


def _without_embargo(fold: Fold, horizon_d: int) -> list[Violation]:
    found = []
    calendar = tse_calendar()
    apart = calendar.index(min(fold.validation)) - calendar.index(max(fold.train)) - 1
    if apart < label_span(horizon_d) + horizon_d:
        words = f"no embargo: {apart} sessions to validation, want {label_span(horizon_d) + horizon_d}"
        found.append(_said(fold, "train", max(fold.train), words))
    if (head := calendar.index(min(fold.counted)) - calendar.index(min(fold.test))) < horizon_d:
        words = f"no embargo: {head} uncounted sessions at its head, want {horizon_d}"
        found.append(_said(fold, "test", min(fold.test), words))
    return found


def _said(fold: Fold, block: str, session: date, words: str) -> Violation:
    return Violation(LAW, f"fold {fold.index} {block}", session, "", words)
