"""Laws every set of folds obeys, whatever its settings."""

from datetime import date

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.splits import final_split, label_span, walk_forward

SESSIONS = tse_calendar(date(2019, 1, 1), date(2023, 12, 29)).sessions


@st.composite
def splits(draw):
    horizon = draw(st.sampled_from((1, 5, 10, 20)))
    embargo = draw(st.integers(horizon, 30))
    sizes = {
        "n_folds": draw(st.integers(1, 6)),
        "min_train": draw(st.integers(1, 300)),
        "validation": draw(st.integers(1, 60)),
    }
    count = draw(st.integers(50, len(SESSIONS)))
    days = SESSIONS[:count]
    rolling = draw(st.one_of(st.none(), st.integers(300, 500)))
    try:
        folds = walk_forward(days, horizon_d=horizon, embargo=embargo, max_train=rolling, **sizes)
    except DatasetError:
        assume(False)
    return days, horizon, embargo, folds


@settings(max_examples=150, deadline=None)
@given(splits())
def test_no_label_seen_in_training_ends_on_or_after_a_decision_it_is_judged_on(split):
    days, horizon, _, folds = split
    place = {day: index for index, day in enumerate(days)}
    span = label_span(horizon)
    for fold in folds:
        assert place[fold.train[-1]] + span < place[fold.validation[0]]
        assert place[fold.train[-1]] + span < place[fold.test[0]]
        assert place[fold.validation[-1]] + span < place[fold.test[0]]


@settings(max_examples=150, deadline=None)
@given(splits())
def test_embargo_separates_train_from_validation_and_uncounted_from_counted(split):
    days, horizon, embargo, folds = split
    place = {day: index for index, day in enumerate(days)}
    for fold in folds:
        between = place[fold.validation[0]] - place[fold.train[-1]] - 1
        assert between == embargo + label_span(horizon)
        assert fold.counted == fold.test[embargo:]
        assert fold.counted


@settings(max_examples=100, deadline=None)
@given(splits())
def test_test_blocks_follow_each_other_to_the_last_session(split):
    days, _, _, folds = split
    joined = tuple(day for fold in folds for day in fold.test)
    assert joined == days[len(days) - len(joined) :]
    assert [fold.index for fold in folds] == list(range(len(folds)))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n_folds": 2, "horizon_d": 5, "embargo": 0}, "embargo 0 with horizon 5 leaks labels"),
        ({"n_folds": 2, "horizon_d": 0}, "horizon_d"),
        ({"n_folds": 0, "horizon_d": 5}, "n_folds"),
        ({"n_folds": 2, "horizon_d": 5, "max_train": 10}, "max_train 10 below min_train"),
        ({"n_folds": 60, "horizon_d": 5}, "something is left to count"),
    ],
)
def test_contradictions_are_refused_by_name(arguments, words):
    with pytest.raises(DatasetError, match=words):
        walk_forward(SESSIONS, **arguments)


def test_unsorted_sessions_are_refused():
    with pytest.raises(DatasetError, match="ascending"):
        walk_forward(SESSIONS[::-1], 2, 5)


def test_a_version_learns_only_labels_that_ended_by_its_cut_off():
    cutoff = SESSIONS[500]
    train, validation = final_split(SESSIONS, cutoff, 5, embargo=20, validation=40)
    assert SESSIONS.index(validation[-1]) + label_span(5) == SESSIONS.index(cutoff)
    assert SESSIONS.index(train[-1]) + label_span(5) < SESSIONS.index(validation[0])
    with pytest.raises(DatasetError, match="cut-off"):
        final_split(SESSIONS, SESSIONS[30], 5)
