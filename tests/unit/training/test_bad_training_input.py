"""What training and scoring are handed by mistake is refused by name, or left out as documented; never learnt from."""

from dataclasses import fields, replace

import numpy as np
import polars as pl
import pytest
import torch

from gogoku_pipeline.core.errors import ArtefactError, ConfigError, DatasetError, TrainingError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.evaluation.ic import rank_ic
from gogoku_pipeline.models.atft_config import AtftConfig
from gogoku_pipeline.models.loss_weights import LossWeights
from gogoku_pipeline.models.network import NetworkOutput
from gogoku_pipeline.models.selection_config import SelectionConfig
from gogoku_pipeline.models.unread import READ_BESIDE
from gogoku_pipeline.training.config import Place, TrainConfig
from gogoku_pipeline.training.days import score_days
from gogoku_pipeline.training.device import repeatable
from gogoku_pipeline.training.final import train_version
from gogoku_pipeline.training.loop import train_network
from gogoku_pipeline.training.predict import predict_session
from gogoku_pipeline.training.run_ledger import read_run
from gogoku_pipeline.training.stop_rule import StopRule
from tests.unit.training.toy_network import DIALS, ToyNetwork, ToyRun


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return ToyRun(tmp_path_factory.mktemp("panel"))


def on(toy, data):
    other = ToyRun.__new__(ToyRun)
    other.__dict__ = {**toy.__dict__, "data": data}
    return other


def only(data, rule):
    """The same data, its cross-section cut to the stocks a rule leaves."""
    days = pl.DataFrame({"session": data.panel.sessions})
    everybody = days.join(pl.DataFrame({"code": list(data.panel.codes)}), how="cross")
    universe = everybody.with_columns(is_tradable=rule, is_in_universe=pl.lit(True))
    return TrainingData(data.panel, data.labels, universe)


def few(data):
    return pl.col("code").is_in(list(data.panel.codes)[:3])


def test_a_day_of_three_stocks_is_scored_and_never_learnt_from(toy):
    day = toy.sessions[0][20]
    cut = only(toy.data, (pl.col("session") != day) | few(toy.data))
    whole, without = on(toy, cut), on(toy, only(toy.data, pl.col("session") != day))
    learnt, missing = whole.train(epochs=1, days_per_step=1), without.train(epochs=1, days_per_step=1)
    assert learnt.ledger[0]["steps"] == missing.ledger[0]["steps"]
    scored = score_days(ToyNetwork(8), whole.source(), [day])
    assert len(scored[0][1]) == 3 and np.isfinite(scored[0][1]).all()


def test_nothing_but_days_of_three_stocks_is_an_error(toy):
    with pytest.raises(TrainingError, match="0 training days with 8 labelled stocks and 10 validation days; want some"):
        on(toy, only(toy.data, few(toy.data))).train(epochs=1)


def test_a_horizon_without_labels_is_refused(toy):
    with pytest.raises(DatasetError, match="gauss_open over 10 sessions: got no label"):
        other = on(toy, toy.data)
        other.horizons = (5, 10)
        other.train(epochs=1)


def test_a_checkpoint_of_another_universe_is_refused(toy, tmp_path):
    toy.train(place=Place(tmp_path), epochs=1)
    with pytest.raises(ArtefactError, match="the checkpoint of run"):
        on(toy, only(toy.data, ~pl.col("code").is_in([toy.data.panel.codes[0]]))).train(place=Place(tmp_path), epochs=1)


def test_weights_of_other_features_horizons_or_blocks_are_refused_by_name(toy):
    start = {name: weight.numpy() for name, weight in toy.train(epochs=1).weights.items()}
    wider = {**start, "head.weight": np.zeros((2, 12), np.float32)}
    with pytest.raises(ArtefactError, match=r"got \(2, 12\) for head.weight.*want \(1, 12\)"):
        toy.train(epochs=1, place=Place(start=wider))
    with pytest.raises(ArtefactError, match=r"got nothing for spread.bias, and 1 more.*want \(3,\)"):
        toy.train(epochs=1, network={"levels": (0.1, 0.5, 0.9)}, place=Place(start=start))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: AtftConfig.of("tiny", graph_heads=(), neighbours=5), "AtftConfig.neighbours: got 5.*graph_heads"),
        (lambda: AtftConfig.of("tiny", selection_inner=4), "selection of per_variable"),
        (lambda: AtftConfig.of("tiny", raw_scale=10.0), "raw_channels switched on"),
        (lambda: TrainConfig.of({"averaging": "swa", "ema_decay": 0.99}), "nothing reads with averaging 'swa'"),
        (lambda: TrainConfig.of({"loss": {"ranknet_partners": 8}}), "LossWeights.ranknet_partners.*with ranknet 0.0"),
        (lambda: TrainConfig.of({"stop": {"baseline_margin": 0.1}}), "baseline switched on, or the dial left alone"),
    ],
)
def test_a_dial_that_nothing_reads_is_refused_by_name(make, words):
    with pytest.raises(ConfigError, match=words):
        make()


