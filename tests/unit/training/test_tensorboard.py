"""TensorBoard's own reader finds the learning curve of a run in its files."""

from importlib.util import find_spec

import pytest

from gogoku_pipeline.training.config import Place
from gogoku_pipeline.training.run_ledger import read_run
from gogoku_pipeline.training.tensorboard import write_tensorboard
from tests.unit.training.toy_network import ToyRun

pytestmark = [
    pytest.mark.skipif(find_spec("tensorboard") is None, reason="the extra `tensorboard` is not installed"),
]


def scalars(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder / "tensorboard")).Reload()
    return {name: {event.step: event.value for event in found.Scalars(name)} for name in found.Tags()["scalars"]}


def test_the_files_hold_every_figure_of_every_epoch(tmp_path):
    run = tmp_path / "run"
    ToyRun(tmp_path / "panel").train(epochs=3, tensorboard=True, place=Place(run))
    found = scalars(run)
    epochs = [line for line in read_run(run) if line["kind"] == "epoch"]
    assert [row["epoch"] for row in epochs] == [1, 2, 3]
    assert set(found) == {name for name in epochs[0] if name not in ("kind", "epoch")}
    for name, values in found.items():
        assert list(values) == [1, 2, 3]
        for row in epochs:
            if row[name] is not None:
                assert values[row["epoch"]] == pytest.approx(row[name], rel=1e-6), name


def test_a_resumed_run_adds_to_its_files_and_a_run_without_a_folder_writes_none(tmp_path):
    rows = [{"epoch": 1.0, "loss": 0.5}, {"epoch": 2.0, "loss": 0.25}]
    write_tensorboard(None, rows)
    write_tensorboard(tmp_path, [])
    assert not list(tmp_path.iterdir())
    write_tensorboard(tmp_path, rows[:1])
    write_tensorboard(tmp_path, rows)
    assert scalars(tmp_path) == {"loss": {1: 0.5, 2: 0.25}}
