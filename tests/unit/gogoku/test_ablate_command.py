"""`gogoku ablate`: from options to a table, files and lines of the ledger."""

import io
import json
from dataclasses import replace
from datetime import datetime

import polars as pl
import pytest
from rich.console import Console
from typer.testing import CliRunner

from gogoku.cli import build_app
from gogoku.commands.ablate import Wanted, answers, groups_of, question, reference, table_of, with_companions, written
from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.graph.catalogue import catalogue
from gogoku_pipeline.registry.ledgers import trial_ledger
from gogoku_pipeline.registry.terms import Terms
from resources.recipes import panel_needs, recipe
from tests.unit.resources.training_house import MODEL, House

CLOCK = VirtualClock(datetime(2024, 12, 27, 20, 0, tzinfo=JST))


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    found = House(tmp_path_factory.mktemp("house"))
    terms = Terms(seeds=(1, 2), n_folds=1, embargo=5, min_train=20, validation=8)
    found.compute = replace(found.compute, terms=terms)
    return found


def shown(found, wanted):
    page = io.StringIO()
    Console(file=page, width=250).print(table_of(found, wanted))
    return page.getvalue()


def test_blocks_end_as_a_table_two_files_and_trials(house):
    store, wanted = house.store("blocks"), Wanted(MODEL, ("layer_scale",))
    data = house.data(store)
    asked = question(house.compute, data, wanted)
    assert asked.seeds == (1, 2, 3) and len(asked.folds) == 1 and asked.horizon_d == 5 and asked.label == "ret_open"
    found = answers(store, house.compute, data, asked, CLOCK, is_quiet=True)
    page = shown(found, wanted)
    assert "with layer_scale" in page and "the reference" in page
    parquet, told = written(house.compute.cache_dir / "ablation", wanted, asked, found)
    assert pl.read_parquet(parquet)["variant"].to_list() == ["reference", "with layer_scale"]
    plain = json.loads(told.read_text())
    assert plain["seeds"] == [1, 2, 3] and plain["variants"][1]["against"] == "reference"
    ledger = trial_ledger(store)
    assert ledger.height == 6 and ledger["config_hash"].n_unique() == 2 and ledger["sharpe"].null_count() == 6


def test_groups_are_those_of_the_registry(house):
    store = house.store("groups")
    asked = question(
        house.compute, house.data(store), Wanted("lightgbm", ("returns", "volatility", "margin"), groups=True)
    )
    variants = {each.name: each.dropped for each in asked.variants.tried}
    assert variants["without returns"] == ("ret_1d", "ret_5d", "ret_250d_skip20")
    assert set(asked.variants.left_out) == {"without margin"}
    with pytest.raises(ConfigError, match="elsewhere.*returns"):
        groups_of(catalogue().features, ("elsewhere",))


def test_blocks_of_trees_are_refused(house):
    with pytest.raises(ConfigError, match="a network"):
        question(house.compute, house.data(house.store("trees")), Wanted("lightgbm"))


def test_fewer_epochs_smooth_over_fewer(house):
    made = recipe(MODEL, reference(house.compute, MODEL, ["train.smoothing=2"], 1))
    assert (made.train.epochs, made.train.smoothing) == (1, 1)
    assert recipe(MODEL, reference(house.compute, MODEL, [], 5)).train.epochs == 5


def test_the_panel_holds_what_blocks_that_are_off_would_read(house):
    bare = reference(house.compute, "atft_gat_fan", ["model.graph_heads=[]"], 0)
    alone = replace(bare, challengers=("atft_gat_fan",))
    assert not panel_needs(alone).graphs
    needs = panel_needs(with_companions(alone, Wanted("atft_gat_fan")))
    assert needs.graphs and needs.raw == ("ret_1d",)
    assert with_companions(bare, Wanted("lightgbm", groups=True)) is bare
    with pytest.raises(ConfigError, match="an unknown name"):
        with_companions(bare, Wanted("atft"))


def test_two_seeds_are_a_wrong_use():
    said = CliRunner().invoke(build_app(), ["ablate", MODEL, "--seeds", "2"])
    assert said.exit_code == 2
