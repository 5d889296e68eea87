"""Split indices beside the libraries: combinatorial splits as skfolio and purgedcv cut them, walks as purgedcv does."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import purgedcv
import pytest
from skfolio.model_selection import CombinatorialPurgedCV

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.dataset.combinatorial import combinatorial_folds
from gogoku_pipeline.dataset.splits import label_span, walk_forward

FIRST = date(2024, 1, 1)


def _days(count):
    return tuple(FIRST + timedelta(days=n) for n in range(count))


def _places(days):
    return [(day - FIRST).days for day in days]


def _times(count, span):
    """Decision and the last moment of its label, so that touching counts as overlapping."""
    decision = pd.Series(pd.date_range(FIRST, periods=count, freq="D"))
    return {"prediction_times": decision, "evaluation_times": decision + pd.Timedelta(days=span + 1)}


@pytest.mark.parametrize(("count", "blocks", "held", "horizon", "embargo"), [
    (300, 6, 2, 5, 20), (307, 6, 2, 5, 20), (240, 6, 3, 1, 1), (600, 10, 2, 20, 20), (250, 5, 4, 5, 6),
])  # fmt: skip
def test_combinatorial_splits_equal_skfolio(count, blocks, held, horizon, embargo):
    ours = combinatorial_folds(_days(count), horizon, n_blocks=blocks, n_test=held, embargo=embargo)
    theirs = CombinatorialPurgedCV(blocks, held, purged_size=label_span(horizon), embargo_size=embargo)
    splits = list(theirs.split(np.zeros((count, 1))))
    assert len(ours) == len(splits) == theirs.n_splits
    for fold, (train, tests) in zip(ours, splits, strict=True):
        assert _places(fold.train) == train.tolist()
        assert _places(fold.test) == np.concatenate(tests).tolist()
    assert [list(fold.paths) for fold in ours] == theirs.get_path_ids().tolist()


@pytest.mark.parametrize(("count", "blocks", "held", "horizon", "embargo"), [(300, 6, 2, 5, 20), (240, 6, 3, 1, 3)])
def test_combinatorial_splits_equal_purgedcv(count, blocks, held, horizon, embargo):
    span = label_span(horizon)
    ours = combinatorial_folds(_days(count), horizon, n_blocks=blocks, n_test=held, embargo=embargo)
    theirs = purgedcv.CombinatorialPurgedCV(
        blocks, held, **_times(count, span), embargo=pd.Timedelta(days=embargo - 1),
        purge_horizon=pd.Timedelta(0),
    )  # fmt: skip
    for fold, (train, test) in zip(ours, theirs.split(np.zeros((count, 1))), strict=True):
        assert _places(fold.train) == train.tolist()
        assert _places(fold.test) == sorted(test.tolist())


def test_walk_forward_blocks_and_the_purge_before_them_equal_purgedcv():
    horizon, embargo, folds = 5, 20, 4
    ours = walk_forward(_days(600), folds, horizon, embargo=embargo, min_train=256, validation=40)
    size = len(ours[0].test)
    assert {len(fold.test) for fold in ours} == {size}, "blocks of one length, as purgedcv cuts them"
    theirs = purgedcv.WalkForwardSplit(
        n_splits=folds, test_size=size, **_times(600, label_span(horizon)), purge_horizon=pd.Timedelta(0)
    )
    for fold, (train, test) in zip(ours, theirs.split(np.zeros((600, 1))), strict=True):
        assert _places(fold.test) == test.tolist()
        assert _places(fold.validation)[-1] == train[-1], "what stops the learning ends where purgedcv ends training"


def test_every_session_is_predicted_once_on_each_path():
    folds = combinatorial_folds(_days(300), 5)
    assert len(folds) == 15
    paths = {path for fold in folds for path in fold.paths}
    assert paths == set(range(5))
    for path in paths:
        blocks = sorted(b for fold in folds for b, p in zip(fold.blocks, fold.paths, strict=True) if p == path)
        assert blocks == list(range(6))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"embargo": 0}, "embargo 0 with horizon 5 leaks labels"),
        ({"n_test": 6}, "n_test < n_blocks"),
        ({"n_test": 0}, "n_test < n_blocks"),
        ({"n_blocks": 12}, "blocks longer than purge plus embargo"),
    ],
)
def test_splits_that_contradict_themselves_are_refused_by_name(arguments, words):
    with pytest.raises(DatasetError, match=words):
        combinatorial_folds(_days(300), 5, **arguments)
