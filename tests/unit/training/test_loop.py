"""The training loop: repeatable, honest about its curve, and loud when a model collapses."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from gogoku_pipeline.core.errors import CollapseError, ConfigError, TrainingError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.evaluation.ic import daily_rank_ic
from gogoku_pipeline.models.loss_weights import LossWeights
from gogoku_pipeline.training.collapse import CollapseWatch, Spread, spread_of
from gogoku_pipeline.training.config import TrainConfig
from gogoku_pipeline.training.device import choose_device, repeatable
from gogoku_pipeline.training.recipe_network import NetworkRecipe
from tests.unit.dataset.planted import PlantedMarket, ToyCatalogue, ToyFeature


@pytest.fixture(scope="module")
def fitted(data, folds, ranker):
    rows = []
    return ranker.fit(data, folds[0].train, folds[0].validation, 1, 5, rows.append), rows


def test_the_planted_signal_is_found(fitted):
    assert max(row["validation_rank_ic"] for row in fitted[0].ledger) > 0.5


def test_the_weights_kept_are_the_averaged_ones_of_the_best_epoch(fitted, data, folds, market):
    best = max(fitted[0].ledger, key=lambda row: row["smoothed_rank_ic"])
    scores = fitted[0].score(data, folds[0].validation)
    found = daily_rank_ic(scores, market.labels, "gauss_open")["rank_ic"].mean()
    assert found == pytest.approx(best["validation_rank_ic"], abs=1e-6)
    assert fitted[0].identity.settings["best_epoch"] == best["epoch"]


def test_every_epoch_is_reported_with_its_gradient_shares(fitted):
    ledger, reported = fitted[0].ledger, fitted[1]
    assert ledger == reported
    for row in ledger:
        shares = [value for name, value in row.items() if name.startswith("gradient_share_")]
        assert len(shares) == 3 and sum(shares) == pytest.approx(1.0)
        assert np.isfinite(list(row.values())).all()
        assert row["flat_days"] == 0 and row["unique_ratio"] > 0.95
        # in the first epoch scores are still nearly equal and the correlation's gradient (1 / std) drowns the others
        assert row["epoch"] == 1 or min(shares) >= 0.01, "a term nobody feels has no place in the loss"


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(fitted, data, folds, ranker):
    def weights(seed):
        return ranker.fit(data, folds[0].train, folds[0].validation, seed, 5).files()["weights.safetensors"]

    mine = fitted[0].files()["weights.safetensors"]
    assert weights(1) == mine
    assert weights(2) != mine


def test_training_leaves_the_callers_generator_and_threads_alone(data, folds, ranker):
    torch.manual_seed(11)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    with repeatable(5, 1):
        torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_a_model_that_cannot_tell_stocks_apart_fails_the_run(market, panel_of, folds, ranker):
    catalogue = ToyCatalogue((ToyFeature("is_january", unit="flag"),), hash="flat")
    features = market.features.select("session", "code", (pl.col("session").dt.month() == 1).alias("is_january"))
    flat = PlantedMarket(catalogue, features, market.universe, market.labels, market.sessions, market.codes, None)
    data = TrainingData(panel_of(flat), market.labels)
    with pytest.raises(CollapseError, match="constant scores, for 3 epochs in a row"):
        ranker.fit(data, folds[0].train, folds[0].validation, 1, 5)


def test_the_alarm_needs_consecutive_epochs():
    watch, flat, fine = CollapseWatch(2), Spread(0.02, 1.0, 0.0), Spread(1.0, 0.0, 0.03)
    for epoch, spread in enumerate((flat, fine, flat, fine), 1):
        watch.see(epoch, spread)
    watch.see(5, flat)
    with pytest.raises(CollapseError, match="epoch 6"):
        watch.see(6, flat)


def test_a_faint_signal_is_no_alarm_but_ties_are():
    rng = np.random.default_rng(0)
    assert spread_of([0.01 * rng.normal(size=500)]).alarm == ""
    assert "distinct" in spread_of([np.round(rng.normal(size=500), 1)]).alarm


def test_validation_labels_never_enter_the_weights(data, market, panel, folds, ranker):
    fold = folds[0]
    epochs = replace(ranker, train=replace(ranker.train, epochs=1))
    judge = pl.col("available_at").dt.date() >= fold.validation[0]
    altered = market.labels.with_columns(
        pl.when(judge).then(-(pl.col("gauss_open") ** 3)).otherwise("gauss_open").alias("gauss_open")
    )
    plain = epochs.fit(data, fold.train, fold.validation, 1, 5)
    other = epochs.fit(TrainingData(panel, altered), fold.train, fold.validation, 1, 5)
    assert plain.ledger[0]["validation_rank_ic"] != other.ledger[0]["validation_rank_ic"]
    assert plain.files()["weights.safetensors"] == other.files()["weights.safetensors"]


def test_days_without_a_full_look_back_or_labels_are_an_error_not_a_result(data, market, folds, ranker):
    with pytest.raises(TrainingError, match="0 training"):
        ranker.fit(data, market.sessions[:3], folds[0].validation, 1, 5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 0}, "epochs"),
        ({"smoothing": 9, "epochs": 3}, "smoothing <= epochs"),
        ({"warmup_share": 1.0}, "warmup_share"),
        ({"ema_share": 0.0}, "ema_share"),
        ({"learning_rate": 0.0}, "learning_rate"),
    ],
)
def test_contradicting_settings_are_refused_by_name(changes, words):
    with pytest.raises(ConfigError, match=words):
        TrainConfig(**changes)


def test_device_and_threads_do_not_change_the_recipe_but_everything_else_does():
    base = NetworkRecipe()
    assert base.config_hash == replace(base, train=replace(base.train, device="cpu", threads=7)).config_hash
    others = [
        replace(base, train=replace(base.train, epochs=3)),
        replace(base, train=replace(base.train, loss=LossWeights(1.0, 0.0, 0.0))),
        replace(base, model=replace(base.model, depth=3)),
    ]
    assert len({base.config_hash, *(other.config_hash for other in others)}) == 4


def test_an_unknown_device_is_refused():
    assert choose_device("cpu") == torch.device("cpu")
    with pytest.raises(ConfigError, match="device"):
        choose_device("abacus")
