"""TensorBoard's own reader finds the learning curve of a run in its files."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from gogoku_pipeline.training.config import Place
from gogoku_pipeline.training.run_ledger import read_run
from gogoku_pipeline.training.tensorboard import write_tensorboard
from tests.unit.training.toy_network import ToyRun

ROOT = Path(__file__).resolve().parents[3]
readable = pytest.mark.skipif(find_spec("tensorboard") is None, reason="the extra `tensorboard` is not installed")
WITHOUT = """
import sys
from pathlib import Path
sys.modules["tensorboard"] = None  # as where it was never installed
from gogoku_pipeline.training.tensorboard import write_tensorboard
write_tensorboard(Path(sys.argv[1]), [{"epoch": 1.0, "loss": 0.5}])
"""


def scalars(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder / "tensorboard")).Reload()
    return {name: {event.step: event.value for event in found.Scalars(name)} for name in found.Tags()["scalars"]}


@readable
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


@readable
def test_a_resumed_run_adds_to_its_files_and_a_run_without_a_folder_writes_none(tmp_path):
    rows = [{"epoch": 1.0, "loss": 0.5}, {"epoch": 2.0, "loss": 0.25}]
    write_tensorboard(None, rows)
    write_tensorboard(tmp_path, [])
    assert not list(tmp_path.iterdir())
    write_tensorboard(tmp_path, rows[:1])
    write_tensorboard(tmp_path, rows)
    assert scalars(tmp_path) == {"loss": {1: 0.5, 2: 0.25}}


def test_a_machine_without_the_package_is_told_which_extra_to_install(tmp_path):
    command = [sys.executable, "-c", WITHOUT, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1 and "ConfigError: tensorboard: got no such package" in done.stderr
    assert "gogoku-pipeline[tensorboard]" in done.stderr and not list(tmp_path.iterdir())
