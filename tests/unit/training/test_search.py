"""A search in stages: repeatable, interruptible, honest about what it tried, and stopped where it should be."""

import math
from dataclasses import replace

import optuna
import pytest

from gogoku_pipeline.core.errors import ConfigError, DatasetError
from gogoku_pipeline.training.search import Question, Stage, search, verdict_of
from gogoku_pipeline.training.search_space import SPACE, Dial, turned, values_of

SMALL = (Stage("dry", 1, 1, most_failed=0.0), Stage("short", 3, 2, share_of_bar=0.1))
RATES = (Dial("train.learning_rate", 1e-3, 1e-2, is_log=True), Dial("loss.listnet", 0.0, 1.0))


@pytest.fixture
def question(ranker, folds):
    short = replace(folds[0], train=folds[0].train[-32:], validation=folds[0].validation[-8:])
    return Question(ranker, RATES, (short,), 5)


def test_a_search_goes_through_its_stages_and_ends_with_a_recipe(question, data, tmp_path):
    tried = []
    found = search(question, data, tmp_path / "journal.log", tried.append, SMALL)
    assert [(verdict.stage, verdict.is_go) for verdict in found.verdicts] == [("dry", True), ("short", True)]
    assert found.bar > 0.1 and all(str(round(found.bar, 4))[:5] in verdict.reason for verdict in found.verdicts)
    assert found.recipe.train.learning_rate == found.verdicts[-1].values["train.learning_rate"]
    assert found.recipe.train.epochs == question.recipe.train.epochs, "stages are short, the find is not"
    assert len(tried) == 4 and all(trial.model == question.recipe.name for trial in tried)
    assert len({trial.config_hash for trial in tried}) == 4, "the dry run of the first setting is shorter than the next"


def test_a_search_starts_where_the_recipe_stands(question, data, tmp_path):
    tried = []
    search(question, data, tmp_path / "journal.log", tried.append, SMALL[:1])
    loop = replace(question.recipe.train, epochs=1, smoothing=1)
    assert tried[0].config_hash == replace(question.recipe, train=loop).config_hash


class StoppedError(Exception):
    """Somebody pulled the plug."""


def test_an_interrupted_search_goes_on_with_what_is_left_and_repeats(question, data, tmp_path):
    def until(count, tried):
        def record(trial):
            tried.append(trial)
            if len(tried) == count:
                raise StoppedError

        return record

    first, rest, whole = [], [], []
    with pytest.raises(StoppedError):
        search(question, data, tmp_path / "a.log", until(3, first), SMALL)
    search(question, data, tmp_path / "a.log", rest.append, SMALL)
    assert len(rest) == 1, "the trial that was cut off counts as a failed one"
    search(question, data, tmp_path / "b.log", whole.append, SMALL)
    assert whole[:3] == first


def test_a_stage_far_below_the_bar_says_no_go(question, data, tmp_path):
    stages = (replace(SMALL[1], trials=1, epochs=1, share_of_bar=5.0), SMALL[0])
    found = search(question, data, tmp_path / "journal.log", lambda trial: None, stages)
    assert found.recipe is None and len(found.verdicts) == 1
    assert found.verdicts[0].reason.startswith("no-go: at least")


def test_a_stage_whose_trials_fail_says_no_go(question, data, tmp_path):
    bad = replace(question, space=(Dial("model.heads", choices=(5, 7)),))
    found = search(bad, data, tmp_path / "journal.log", lambda trial: None, (replace(SMALL[0], trials=2),))
    assert found.verdicts[0].counts == (0, 0, 2) and math.isnan(found.verdicts[0].best)
    assert "at most 0% may fail" in found.verdicts[0].reason


def test_a_hopeless_trial_is_cut_short(question, data, tmp_path):
    dial = (Dial("train.learning_rate", choices=(5e-3, 1e-9)),)
    stage = Stage("short", 6, 3, share_of_bar=0.0)
    found = search(replace(question, space=dial), data, tmp_path / "journal.log", lambda trial: None, (stage,))
    ended, cut, failed = found.verdicts[0].counts
    assert cut >= 1 and failed == 0 and ended + cut == 6
    assert found.verdicts[0].values == {"train.learning_rate": 5e-3}


def test_dials_are_read_and_turned_by_name(ranker):
    values = values_of(ranker, SPACE)
    assert values["loss.listnet"] == 0.3 and values["train.days_per_step"] == 4
    other = turned(ranker, {"model.dropout": 0.2, "loss.ranknet": 0.5, "train.epochs": 3})
    assert (other.model.dropout, other.train.loss.ranknet, other.train.epochs) == (0.2, 0.5, 3)
    assert turned(ranker, values) == ranker


@pytest.mark.parametrize("name", ["model.nothing", "loss.nothing", "elsewhere.dropout", "dropout"])
def test_dials_the_recipe_does_not_have_are_refused_by_name(ranker, name):
    with pytest.raises(ConfigError, match=name):
        values_of(ranker, [Dial(name, 0.0, 1.0)])
    with pytest.raises(ConfigError, match=name):
        turned(ranker, {name: 1})


def test_ranges_that_are_none_are_refused():
    with pytest.raises(ConfigError, match="a range, or choices"):
        Dial("train.epochs", 3, 3)
    with pytest.raises(ConfigError, match="above zero"):
        Dial("train.clip", 0.0, 1.0, is_log=True)


def test_a_search_without_folds_is_refused(question, data, tmp_path):
    with pytest.raises(DatasetError, match="no folds"):
        search(replace(question, folds=()), data, tmp_path / "journal.log", lambda trial: None)


def test_whole_numbers_are_searched_as_such():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    found = {Dial("model.depth", 1, 3).suggested(study.ask()) for _ in range(20)}
    assert found == {1, 2, 3}


@pytest.mark.parametrize(("best", "bar", "is_go"), [(-0.01, -0.08, False), (0.01, -0.08, True), (0.01, 0.04, False)])
def test_a_bar_that_ranks_backwards_asks_for_nothing_less_than_chance(best, bar, is_go):
    study = optuna.create_study(direction="maximize")
    study.add_trial(optuna.trial.create_trial(value=best))
    assert verdict_of(Stage("short", 1, 1, share_of_bar=0.5), study, bar).is_go is is_go
