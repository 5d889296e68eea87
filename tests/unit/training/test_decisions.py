"""What a run decides and writes down: horizons, averages, when to stop and why."""

import math

import pytest
import torch

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.evaluation.ic import rank_ic
from gogoku_pipeline.models.loss_weights import LossWeights
from gogoku_pipeline.training.averaging import Averaged
from gogoku_pipeline.training.config import Place, TrainConfig
from gogoku_pipeline.training.curriculum import horizon_weights
from gogoku_pipeline.training.optim import make_optimiser, make_schedule
from gogoku_pipeline.training.run_ledger import read_run
from gogoku_pipeline.training.stop_rule import StopRule
from gogoku_pipeline.training.stopping import Stopper
from gogoku_pipeline.training.validation import baseline_figure, day_metrics
from tests.unit.training.toy_network import ToyNetwork, ToyRun, same_weights


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return ToyRun(tmp_path_factory.mktemp("panel"), horizons=(1, 5))


def judged(values, baseline=math.nan, **dials):
    stopper = Stopper(TrainConfig(**{"smoothing": 1, "patience": 2, **dials}), baseline)
    for value in values:
        stopper.judge(value)
        if stopper.is_over:
            break
    return stopper


def test_every_epoch_leaves_a_decision_with_its_reason():
    stopper = judged([0.01, 0.03, 0.02, 0.025, 0.9])
    assert [row["decision"] for row in stopper.trail] == ["best", "best", "wait", "stop"]
    assert stopper.trail[2]["reason"] == "rank_ic 0.0200 is not above 0.0300 of epoch 2"
    assert stopper.trail[3]["reason"] == "no better rank_ic than 0.0300 of epoch 2 for 2 epochs"
    assert (stopper.best_epoch, stopper.best) == (2, 0.03)


def test_smoothing_sees_through_a_lucky_epoch():
    assert judged([0.01, 0.09, 0.01, 0.02, 0.03], smoothing=3, patience=5).trail[1]["smoothed"] == pytest.approx(0.05)
    lucky = judged([0.02, 0.02, 0.08, 0.0, 0.0], smoothing=3, patience=5)
    assert [row["smoothed"] for row in lucky.trail][2:] == pytest.approx([0.04, 0.1 / 3, 0.08 / 3])


def test_epochs_without_a_figure_are_waited_out_and_never_best():
    stopper = judged([math.nan, math.nan, math.nan, math.nan])
    assert [row["decision"] for row in stopper.trail] == ["wait", "wait", "stop"]
    assert stopper.best_epoch == 0


def test_a_network_below_the_baseline_gives_up_after_its_grace():
    rule = StopRule(baseline="ridge", baseline_epochs=3, baseline_margin=0.01)
    rising = [0.01 * place for place in range(10)]
    stopper = judged(rising, baseline=0.05, stop=rule)
    assert [row["decision"] for row in stopper.trail] == ["best", "best", "stop"]
    assert "the best rank_ic 0.0200 is below the baseline's 0.0400" in stopper.trail[-1]["reason"]
    assert not judged([0.05, *rising[:4]], baseline=0.05, patience=9, stop=rule).is_over


def test_the_baseline_is_fitted_on_the_same_days_and_judged_by_the_same_figure(toy):
    rule = StopRule(baseline="ridge")
    train = toy.source().usable(toy.sessions[0])
    figure = baseline_figure(toy.source(), train, toy.sessions[1], rule, day_metrics(rank_ic))
    assert 0.2 < figure < 1.0
    run = toy.train(epochs=2, stop=StopRule(baseline="ridge", baseline_epochs=1), learning_rate=1e-9)
    assert run.trail[0]["baseline"] == figure
    assert [row["decision"] for row in run.trail] == ["stop"]


def test_a_composite_is_the_weighted_sum_of_its_metrics(toy):
    rule = StopRule(metrics={"rank_ic": 1.0, "p_at_10pct": 0.5}, horizon_d=1)
    run = toy.train(epochs=2, stop=rule)
    for row, decision in zip(run.ledger, run.trail, strict=True):
        assert decision["metric"] == "composite"
        assert decision["value"] == pytest.approx(row["watched_rank_ic"] + 0.5 * row["watched_p_at_10pct"])
        assert row["watched_rank_ic"] == row["validation_rank_ic_1d"]
        assert row["smoothed_composite"] == decision["smoothed"]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"metrics": {"sharpness": 1.0}}, "sharpness"),
        ({"metrics": {}}, "at least one"),
        ({"baseline_epochs": 0}, "baseline"),
    ],
)
def test_rules_that_watch_nothing_are_refused(rule, words):
    with pytest.raises(ConfigError, match=words):
        StopRule(**rule)


def test_horizons_join_when_the_curriculum_says_so():
    config = TrainConfig(epochs=10, curriculum={5: 0.3, 20: 0.5}, horizon_weights={1: 1.0, 5: 0.7, 20: 0.3})
    at = [horizon_weights(config, (1, 5, 20), epoch) for epoch in (1, 3, 4, 6)]
    assert at == [(1.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.0, 0.7, 0.0), (1.0, 0.7, 0.3)]