def test_dials_that_are_read_or_left_alone_are_fine():
    assert AtftConfig.of("tiny", neighbours=5).neighbours == 5
    assert AtftConfig.of("atft_seed", graph_heads=()).edge_attributes == 3, "the preset's own, which nobody turned"
    everything = TrainConfig(averaging="swa", loss=LossWeights(ranknet=0.1))
    assert TrainConfig.of(everything.as_dict()) == everything
    kinds = (AtftConfig, TrainConfig, LossWeights, StopRule, SelectionConfig)
    known = {field.name for kind in kinds for field in fields(kind)}
    assert {name for dial, (beside, _) in READ_BESIDE.items() for name in (dial, beside)} <= known


def test_a_fit_refuses_other_features_another_order_and_another_normalisation(data, folds, ranker, boosted, panel):
    quick = replace(ranker, train=replace(ranker.train, epochs=1))
    for recipe in (quick, boosted):
        fitted = recipe.fit(data, folds[0].train, folds[0].validation, 1, 5)
        for change in (
            {"catalogue_hash": "another"},
            {"names": (*panel.names[1:], panel.names[0])},
            {"normaliser_key": "another"},
        ):
            with pytest.raises(DatasetError, match="model and panel: got a panel of catalogue"):
                fitted.score(data.on(replace(panel, **change)), folds[0].test[:1])


def test_a_list_of_another_cross_section_is_refused(data, market, panel, store, boosted):
    cutoff = market.sessions[140]
    made = train_version(boosted, data, cutoff, (1,), store, validation=15)
    wider = TrainingData(panel, market.labels, cross_section="in_universe")
    with pytest.raises(DatasetError, match="got the cross-section in_universe; want tradable"):
        predict_session(store, made.model, made.version, wider, cutoff)


def test_a_value_that_is_no_number_is_refused_with_its_days(toy):
    values = np.array(toy.data.panel.values)
    values[20, 3, 1] = np.nan
    with pytest.raises(TrainingError, match=r"inputs of .* values: got NaN or infinite"):
        on(toy, TrainingData(replace(toy.data.panel, values=values), toy.data.labels)).train(epochs=1)


def test_a_label_that_is_no_number_is_no_label(toy):
    code = toy.data.panel.codes[2]
    given = pl.when(pl.col("code") == code)
    spoilt, without = (
        toy.data.labels.with_columns(given.then(value).otherwise("gauss_open").alias("gauss_open"))
        for value in (float("nan"), None)
    )
    learnt = [on(toy, TrainingData(toy.data.panel, labels)).train(epochs=1) for labels in (spoilt, without)]
    assert learnt[0].ledger[0]["loss"] == learnt[1].ledger[0]["loss"]


class Steep(ToyNetwork):
    """Scores that are finite while their gradient is not: the root of zero."""

    def forward(self, inputs):
        told = super().forward(inputs)
        return NetworkOutput(told.scores + torch.sqrt(0.0 * self.head.weight.abs().sum()))


def test_a_gradient_that_is_not_finite_names_weights_and_days_and_is_told_in_the_ledger(toy, tmp_path):
    with (
        repeatable(1, 1),
        pytest.raises(TrainingError, match=r"gradient on \d{4}-\d\d-\d\d to .* of head.weight: got NaN") as red,
    ):
        sessions, config, place = toy.sessions, TrainConfig(**DIALS), Place(tmp_path)
        train_network(Steep(8), toy.source(), sessions, config, seed=1, rank_ic=rank_ic, place=place)
    events = [line for line in read_run(tmp_path) if line["kind"] == "event"]
    assert [event["event"] for event in events] == ["failed"] and events[0]["words"] == str(red.value)


class Still(ToyNetwork):
    """A network that says the same of every stock."""

    def forward(self, inputs):
        told = super().forward(inputs)
        return NetworkOutput(told.scores * 0.0)


def test_a_collapsed_run_leaves_the_figures_of_its_last_epoch(toy, tmp_path):
    with repeatable(1, 1), pytest.raises(TrainingError, match="constant scores, for 3 epochs in a row"):
        sessions, config, place = toy.sessions, TrainConfig(**DIALS), Place(tmp_path)
        train_network(Still(8), toy.source(), sessions, config, seed=1, rank_ic=rank_ic, place=place)
    lines = read_run(tmp_path)
    epochs = [line for line in lines if line["kind"] == "epoch"]
    assert [line["epoch"] for line in epochs] == [1, 2, 3] and epochs[-1]["flat_days"] == 1
    assert [line["event"] for line in lines if line["kind"] == "event"] == ["failed"]
