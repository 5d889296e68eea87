"""The panel on the device gives the batches of the mapped one, to the bit; on the CPU both are the same memory."""

from dataclasses import replace

import pytest
import torch

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.some_features import SomeFeatures
from gogoku_pipeline.training.config import TrainConfig
from gogoku_pipeline.training.resident import resident_panel
from gogoku_pipeline.training.run_ledger import CLOCKED
from tests.unit.training.toy_network import LOOK_BACK, ToyRun, same_weights

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return ToyRun(tmp_path_factory.mktemp("panel"))


def on_device(source, days):
    lies = resident_panel("device", source.data, days, source.look_back, source.device)
    return replace(source, resident=lies)


@pytest.mark.parametrize("names", [None, ("vol_20d", "is_new", "ret_1d"), ("ret_1d", *[f"noise_{n}" for n in (1, 0)])])
def test_batches_from_the_device_are_those_of_the_map_to_the_bit(toy, names):
    data = toy.data if names is None else SomeFeatures(toy.data, names)
    mapped = replace(toy.source(), data=data)
    days = list(toy.sessions[0][LOOK_BACK - 1 :])
    resident = on_device(mapped, days)
    assert resident.resident.values.shape[2] == len(data.names)
    for part in (days[:1], days[5:9], [days[30], days[2]]):
        one, other = mapped.batch(part, before=None), resident.batch(part, before=None)
        for name in ("values", "valid", "day", "slot", "targets", "mask"):
            assert torch.equal(getattr(one, name), getattr(other, name)), name
        assert one.values.any() and not one.valid.all(), "there is something to compare"


def test_only_the_sessions_of_the_run_are_copied(toy):
    days = toy.sessions[0][10:20]
    lies = resident_panel("device", toy.data, days, LOOK_BACK, CPU)
    first = toy.data.panel.index(days[0]) + 1 - LOOK_BACK
    assert lies.first == first and len(lies.values) == len(days) + LOOK_BACK - 1
    assert lies.values.shape[1] == len(toy.data.panel.codes), "no place without a stock"
    assert torch.equal(lies.values[0], torch.from_numpy(toy.data.panel.values[first, : lies.values.shape[1]].copy()))


def test_a_run_learns_the_same_bytes_wherever_the_panel_lies(toy):
    runs = [toy.train(epochs=2, panel=where) for where in ("mapped", "device", "auto")]
    assert same_weights(runs[0].weights, runs[1].weights) and same_weights(runs[0].weights, runs[2].weights)
    curves = [[{k: v for k, v in row.items() if k not in CLOCKED} for row in run.ledger] for run in runs]
    assert curves[0] == curves[1] == curves[2]


def test_where_it_lies_is_no_part_of_the_design():
    assert TrainConfig(panel="device").hashed() == TrainConfig(panel="mapped").hashed() == TrainConfig().hashed()
    with pytest.raises(ConfigError, match=r"panel: got 'moon'"):
        TrainConfig(panel="moon")


class Altered(TrainingData):
    """Data somebody changes as they are read."""


def test_data_that_are_altered_as_they_are_read_are_never_taken_from_a_copy(toy):
    other = Altered(toy.data.panel, toy.data.labels)
    with pytest.raises(ConfigError, match="device, for Altered"):
        resident_panel("device", other, toy.sessions[0][5:], LOOK_BACK, CPU)
    assert resident_panel("auto", toy.data, toy.sessions[0][5:], LOOK_BACK, CPU) is None
