"""A run that was killed goes on as if nothing had happened; what cannot be trusted is refused by name."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gogoku_pipeline.core.errors import ArtefactError, TrainingError
from gogoku_pipeline.training.checkpoint import load_checkpoint, save_checkpoint
from gogoku_pipeline.training.config import Place
from gogoku_pipeline.training.run_folder import CHECKPOINT, drop_checkpoint, exclusive_training
from gogoku_pipeline.training.run_ledger import CLOCKED, read_run
from tests.unit.training.killed_run import DIALS
from tests.unit.training.toy_network import ToyRun, same_weights

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return ToyRun(tmp_path_factory.mktemp("panel"))


def without_clocks(ledger):
    return [{name: value for name, value in row.items() if name not in CLOCKED} for row in ledger]


@pytest.fixture(scope="module")
def undisturbed(toy):
    return toy.train(**DIALS)


def test_a_killed_run_ends_with_the_bytes_of_an_undisturbed_one(toy, undisturbed, tmp_path):
    command = [sys.executable, "-m", "tests.unit.training.killed_run", str(tmp_path), "15"]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert child.returncode == -signal.SIGKILL, child.stderr
    assert (tmp_path / "run" / CHECKPOINT).is_file(), "it died in the third epoch, after steps that were kept"
    resumed = toy.train(place=Place(tmp_path / "run"), **DIALS)
    assert [event["event"] for event in resumed.events] == ["resumed"]
    assert resumed.events[0]["where"] == "epoch 3, step 2"
    assert same_weights(resumed.weights, undisturbed.weights)
    assert without_clocks(resumed.ledger) == without_clocks(undisturbed.ledger)
    assert str(resumed.trail) == str(undisturbed.trail)


class StoppedError(Exception):
    """Somebody pressed the button."""


@pytest.mark.parametrize("averaging", ["swa", "none"])
def test_whatever_is_averaged_is_resumed_between_epochs_too(toy, tmp_path, averaging):
    def stop(row):
        if row["epoch"] == 2:
            raise StoppedError

    whole = toy.train(averaging=averaging)
    with pytest.raises(StoppedError):
        toy.train(averaging=averaging, place=Place(tmp_path), report=stop)
    seen = []
    resumed = toy.train(averaging=averaging, place=Place(tmp_path), report=seen.append)
    assert same_weights(resumed.weights, whole.weights)
    assert [row["epoch"] for row in seen] == [1, 2, 3, 4], "who listens hears the whole curve"


def test_a_finished_run_is_found_finished(toy, undisturbed, tmp_path):
    first = toy.train(place=Place(tmp_path), **DIALS)
    again = toy.train(place=Place(tmp_path), **DIALS)
    assert same_weights(first.weights, again.weights) and same_weights(first.weights, undisturbed.weights)
    drop_checkpoint(tmp_path)
    kinds = [line["kind"] for line in read_run(tmp_path)]
    assert kinds.count("epoch") == kinds.count("decision") == 4, "the ledger stays"


def test_a_changed_byte_is_refused(toy, tmp_path):
    toy.train(place=Place(tmp_path), epochs=1)
    file = tmp_path / CHECKPOINT
    payload = bytearray(file.read_bytes())
    payload[len(payload) // 2] ^= 1
    file.write_bytes(payload)
    with pytest.raises(ArtefactError, match="altered bytes"):
        toy.train(place=Place(tmp_path), epochs=1)
    file.write_bytes(b"something else")
    with pytest.raises(ArtefactError, match="no checkpoint of this format"):
        toy.train(place=Place(tmp_path), epochs=1)


def test_a_checkpoint_with_a_class_in_it_is_refused(tmp_path):
    save_checkpoint(tmp_path, "run", {"weights": torch.zeros(2), "friend": Path("/etc")})
    with pytest.raises(ArtefactError, match=r"a class it must not hold \(pathlib"):
        load_checkpoint(tmp_path, "run")


@pytest.mark.parametrize("change", [{"seed": 2}, {"learning_rate": 1e-3}, {"network": {"levels": (0.1, 0.9)}}])
def test_the_checkpoint_of_another_run_is_refused(toy, tmp_path, change):
    toy.train(place=Place(tmp_path), epochs=1)
    with pytest.raises(ArtefactError, match="the checkpoint of run"):
        toy.train(**{"place": Place(tmp_path), "epochs": 1, **change})


def test_how_it_is_computed_does_not_make_it_another_run(toy, tmp_path):
    first = toy.train(place=Place(tmp_path), epochs=1)
    assert same_weights(toy.train(place=Place(tmp_path), epochs=1, save_steps=7, threads=2).weights, first.weights)


def test_the_same_training_twice_at_once_is_refused(toy, tmp_path):
    with (
        exclusive_training(tmp_path, "apex_ranker"),
        pytest.raises(TrainingError, match=r"already running in process \d+"),
    ):
        toy.train(place=Place(tmp_path), epochs=1)
    assert toy.train(place=Place(tmp_path), epochs=1).best_epoch == 1


def test_a_warm_start_begins_with_the_given_weights(toy, undisturbed):
    start = {name: weight.numpy() for name, weight in undisturbed.weights.items()}
    warm = toy.train(epochs=1, learning_rate=1e-5, place=Place(start=start))
    cold = toy.train(epochs=1, learning_rate=1e-5)
    assert warm.ledger[0]["loss"] < cold.ledger[0]["loss"] - 0.1
