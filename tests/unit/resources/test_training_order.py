"""One order, one model: trained here, in a process of its own or by a file, the bytes are the same."""

import json
from dataclasses import replace

import dagster as dg
import pytest

from gogoku_pipeline.core.errors import ConfigError
from resources.pipes_entry import main
from resources.trainer import InProcess, OverPipes, in_subprocess, trainer_of
from resources.training_order import TrainingOrder, carry_out
from tests.unit.resources.training_house import MODEL, House


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return House(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="module")
def here(house):
    """The version trained in this process."""
    store = house.store("here")
    version = carry_out(house.order(store))
    return store.artefacts.load(MODEL, version.version)


def trained_by(trainer, house, store):
    """A run of Dagster whose one asset trains a cut-off; gives the version."""
    seen = []

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition([house.cutoff.isoformat()]))
    def version(context: dg.AssetExecutionContext):
        seen.append(trainer.train(context, store, house.compute, house.data(store), MODEL))
        return dg.MaterializeResult()

    assert dg.materialize([version], partition_key=house.cutoff.isoformat()).success
    return seen[0]


@pytest.mark.filterwarnings("ignore:Function `PipesMessageReader:dagster_shared.utils.warnings.PreviewWarning")
def test_a_subprocess_over_pipes_trains_the_same_bytes_as_this_process(house, here):
    store = house.store("there")
    found = trained_by(OverPipes(in_subprocess), house, store)
    kept = store.artefacts.load(MODEL, found.version)
    assert found.version == here.version and kept.manifest == here.manifest
    assert kept.files.keys() == here.files.keys()
    assert {name for name, body in kept.files.items() if body != here.files[name]} == set()
    assert {seed: len(curve) for seed, curve in found.curves.items()} == {1: 2, 2: 2}, "the curve comes back, too"
    assert all(row["gradient_share_ranknet"] > 0 for row in found.curves[1])


def test_the_script_carries_out_the_order_of_a_file(house, here, tmp_path):
    order = tmp_path / "order.json"
    order.write_text(json.dumps(house.order(house.store("by_file")).document()))
    main([str(order)])
    assert json.loads((tmp_path / "order.json.done").read_text())["version"] == here.version


def test_a_run_in_process_trains_the_same_version(house, here):
    assert trained_by(InProcess(), house, house.store("in_run")).version == here.version


def test_an_order_travels_as_json(house):
    order = house.order(house.store("order"))
    again = TrainingOrder.read(json.loads(json.dumps(order.document())))
    assert again == order


@pytest.mark.parametrize("name", ["cutoff", "panel_key", "compute"])
def test_an_order_that_lacks_something_is_refused_by_name(house, name):
    document = house.order(house.store("order")).document()
    del document[name]
    with pytest.raises(ConfigError, match=f"training order, {name}"):
        TrainingOrder.read(document)


def test_a_panel_that_is_not_there_and_other_code_are_refused(house, tmp_path):
    order = house.order(house.store("order"))
    with pytest.raises(ConfigError, match="no such panel"):
        carry_out(replace(order, compute=replace(order.compute, cache_dir=tmp_path)))
    with pytest.raises(ConfigError, match="a recipe of hash"):
        carry_out(replace(order, config_hash="0" * 64))


def test_where_versions_are_trained_is_one_dial(house):
    at = {name: trainer_of(replace(house.compute, trained_in=name)) for name in ("process", "subprocess", "pod:x:1")}
    assert isinstance(at["process"], InProcess) and at["subprocess"].launch is in_subprocess
    assert isinstance(at["pod:x:1"], OverPipes)
    for name in ("pod", "process:x", "cloud"):
        with pytest.raises(ConfigError, match="trained_in"):
            trainer_of(replace(house.compute, trained_in=name))
