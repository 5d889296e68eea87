"""The hold-out stays shut until a promoted design opens it, once, and the log of openings cannot be rewritten."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.dataset.exits import LATE_EXIT_SESSIONS
from gogoku_pipeline.dataset.holdout import OPENINGS, Holdout, check_openings, opening
from gogoku_pipeline.dataset.splits import Fold, label_span, refuse_overlapping, walk_forward

DAYS = tuple(date(2023, 1, 2) + timedelta(days=n) for n in range(400))
HOLDOUT = Holdout(DAYS[300])
NOW = datetime(2024, 5, 8, 20, 0, tzinfo=JST)
EMPTY = pl.DataFrame(schema=OPENINGS.polars_schema)


def _opened(*designs):
    log = EMPTY
    for number, design in enumerate(designs):
        when = NOW + timedelta(days=number)
        log = pl.concat([log, opening(log, HOLDOUT, design, DAYS[350], is_promoted=True, opened_at=when)])
    return log


def test_no_label_of_the_open_part_ends_inside_the_hold_out():
    for horizon in (1, 5, 20):
        last = HOLDOUT.before(DAYS, horizon)[-1]
        assert DAYS.index(last) + label_span(horizon) + LATE_EXIT_SESSIONS == 299
    assert HOLDOUT.after(DAYS) == DAYS[300:]


def test_the_start_does_not_creep_with_today():
    assert HOLDOUT.before(DAYS, 5) == HOLDOUT.before(DAYS[:310], 5)
    assert HOLDOUT.before(DAYS[:200], 5) == DAYS[:200]


def test_a_hold_out_over_everything_leaves_nothing_to_learn():
    with pytest.raises(DatasetError, match="no session before it"):
        Holdout(DAYS[0]).before(DAYS, 5)


def test_each_promoted_design_opens_once():
    log = _opened("a", "b")
    assert log["number"].to_list() == [0, 1]
    with pytest.raises(DatasetError, match="second opening"):
        opening(log, HOLDOUT, "a", DAYS[350], is_promoted=True, opened_at=NOW)
    with pytest.raises(DatasetError, match="not promoted"):
        opening(log, HOLDOUT, "c", DAYS[350], is_promoted=False, opened_at=NOW)
    with pytest.raises(DatasetError, match="a start that was"):
        opening(log, Holdout(DAYS[310]), "c", DAYS[350], is_promoted=True, opened_at=NOW)
    with pytest.raises(DatasetError, match="nothing from its start"):
        opening(log, HOLDOUT, "c", DAYS[299], is_promoted=True, opened_at=NOW)
    with pytest.raises(DatasetError, match="naive"):
        opening(log, HOLDOUT, "c", DAYS[350], is_promoted=True, opened_at=NOW.replace(tzinfo=None))


def test_a_hold_out_that_was_read_is_followed_only_by_one_that_starts_later_than_anything_seen():
    log = _opened("a")
    with pytest.raises(DatasetError, match="read through"):
        opening(log, Holdout(DAYS[350]), "a", DAYS[390], is_promoted=True, opened_at=NOW)
    line = opening(log, Holdout(DAYS[351]), "a", DAYS[390], is_promoted=True, opened_at=NOW)
    check_openings(pl.concat([log, line]))


@pytest.mark.parametrize("rewrite", [
    lambda log: log.filter(pl.col("number") != 1),
    lambda log: log.filter(pl.col("number") != 0).with_columns(pl.col("number") - 1),
    lambda log: log.with_columns(pl.when(pl.col("number") == 1).then(pl.lit("x")).otherwise("design").alias("design")),
    lambda log: log.with_columns(pl.col("opened_at") - pl.duration(days=1)),
    lambda log: log.with_columns(pl.col("read_through") - pl.duration(days=1)),
], ids=["a line removed", "the first removed and renumbered", "a design changed", "an instant changed",
        "a reach changed"])  # fmt: skip
def test_a_rewritten_log_is_noticed(rewrite):
    log = _opened("a", "b", "c")
    check_openings(log)
    with pytest.raises(DatasetError, match="does not fit"):
        check_openings(rewrite(log))


def _fold(index, train, validation, test):
    return Fold(index, DAYS[train], DAYS[validation], DAYS[test], DAYS[test])


def test_folds_that_overlap_are_refused_by_name():
    first = _fold(0, slice(0, 50), slice(60, 70), slice(80, 100))
    refuse_overlapping([first, _fold(1, slice(0, 70), slice(80, 90), slice(100, 120))])
    with pytest.raises(DatasetError, match="folds 0 and 1: got both predict"):
        refuse_overlapping([first, _fold(1, slice(0, 50), slice(60, 70), slice(99, 120))])
    with pytest.raises(DatasetError, match="fold 2: got training, validation and test sessions that overlap"):
        refuse_overlapping([_fold(2, slice(0, 61), slice(60, 70), slice(80, 100))])
    refuse_overlapping(walk_forward(DAYS, 2, 5, min_train=100))