@pytest.mark.parametrize(
    ("dials", "words"),
    [
        ({"horizon_weights": {1: 1.0}}, r"nothing for \[5\]"),
        ({"curriculum": {20: 0.5}}, r"horizons \[20\]"),
        ({"curriculum": {1: 0.5, 5: 0.2}}, "no horizon in the first epoch"),
        ({"stop": StopRule(horizon_d=20)}, "stop.horizon_d"),
    ],
)
def test_horizons_the_network_does_not_have_are_refused(toy, dials, words):
    with pytest.raises(ConfigError, match=words):
        toy.train(**dials)


@pytest.mark.parametrize("learnt", [0, 1])
def test_a_horizon_of_no_weight_is_not_learnt(toy, learnt):
    weights = {1: 1.0 - learnt, 5: float(learnt)}
    dials = {"averaging": "none", "weight_decay": 0, "epochs": 1}
    found = toy.train(horizon_weights=weights, network={"dropout": 0.0}, **dials).weights["head.weight"]
    torch.manual_seed(1)
    fresh = ToyNetwork(8, (1, 5)).state_dict()["head.weight"]
    assert not torch.equal(found[learnt], fresh[learnt])
    assert torch.equal(found[1 - learnt], fresh[1 - learnt])


def averages(kind, values, **dials):
    """Averaged value after each step, for a single weight that takes these values."""
    model = torch.nn.Linear(1, 1, bias=False)
    found, average = [], Averaged(model, TrainConfig(averaging=kind, **dials), len(values))
    for step, value in enumerate(values, 1):
        with torch.no_grad():
            model.weight.fill_(value)
        average.update(step)
        found.append(average.module.weight.item())
    return found


def test_averages_equal_their_formulas():
    values = [1.0, 2.0, 4.0, 8.0]
    assert averages("none", values) == values
    assert averages("swa", values, swa_share=0.5) == [1.0, 2.0, 4.0, 6.0]
    decay, wanted = math.exp(-1 / (0.5 * 4)), 1.0
    for value, found in zip(values, averages("ema", values, ema_share=0.5), strict=True):
        wanted = value if value == 1.0 else decay * wanted + (1 - decay) * value
        assert found == pytest.approx(wanted)


@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_places_are_taken_over_and_never_averaged(kind):
    model, places = torch.nn.Linear(1, 1), torch.arange(200)
    model.register_buffer("places", places.clone())
    average = Averaged(model, TrainConfig(averaging=kind), 7)
    for step in range(1, 8):
        average.update(step)
    assert torch.equal(average.module.places, places)


def test_the_rate_rises_to_its_peak_and_falls_to_zero():
    config = TrainConfig(learning_rate=1.0, warmup_share=0.2, warmup_start=0.1)
    optimiser = make_optimiser(torch.nn.Linear(2, 1), config)
    schedule, rates = make_schedule(optimiser, config, 20), []
    for _ in range(20):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    assert rates[:5] == pytest.approx([0.1, 0.325, 0.55, 0.775, 1.0])
    assert rates[12] == pytest.approx(0.5) and rates == [*rates[:5], *sorted(rates[5:], reverse=True)]
    assert optimiser.param_groups[0]["lr"] == pytest.approx(0.0, abs=1e-12)


def test_matrices_decay_and_biases_norms_and_positions_do_not():
    model = torch.nn.Module()
    model.layer, model.norm = torch.nn.Linear(3, 2), torch.nn.LayerNorm(2)
    model.position = torch.nn.Parameter(torch.zeros(4, 2))
    groups = make_optimiser(model, TrainConfig(weight_decay=0.1)).param_groups
    assert [(group["weight_decay"], len(group["params"])) for group in groups] == [(0.1, 1), (0.0, 4)]


def test_the_run_ledger_tells_the_whole_story(toy, tmp_path):
    run = toy.train(epochs=2, place=Place(tmp_path))
    lines = read_run(tmp_path)
    assert [line["kind"] for line in lines] == ["run", "epoch", "epoch", "decision", "decision"]
    assert lines[0]["seed"] == 1 and lines[0]["baseline"] is None
    assert lines[1]["loss"] == run.ledger[0]["loss"]
    assert lines[3]["reason"] == run.trail[0]["reason"]
    assert run.told()["decisions"][0]["baseline"] is None, "JSON has no NaN"


def test_what_is_learnt_is_hashed_and_how_it_is_computed_is_not():
    base = TrainConfig()
    same = [
        TrainConfig(device="cpu", threads=3, days_per_pass=2, checkpointing=True, compiled="eager", save_steps=5),
        TrainConfig(tensorboard=True),
    ]
    others = [
        TrainConfig(averaging="swa"),
        TrainConfig(precision="bfloat16"),
        TrainConfig(curriculum={5: 0.1}),
        TrainConfig(stop=StopRule(horizon_d=5)),
        TrainConfig(loss=LossWeights(ranknet=0.1)),
        TrainConfig(loss=LossWeights(listnet_temperature=0.5)),
    ]
    assert all(other.hashed() == base.hashed() for other in same)
    assert all(other.hashed() != base.hashed() for other in others)
    assert set(base.hashed()["loss"]) == {"ic", "listnet", "huber"}, "dials nobody turned do not count"


def test_a_run_repeats_to_the_byte(toy):
    assert same_weights(toy.train(epochs=1, threads=1).weights, toy.train(epochs=1, threads=1).weights)
    assert not same_weights(toy.train(epochs=1).weights, toy.train(epochs=1, seed=2).weights)
