"""One step of the weights: the same step however much fits into memory, and never one made of broken numbers."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from gogoku_pipeline.core.errors import ConfigError, DatasetError, TrainingError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.evaluation.ic import rank_ic
from gogoku_pipeline.models.apex_ranker import RankerConfig
from gogoku_pipeline.models.loss_weights import LossWeights
from gogoku_pipeline.models.networks import make_network
from gogoku_pipeline.training.config import Place, TrainConfig
from gogoku_pipeline.training.days import DaySource
from gogoku_pipeline.training.device import repeatable
from gogoku_pipeline.training.loop import train_network
from gogoku_pipeline.training.run_ledger import read_run
from tests.unit.training.toy_network import DIALS, ToyNetwork, ToyRun, same_weights

LEVELS = (0.1, 0.5, 0.9)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return ToyRun(tmp_path_factory.mktemp("panel"))


@pytest.fixture(scope="module")
def long_toy(tmp_path_factory):
    return ToyRun(tmp_path_factory.mktemp("panel"), horizons=(1, 5))


def close(one, other):
    return max(float((one[name] - other[name]).abs().max()) for name in one) < 1e-5


@pytest.mark.parametrize("per_pass", [1, 2, 4])
def test_a_step_in_passes_is_the_same_step(long_toy, per_pass):
    calm = {"dropout": 0.0, "levels": LEVELS}
    dials = {"epochs": 2, "loss": LossWeights(pinball=0.5), "horizon_weights": {1: 0.3, 5: 1.0}}
    whole = long_toy.train(network=calm, **dials)
    parts = long_toy.train(network=calm, days_per_pass=per_pass, **dials)
    assert close(whole.weights, parts.weights)
    for one, other in zip(whole.ledger, parts.ledger, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-5)
        assert one["loss_pinball"] == pytest.approx(other["loss_pinball"], rel=1e-5)


def test_a_network_that_does_not_fit_goes_on_in_halves_and_learns_the_same(toy, tmp_path):
    calm = {"dropout": 0.0}
    whole = toy.train(network=calm, epochs=2)
    tight = toy.train(network={**calm, "fits": 2}, epochs=2, place=Place(tmp_path))
    assert close(whole.weights, tight.weights)
    words = [event["words"] for event in tight.events]
    assert [event["where"] for event in tight.events] == ["epoch 1, step 1", "epoch 1, step 1"]
    assert "6 days per pass; going on with 3" in words[0] and "3 days per pass; going on with 1" in words[1]
    assert [line["event"] for line in read_run(tmp_path) if line["kind"] == "event"] == ["out_of_memory"] * 2


def test_a_repeated_step_draws_the_same_numbers_as_one_that_fitted_at_once(toy):
    tight = toy.train(network={"fits": 3}, epochs=1)
    assert same_weights(tight.weights, toy.train(epochs=1, days_per_pass=3).weights)


def test_one_day_that_does_not_fit_is_an_error_with_a_remedy(toy):
    with pytest.raises(TrainingError, match="one day alone does not fit.*checkpointing"):
        toy.train(network={"fits": 0})


def test_bfloat16_computes_the_trunk_and_learns_alike(toy):
    full, half = toy.train(epochs=3), toy.train(epochs=3, precision="bfloat16")
    assert not same_weights(full.weights, half.weights)
    assert {weight.dtype for weight in half.weights.values()} == {torch.float32}
    assert half.ledger[-1]["validation_rank_ic"] == pytest.approx(full.ledger[-1]["validation_rank_ic"], abs=0.1)
    assert half.ledger[-1]["unique_ratio"] > 0.95, "scores are float32: no ties"


def test_a_compiled_network_takes_the_same_steps(toy):
    plain, compiled = toy.train(epochs=1), toy.train(epochs=1, compiled="eager")
    assert close(plain.weights, compiled.weights)


@pytest.fixture(scope="module")
def ranker_of(toy):
    """The real ranker, trained for an epoch with some dials."""

    def trained(**dials):
        shape = RankerConfig.of("tiny", look_back=4, patch=2, stride=2, dropout=0.1)
        names, config = toy.data.panel.names, TrainConfig(**{**DIALS, "epochs": 1, **dials})
        with repeatable(1, 1):
            model = make_network(shape, names)
            source = DaySource.of(model, toy.data, 5, torch.device("cpu"))
            return train_network(model, source, toy.sessions, config, seed=1, rank_ic=rank_ic)

    return trained


def test_activations_computed_again_are_the_same_activations(ranker_of):
    assert same_weights(ranker_of().weights, ranker_of(checkpointing=True).weights)


def test_a_compiled_ranker_takes_the_same_steps(ranker_of):
    assert close(ranker_of(averaging="none").weights, ranker_of(averaging="none", compiled="eager").weights)


def test_a_ranker_in_bfloat16_still_tells_all_stocks_apart(ranker_of):
    row = ranker_of(precision="bfloat16").ledger[0]
    assert row["unique_ratio"] == 1.0 and row["loss"] == pytest.approx(ranker_of().ledger[0]["loss"], rel=0.05)


class Rough(ToyNetwork):
    """A network whose head computes in bfloat16 and says so."""

    def forward(self, inputs):
        told = super().forward(inputs)
        return replace(told, scores=told.scores.bfloat16())


def test_scores_in_half_precision_are_refused(toy):
    with repeatable(1, 1), pytest.raises(TrainingError, match=r"got torch.bfloat16, which ties many stocks"):
        train_network(Rough(8), toy.source(), toy.sessions, TrainConfig(**DIALS), seed=1, rank_ic=rank_ic)


def broken(toy, spoil):
    other = ToyRun.__new__(ToyRun)
    other.__dict__ = {**toy.__dict__, "data": spoil(toy.data)}
    return other


def test_an_input_that_is_not_finite_is_an_error_that_names_the_days(toy):
    def spoil(data):
        values = np.array(data.panel.values)
        values[20, 3, 1] = np.inf
        return TrainingData(replace(data.panel, values=values), data.labels)

    day = toy.sessions[0][18]
    with pytest.raises(TrainingError, match=r"inputs of \d{4}-\d\d-\d\d to .*values: got NaN or infinite"):
        broken(toy, spoil).train(days_per_step=1)
    assert day in toy.data.sessions


def test_an_infinite_label_is_an_error_that_names_its_day(toy):
    day = toy.sessions[0][10]

    def spoil(data):
        is_it = (pl.col("session") == day) & (pl.col("code") == data.panel.codes[2])
        labels = data.labels.with_columns(pl.when(is_it).then(np.inf).otherwise("gauss_open").alias("gauss_open"))
        return TrainingData(data.panel, labels)

    with pytest.raises(DatasetError, match=f"gauss_open over 5 sessions on {day}: got an infinite label"):
        broken(toy, spoil).train()


def test_weights_that_are_not_finite_are_an_error_that_names_the_loss_term(toy):
    start = {name: weight.numpy() for name, weight in toy.train(epochs=1).weights.items()}
    start["head.weight"] = np.full_like(start["head.weight"], np.nan)
    with pytest.raises(TrainingError, match="loss term ic: got a loss of nan"):
        toy.train(place=Place(start=start))


def test_gradients_shares_and_activations_of_every_part_are_in_the_ledger(toy):
    row = toy.train(epochs=1, network={"levels": LEVELS}, loss=LossWeights(pinball=0.5)).ledger[0]
    for part in ("trunk", "head", "spread"):
        assert row[f"gradient_norm_{part}"] > 0 and row[f"activation_std_{part}"] > 0
        assert row[f"activation_dead_{part}"] == 0
    shares = {name: value for name, value in row.items() if name.startswith("gradient_share_")}
    assert shares.keys() == {f"gradient_share_{name}" for name in ("ic", "listnet", "huber", "pinball")}
    assert sum(shares.values()) == pytest.approx(1.0)


def test_a_dead_part_shows(toy):
    start = {name: weight.numpy() for name, weight in toy.train(epochs=1).weights.items()}
    start["trunk.0.weight"] = np.zeros_like(start["trunk.0.weight"])
    row = toy.train(epochs=1, network={"dropout": 0.0}, place=Place(start=start), learning_rate=1e-9).ledger[0]
    assert row["activation_dead_trunk"] == 1.0


def test_the_clock_tells_where_the_time_went(toy):
    row = toy.train(epochs=1).ledger[0]
    assert 0 < row["data_wait_share"] < 1 and 0 < row["busy_share"] <= 1
    assert row["data_wait_share"] + row["busy_share"] <= 1.001
    assert row["peak_memory_mib"] > 10 and row["seconds"] > 0


def test_sharpe_steps_are_consecutive_days_in_order(toy):
    source = replace(toy.source(), gives_returns=True)
    steps = list(source.shuffled(toy.sessions[0], 10, 1, 1))
    assert sorted(day for step in steps for day in step) == sorted(toy.sessions[0])
    places = [[toy.data.sessions.index(day) for day in step] for step in steps]
    assert all(np.diff(step).tolist() == [1] * (len(step) - 1) for step in places)
    assert steps != sorted(steps), "the steps themselves come in random order"
    assert steps != list(source.shuffled(toy.sessions[0], 10, 1, 2))


def test_sharpe_fine_tunes_on_consecutive_days_with_costs(toy):
    weights = LossWeights(ic=0.5, listnet=0.0, huber=0.1, sharpe=0.3)
    row = toy.train(epochs=3, days_per_step=40, loss=weights).ledger[-1]
    assert row["gradient_share_sharpe"] > 0.01 and row["loss_sharpe"] < 0
    with pytest.raises(ConfigError, match="sharpe and days_per_step: got 8 days"):
        TrainConfig(loss=weights)


def test_a_term_without_its_heads_is_refused_by_name(toy):
    with pytest.raises(ConfigError, match="pinball: got no quantile heads"):
        toy.train(loss=LossWeights(pinball=1.0))
