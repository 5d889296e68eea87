"""Versions: trained on what was known, kept whole, refused when anything differs."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from gogoku_pipeline.core.errors import ArtefactError, DatasetError, LeakError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.splits import label_span
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.training.final import seed_file, train_version
from gogoku_pipeline.training.predict import load_fitted, predict_session
from gogoku_pipeline.training.recipe_ladder import LadderRecipe
from tests.unit.dataset.planted import ToyCatalogue

SEEDS = (1, 2)


@pytest.fixture(params=["lightgbm", "apex_ranker", "ridge", "random"])
def recipe(request, boosted, ranker):
    quick = replace(ranker, train=replace(ranker.train, epochs=2))
    return {"lightgbm": boosted, "apex_ranker": quick}.get(request.param) or LadderRecipe(request.param)


@pytest.fixture
def cutoff(market):
    return market.sessions[140]


def test_a_version_scores_as_its_fits_did(recipe, data, panel, store, cutoff, market):
    made = train_version(recipe, data, cutoff, SEEDS, store, validation=15)
    day = market.sessions[150]
    found = predict_session(store, made.model, made.version, panel, day)
    kept = store.artefacts.load(made.model, made.version)
    parts = []
    for seed in made.manifest["seeds"]:
        files = {
            name.removeprefix(f"seed-{seed}-"): body for name, body in kept.files.items() if f"seed-{seed}-" in name
        }
        scores = load_fitted(recipe.family, files).score(data, [day])
        parts.append(scores.with_columns(pl.lit(seed).alias("seed")))
    assert found.equals(ensemble_scores(pl.concat(parts)).select(found.columns).sort("session", "code"))
    assert found.height == 40
    assert found.columns == ["session", "code", "horizon_d", "score"]
    assert found["score"].is_between(0, 1).all()


def test_save_and_load_give_equal_scores(recipe, data, folds):
    fitted = recipe.fit(data, folds[0].train, folds[0].validation, 1, 5)
    again = load_fitted(recipe.family, fitted.files())
    days = folds[0].test[:3]
    assert again.score(data, days).equals(fitted.score(data, days))


def test_the_manifest_says_what_the_version_is(data, store, boosted, cutoff, panel, market):
    made = train_version(boosted, data, cutoff, SEEDS, store, validation=15)
    manifest = store.artefacts.load(made.model, made.version).manifest
    assert manifest["feature_hash"] == panel.catalogue_hash == made.feature_hash
    assert manifest["config_hash"] == boosted.config_hash
    assert manifest["table_versions"] == {"feat__prices": 1}
    assert manifest["seeds"] == [1, 2]
    assert manifest["cutoff"] == manifest["fitted_through"] == cutoff.isoformat()
    last = [str(day) for day in market.sessions].index(manifest["validation"][1])
    assert last + label_span(5) == market.sessions.index(cutoff)
    assert made.version.startswith(f"{cutoff:%Y%m%d}-")
    assert set(made.curves) == {1, 2}


def test_training_the_same_twice_finds_the_first(data, store, boosted, cutoff):
    first = train_version(boosted, data, cutoff, SEEDS, store, validation=15)
    again = train_version(boosted, data, cutoff, SEEDS, store, validation=15)
    assert (again.version, again.curves) == (first.version, {})
    other = train_version(boosted, data, cutoff, (3,), store, validation=15)
    assert other.version != first.version
    assert store.artefacts.versions("lightgbm") == sorted([first.version, other.version])


class PowerCutError(Exception):
    """Everything stops."""


class Interrupted:
    """A recipe that counts its fits and may stop before one of them."""

    def __init__(self, recipe, stops_before=None):
        self.recipe, self.stops_before, self.fitted = recipe, stops_before, []

    def __getattr__(self, name):
        return getattr(self.recipe, name)

    def fit(self, data, train, validation, seed, horizon_d):
        if seed == self.stops_before:
            raise PowerCutError
        self.fitted.append(seed)
        return self.recipe.fit(data, train, validation, seed, horizon_d)


def test_a_training_that_was_interrupted_goes_on_with_the_seeds_that_are_missing(data, store, ranker, cutoff):
    quick = replace(ranker, train=replace(ranker.train, epochs=1))
    first, second = Interrupted(quick, stops_before=3), Interrupted(quick)
    with pytest.raises(PowerCutError):
        train_version(first, data, cutoff, (1, 2, 3), store, validation=15)
    assert store.artefacts.versions(quick.name) == []
    made = train_version(second, data, cutoff, (1, 2, 3), store, validation=15)
    assert (first.fitted, second.fitted) == ([1, 2], [3])
    assert set(made.curves) == {1, 2, 3} and all(made.curves.values())
    kept = store.artefacts.load(made.model, made.version)
    fits = [name for name in kept.files if name != "intervals.json"]
    assert {name.rpartition("-")[0] for name in fits} == {"seed-1", "seed-2", "seed-3"}


def test_labels_known_after_the_cut_off_change_nothing(data, market, panel, store, cutoff, boosted):
    future = pl.col("available_at").dt.date() > cutoff
    altered = market.labels.with_columns(pl.when(future).then(9.0).otherwise("gauss_open").alias("gauss_open"))
    a = train_version(boosted, data, cutoff, (1,), store, validation=15)
    b = train_version(boosted, TrainingData(panel, altered), cutoff, (1,), store, validation=15)
    name = seed_file(1, "model.txt")
    models = [store.artefacts.load("lightgbm", made.version).files[name] for made in (a, b)]
    assert models[0] == models[1]


def test_a_panel_of_other_features_is_refused(data, store, boosted, cutoff, market, panel_of):
    made = train_version(boosted, data, cutoff, (1,), store, validation=15)
    other = panel_of(replace(market, catalogue=ToyCatalogue(market.catalogue.features, hash="another")))
    with pytest.raises(DatasetError, match="feature catalogue another"):
        predict_session(store, made.model, made.version, other, market.sessions[150])


def test_a_session_the_version_already_knew_is_refused(data, store, boosted, cutoff, market, panel):
    made = train_version(boosted, data, cutoff, (1,), store, validation=15)
    assert predict_session(store, made.model, made.version, panel, cutoff).height == 40
    with pytest.raises(DatasetError, match="on or after its cut-off"):
        predict_session(store, made.model, made.version, panel, market.sessions[139])


def test_one_changed_byte_is_an_error(data, store, boosted, cutoff, market, panel, tmp_path):
    made = train_version(boosted, data, cutoff, (1,), store, validation=15)
    file = next(Path(tmp_path).rglob(seed_file(1, "model.txt")))
    payload = bytearray(file.read_bytes())
    payload[100] ^= 1
    file.write_bytes(bytes(payload))
    with pytest.raises(ArtefactError, match="altered bytes"):
        predict_session(store, made.model, made.version, panel, market.sessions[150])


def test_versions_that_cannot_be_are_refused(data, store, boosted, market, cutoff):
    with pytest.raises(DatasetError, match="no seeds"):
        train_version(boosted, data, cutoff, (), store)
    with pytest.raises(DatasetError, match="does not hold"):
        train_version(boosted, data, cutoff.replace(year=2001), (1,), store)
    with pytest.raises(DatasetError, match="cut-off"):
        train_version(boosted, data, market.sessions[30], (1,), store)
    with pytest.raises(DatasetError, match="family"):
        load_fitted("oracle", {})
    with pytest.raises(ArtefactError, match=r"identity\.json"):
        load_fitted("lightgbm", {})


def test_a_version_on_a_scaler_that_saw_beyond_the_cut_off_is_refused(data, panel, store, boosted, market, cutoff):
    ahead = TrainingData(replace(panel, fitted_through=market.sessions[141]), market.labels)
    with pytest.raises(LeakError, match=f"a scaler fitted through {market.sessions[141]}"):
        train_version(boosted, ahead, cutoff, (1,), store)
    assert store.artefacts.versions(boosted.name) == []
