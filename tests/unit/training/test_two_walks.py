"""Two walks at once: one waits for the other's fit and finds it finished."""

import threading
from dataclasses import replace

import pytest

from gogoku_pipeline.core.errors import TrainingError
from gogoku_pipeline.training.config import Place
from gogoku_pipeline.training.final import train_version
from gogoku_pipeline.training.recipe_ladder import LadderRecipe
from gogoku_pipeline.training.recipes import kept_in, run_folder
from gogoku_pipeline.training.run_folder import exclusive_training
from gogoku_pipeline.training.run_ledger import read_run
from gogoku_pipeline.training.walk_forward import run_walk_forward


class Slow:
    """A recipe whose fit lasts until somebody else has asked for it."""

    def __init__(self, recipe, asked):
        self.recipe, self.asked, self.fitted = recipe, asked, 0

    def __getattr__(self, name):
        return getattr(self.recipe, name)

    def fit(self, *arguments):
        self.fitted += 1
        self.asked.wait(timeout=5)
        return self.recipe.fit(*arguments)


def test_a_fit_is_never_made_twice_at_once(data, folds, tmp_path):
    asked = threading.Event()
    first, second = Slow(LadderRecipe("ridge"), asked), Slow(LadderRecipe("ridge"), asked)
    results = {}

    def walk(name, recipe):
        results[name] = run_walk_forward(recipe, data, folds[:1], (1,), 5, cache_dir=tmp_path)

    threads = [threading.Thread(target=walk, args=pair) for pair in (("a", first), ("b", second))]
    for thread in threads:
        thread.start()
    asked.set()
    for thread in threads:
        thread.join(timeout=60)
    assert first.fitted + second.fitted == 1
    assert sorted(result.resumed for result in results.values()) == [0, 1]
    assert results["a"].scores.equals(results["b"].scores)


def test_a_walk_leaves_the_ledger_of_each_fit_and_no_checkpoint(data, folds, ranker, tmp_path):
    recipe = ranker.kept_in(Place(tmp_path / "runs"))
    assert recipe.config_hash == ranker.config_hash, "where traces lie is no part of a design"
    run_walk_forward(recipe, data, folds[:1], (1, 2), 5, cache_dir=tmp_path / "fits")
    runs = sorted((tmp_path / "runs" / recipe.name / "walks").iterdir())
    assert len(runs) == 2
    for run in runs:
        assert {line["kind"] for line in read_run(run)} == {"run", "epoch", "decision"}
        assert not (run / "checkpoint.pt").exists()


def test_a_recipe_without_runs_has_no_folder():
    rung = LadderRecipe("ridge")
    assert run_folder(rung, "walks") is None
    assert kept_in(rung, None) is rung


@pytest.mark.parametrize("names", [("20240508",), ("walks", "ab")])
def test_runs_lie_under_their_recipes_name(ranker, tmp_path, names):
    assert run_folder(ranker.kept_in(Place(tmp_path)), *names) == tmp_path.joinpath(ranker.name, *names)


def test_a_cut_off_is_trained_once_at_a_time(data, market, ranker, store, tmp_path):
    cutoff, recipe = market.sessions[140], ranker.kept_in(Place(tmp_path))
    short = replace(recipe, train=replace(recipe.train, epochs=1))
    with (
        exclusive_training(run_folder(short, f"{cutoff:%Y%m%d}"), "the first"),
        pytest.raises(TrainingError, match=f"at cut-off {cutoff}: got already running in process"),
    ):
        train_version(short, data, cutoff, (1,), store, validation=15)
    made = train_version(short, data, cutoff, (1,), store, validation=15)
    folder = run_folder(short, made.version, "seed-1")
    assert [line["kind"] for line in read_run(folder)] == ["run", "epoch", "decision"]
    assert not (folder / "checkpoint.pt").exists(), "the version is kept: nothing is left to resume"
