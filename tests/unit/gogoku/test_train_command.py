"""`gogoku train` and `gogoku search`: dials by name, and the story of every run."""

import io

import pytest
from rich.console import Console

from gogoku.commands.train import stages_of, story, with_dials
from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.training.search import Found, StageVerdict
from resources.recipes import recipe
from resources.training_order import trained_here
from tests.unit.resources.training_house import MODEL, House


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return House(tmp_path_factory.mktemp("house"))


def test_dials_turn_the_network_its_loop_its_losses_and_its_stop(house):
    dials = ["model.dropout=0.2", "train.epochs=3", "loss.huber=0.5", 'stop.metrics={"ic": 1.0}', "train.averaging=swa"]
    made = recipe(MODEL, with_dials(house.compute, MODEL, dials))
    assert (made.model.dropout, made.train.epochs, made.train.averaging) == (0.2, 3, "swa")
    assert (made.train.loss.huber, made.train.loss.ranknet) == (0.5, 0.2), "what the place sets beside it stays"
    assert made.train.stop.name == "ic"
    assert made.config_hash != recipe(MODEL, house.compute).config_hash


@pytest.mark.parametrize("dial", ["epochs=3", "train.epochs", "other.epochs=3", "train.=3"])
def test_a_dial_of_another_form_is_refused(house, dial):
    with pytest.raises(ConfigError, match="train.epochs=20"):
        with_dials(house.compute, MODEL, [dial])


def test_dials_of_a_model_that_has_none_are_refused(house):
    assert with_dials(house.compute, "lightgbm", []) == house.compute
    with pytest.raises(ConfigError, match="apex_ranker, atft_gat_fan"):
        with_dials(house.compute, "lightgbm", ["train.epochs=3"])


@pytest.mark.parametrize(
    ("dial", "words"), [("train.epcohs=3", "epcohs"), ("loss.rank=1", "rank"), ("model.widht=3", "widht")]
)
def test_a_dial_nobody_reads_is_refused_by_name(house, dial, words):
    with pytest.raises(ConfigError, match=f"unknown fields.*{words}"):
        recipe(MODEL, with_dials(house.compute, MODEL, [dial]))


def test_the_story_of_a_version_is_told_from_what_it_keeps(house):
    store = house.store("story")
    version = trained_here(store, house.compute, house.data(store), MODEL, house.cutoff)
    rows = story(store, version)
    assert [row["seed"] for row in rows] == [1, 2]
    for row in rows:
        curve = version.curves[row["seed"]]
        assert row["epochs"] == 2 and row["figure"] == "rank_ic"
        assert row["value"] == max(epoch["smoothed_rank_ic"] for epoch in curve)
        assert row["reason"].startswith("rank_ic")
    ridge = trained_here(store, house.compute, house.data(store), "lightgbm", house.cutoff)
    assert {row["reason"] for row in story(store, ridge)} == {"fitted in one go"}


def test_the_stages_of_a_search_are_a_table():
    verdicts = (StageVerdict("dry", 0.01, {}, (1, 0, 0), True, "go: all ended"),)
    page = io.StringIO()
    Console(file=page, width=120).print(stages_of(Found(None, verdicts, 0.03)))
    assert "dry" in page.getvalue() and "go: all ended" in page.getvalue() and "0.0300" in page.getvalue()
