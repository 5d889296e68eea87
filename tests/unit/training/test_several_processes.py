"""Several processes make the steps of one: shares of whole days, gradients added up, one ledger."""

import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
import torch
from safetensors.torch import load, load_file

from gogoku_pipeline.core.errors import ConfigError, TrainingError
from gogoku_pipeline.training.memory import Passes
from gogoku_pipeline.training.processes import Team, call, joined
from gogoku_pipeline.training.run_ledger import read_run
from resources.compute import Compute, NetworkDials
from resources.trainer import OverPipes, carry_out_in, trainer_of
from resources.training_order import trained_here
from tests.unit.resources.training_house import MODEL, House
from tests.unit.training.several_run import DIALS, LEVELS, toy_run
from tests.unit.training.toy_network import same_weights

ROOT = Path(__file__).resolve().parents[3]


def torchrun(count, *command):
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count), "-m"]
    return subprocess.run([*start, *command], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def test_every_day_of_a_step_is_computed_by_exactly_one_process():
    for count, days in ((2, range(7)), (3, range(2)), (1, range(4))):
        shares = [list(Team(rank, count).share(list(days), is_whole=False)) for rank in range(count)]
        assert sorted(day for share in shares for day in share) == list(days)
    assert list(Passes(0, is_whole=False).of([])) == [], "a process without a day makes no pass"


def test_the_sharpe_term_is_refused_where_days_are_shared_out():
    assert Team().share([1, 2], is_whole=True) == [1, 2]
    with pytest.raises(ConfigError, match="sharpe and several processes: got 2 processes"):
        Team(1, 2).share([1, 2], is_whole=True)


def test_one_process_alone_is_a_team_of_one_that_changes_nothing():
    model = torch.nn.Linear(2, 1)
    state = torch.get_rng_state()
    with joined() as team:
        assert team == Team(0, 1)
        team.reseed(1, "epoch 1")
        team.add_gradients(model)
        call("nobody hears this")
        assert team.summed({"loss": 1.0}) == {"loss": 1.0} and team.asked_once(lambda: 3) == 3
    assert torch.equal(torch.get_rng_state(), state) and model.weight.grad is None
    Team(1, 2).reseed(1, "epoch 1")
    first = torch.get_rng_state()
    Team(1, 2).reseed(1, "epoch 2")
    assert not torch.equal(torch.get_rng_state(), first)
    torch.set_rng_state(state)


def two_processes(folder, dropout=0.0, dies_at=0):
    """The weights of both after a run, None where it was killed."""
    done = torchrun(2, "tests.unit.training.several_run", str(folder), str(dropout), str(dies_at))
    assert (done.returncode == 0) == (not dies_at), done.stderr
    return None if dies_at else [load_file(folder / f"weights-{rank}.safetensors") for rank in (0, 1)]


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(tmp_path):
    found = two_processes(tmp_path)
    assert same_weights(*found), "both processes hold the same weights, to the bit"
    calm = {"dropout": 0.0, "levels": LEVELS}
    alone = toy_run(tmp_path / "alone").train(network=calm, **DIALS)
    assert max(float((found[0][name] - alone.weights[name]).abs().max()) for name in alone.weights) < 1e-5
    epochs = [line for line in read_run(tmp_path / "run") if line["kind"] == "epoch"]
    assert [row["epoch"] for row in epochs] == [1, 2, 3], "one ledger, written by the first"
    for row, other in zip(epochs, alone.ledger, strict=True):
        for name in ("loss", "loss_pinball", "validation_rank_ic", "gradient_norm_trunk"):
            assert row[name] == pytest.approx(other[name], rel=1e-4)


@pytest.mark.slow
def test_two_processes_of_which_one_was_killed_go_on_to_the_same_bytes(tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    for folder in (killed, whole):
        folder.mkdir()
    two_processes(killed, dropout=0.2, dies_at=9)
    resumed, undisturbed = two_processes(killed, dropout=0.2), two_processes(whole, dropout=0.2)
    assert same_weights(resumed[0], undisturbed[0]) and same_weights(*resumed)
    assert [line["event"] for line in read_run(killed / "run") if line["kind"] == "event"] == ["resumed"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Function `PipesMessageReader:dagster_shared.utils.warnings.PreviewWarning")
def test_a_version_ordered_from_two_processes_is_the_version_of_one(tmp_path):
    house = House(tmp_path)
    calm = {name: dial for name, dial in house.compute.training.items() if name != "loss"}  # RankNet draws partners
    compute = replace(
        house.compute, training=calm, networks={MODEL: NetworkDials(shape={"dropout": 0.0})}, trained_in="torchrun:2"
    )
    store, seen = house.store("several"), []

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition([house.cutoff.isoformat()]))
    def version(context: dg.AssetExecutionContext):
        seen.append(trainer_of(compute).train(context, store, compute, house.data(store), MODEL))
        return dg.MaterializeResult()

    assert dg.materialize([version], partition_key=house.cutoff.isoformat()).success
    alone = house.store("alone")
    there = trained_here(alone, compute, house.data(alone), MODEL, house.cutoff)
    assert seen[0].version == there.version and len(seen[0].curves[2]) == 2, "the curve comes back, too"
    kept = [each.artefacts.load(MODEL, there.version).files for each in (store, alone)]
    for seed in (1, 2):
        one, other = (load(files[f"seed-{seed}-weights.safetensors"]) for files in kept)
        assert max(float((one[name] - other[name]).abs().max()) for name in one) < 1e-4


def test_how_many_processes_is_said_where_versions_are_trained():
    compute = Compute(cache_dir=Path(), first_session=date(2020, 1, 6))
    assert isinstance(trainer_of(replace(compute, trained_in="torchrun:2")), OverPipes)
    for words in ("torchrun", "torchrun:1", "torchrun:two"):
        with pytest.raises(ConfigError, match="2 at least"):
            trainer_of(replace(compute, trained_in=words))


@pytest.mark.slow
def test_an_order_that_fails_in_its_processes_is_an_error_that_names_it(tmp_path):
    house = House(tmp_path)
    order = replace(house.order(house.store("store")), panel_key="none")
    with pytest.raises(TrainingError, match=f"{MODEL} at cut-off {house.cutoff} in 2 processes"):
        carry_out_in(2, order)
