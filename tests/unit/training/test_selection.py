"""Features chosen inside a fold: by its training days alone, the same for every seed, and exactly those that serve."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import Lasso
from sklearn.metrics import mutual_info_score

from gogoku_pipeline.core.errors import ConfigError, DatasetError, LeakError, TrainingError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.some_features import SomeFeatures
from gogoku_pipeline.models.boosted import BoostedConfig
from gogoku_pipeline.models.selection_config import SelectionConfig
from gogoku_pipeline.training.config import TrainConfig
from gogoku_pipeline.training.final import train_version
from gogoku_pipeline.training.predict import load_fitted, predict_session
from gogoku_pipeline.training.recipe_network import NetworkRecipe
from gogoku_pipeline.training.scoring_features import lasso_scores, mutual_information_scores
from gogoku_pipeline.training.selection import SELECTION, Selection, fit_selection
from gogoku_pipeline.training.warm_start import warmed

METHODS = ("gain", "mutual_information", "lasso")
TELLING = {"ret_1d", "vol_20d"}


def choice(data, fold, method="lasso", train=None, **dials):
    config = SelectionConfig(method, **{"keep": 3, **dials})
    return fit_selection(data, train or fold.train, fold.validation[0], 5, config)


@pytest.mark.parametrize("method", METHODS)
def test_the_planted_features_are_chosen_and_noise_is_not(data, folds, method):
    found = choice(data, folds[0], method, keep=2)
    assert set(found.kept) >= TELLING
    assert min(found.scores[name] for name in TELLING) > max(
        score for name, score in found.scores.items() if name.startswith("noise")
    )


@pytest.mark.parametrize("method", METHODS)
def test_what_happens_from_the_first_validation_day_on_changes_no_choice(data, market, panel_of, folds, method):
    first = folds[0].validation[0]
    names = [name for name in market.features.columns if name not in ("session", "code")]
    later = pl.col("session") >= first
    features = market.features.with_columns(
        pl.when(later).then(-(pl.col(name) ** 3)).otherwise(pl.col(name)) for name in names
    )
    unknown = pl.col("available_at").dt.date() >= first
    labels = market.labels.with_columns(
        pl.when(unknown).then(-pl.col("gauss_open")).otherwise("gauss_open").alias("gauss_open")
    )
    other = TrainingData(panel_of(market, features=features), labels)
    found = choice(data, folds[0], method)
    assert found == choice(other, folds[0], method)
    assert found.fitted_through == folds[0].train[-1] < first


def test_a_choice_made_on_all_days_is_refused_where_a_fit_would_use_it(data, folds):
    fold = folds[0]
    greedy = choice(data, fold, train=data.sessions[:-10])
    assert greedy.scores != choice(data, fold).scores
    with pytest.raises(LeakError, match=f"fitted through {greedy.fitted_through}"):
        greedy.require_fitted_before(fold.test[0])
    with pytest.raises(LeakError):
        greedy.require_fitted_before(greedy.fitted_through)


@pytest.fixture(scope="module")
def recipes(boosted, ranker):
    chosen = SelectionConfig("lasso", keep=3)
    loop = replace(ranker.train, epochs=1, selection=chosen)
    return {
        "lightgbm": replace(boosted, config=replace(boosted.config, rounds=5, selection=chosen)),
        "apex_ranker": replace(ranker, train=loop),
    }


@pytest.mark.parametrize("model", ["lightgbm", "apex_ranker"])
def test_a_fit_reads_and_serves_exactly_what_it_chose(recipes, model, data, market, panel_of, folds):
    fold = folds[0]
    fitted = recipes[model].fit(data, fold.train, fold.validation, 1, 5)
    told = Selection.read(fitted.identity.settings[SELECTION])
    assert told.kept == choice(data, fold).kept and told.fitted_through == fold.train[-1]
    ignored = [name for name in data.names if name not in told.kept]
    blind = market.features.with_columns(pl.lit(0.7).alias(name) for name in ignored if name != "is_new")
    unread = TrainingData(panel_of(market, features=blind), market.labels)
    again = load_fitted(fitted.identity.settings.get("family", model), fitted.files())
    assert again.score(unread, fold.test).equals(fitted.score(data, fold.test))
    with pytest.raises(LeakError, match="selection of features"):
        fitted.score(data, fold.train[-2:])


@pytest.mark.parametrize("model", ["lightgbm", "apex_ranker"])
def test_a_version_keeps_its_choice_in_the_manifest_and_serves_by_it(recipes, model, data, market, store):
    cutoff = market.sessions[140]
    version = train_version(recipes[model], data, cutoff, (1, 2), store, validation=15)
    told = store.artefacts.load(model, version.version).manifest[SELECTION]
    assert set(told["kept"]) >= TELLING and len(told["kept"]) < len(data.names)
    assert told["fitted_through"] < version.manifest["validation"][0]
    kept = store.artefacts.load(model, version.version).files
    choices = [json.loads(kept[f"seed-{seed}-identity.json"])["settings"][SELECTION] for seed in (1, 2)]
    assert choices == [told, told], "one choice for every seed"
    assert predict_session(store, model, version.version, data, cutoff)["score"].null_count() == 0


def test_a_warm_start_reads_what_its_weights_were_fitted_on(recipes, data, market, store):
    recipe, cutoff = recipes["apex_ranker"], market.sessions[120]
    first = train_version(recipe, data, cutoff, (1,), store, validation=15)
    kept = store.artefacts.load(recipe.name, first.version)
    other = replace(recipe.train.selection, always=("noise_0",))
    warm = warmed(recipe, kept, data, market.sessions[121], 1)
    assert warm.place.of_seed(None, 1).chosen == kept.manifest[SELECTION]
    second = train_version(warm, data, market.sessions[121], (1,), store, validation=15)
    assert second.manifest[SELECTION] == kept.manifest[SELECTION]
    assert recipe.config_hash != replace(recipe, train=replace(recipe.train, selection=other)).config_hash


def test_a_selection_counts_in_the_design_only_when_it_is_on(boosted):
    off, on = SelectionConfig(keep=5), SelectionConfig("gain")
    plain = NetworkRecipe()
    assert "selection" not in plain.train.hashed()
    assert replace(plain, train=replace(plain.train, selection=on)).config_hash != plain.config_hash
    assert replace(boosted, config=replace(boosted.config, selection=off)).config_hash == boosted.config_hash
    assert replace(boosted, config=replace(boosted.config, selection=on)).config_hash != boosted.config_hash
    assert TrainConfig.of({"selection": {"method": "gain", "keep": 9}}).selection == SelectionConfig("gain", 9)
    assert BoostedConfig(selection={"method": "gain", "keep": 9}).selection == SelectionConfig("gain", 9)


def test_what_is_the_same_for_all_stocks_is_left_in_but_a_constant_or_an_empty_column_is_not(market, panel_of, folds):
    odd = market.features.with_columns(pl.lit(None, pl.Float32).alias("noise_0"), pl.lit(0.0).alias("is_new"))
    data = TrainingData(panel_of(market, features=odd), market.labels)
    for method in ("lasso", "mutual_information"):
        found = choice(data, folds[1], method, keep=8)
        assert set(found.left_in) <= {"mkt_ret_1d"}
        assert not {"noise_0", "is_new"} & set(found.kept)
    assert "noise_0" in choice(data, folds[1], keep=1, always=("noise_0",)).kept


def test_whole_days_spread_over_the_window_bound_the_rows(data, folds):
    fold = folds[0]
    few = choice(data, fold, "mutual_information", most_rows=400)
    assert few.fitted_through == fold.train[-1]
    assert TELLING & set(few.kept) and few.scores != choice(data, fold, "mutual_information").scores


def test_mutual_information_is_that_of_the_bins_and_does_not_mind_a_monotone_transform():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(4000, 3)).astype(np.float32)
    x[:, 1] = rng.integers(0, 4, 4000)
    x[::7, 0] = np.nan
    y = (np.nan_to_num(x[:, 0]) ** 2 + 0.5 * x[:, 1] + rng.normal(size=4000)).astype(np.float32)
    found = mutual_information_scores(x, y)
    tenths = np.searchsorted(np.quantile(y, np.linspace(0, 1, 11)[1:-1]), y)
    oracle = mutual_info_score(x[:, 1].astype(int), tenths) - 3 * 9 / (2 * 4000)
    assert found[1] == pytest.approx(oracle, rel=1e-6)
    assert found[0] > 0.05 and found[2] < 0.005, "a square is seen, noise is not"
    assert abs(spearmanr(x[:, 0], y, nan_policy="omit").statistic) < 0.1, "a correlation would not see it"
    assert mutual_information_scores(np.exp(x), y**3) == pytest.approx(found)


def test_the_lasso_is_that_of_scikit_learn():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(500, 12))
    x[:, 1] = 0.8 * x[:, 0] + 0.6 * x[:, 1]
    x[:, 11] = 9999.0
    y = x[:, 0] - 0.5 * x[:, 3] + 0.3 * x[:, 7] + rng.normal(size=500)
    found = lasso_scores(x, y, 4)
    z = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    wanted = y - y.mean()
    steepest = np.abs(z.T @ wanted / 500).max()
    for alpha in steepest * np.geomspace(1.0, 1e-3, 40)[1:]:
        oracle = np.abs(Lasso(alpha=alpha, fit_intercept=False, tol=1e-10, max_iter=100_000).fit(z, wanted).coef_)
        if np.count_nonzero(oracle) > 4:
            break
        best = oracle
    assert np.count_nonzero(found) == np.count_nonzero(best) <= 4
    assert found == pytest.approx(best, abs=1e-4)


def test_settings_that_mean_nothing_are_refused_by_name(data, folds):
    with pytest.raises(ConfigError, match=r"selection.method: got 'luck'"):
        SelectionConfig("luck")
    with pytest.raises(ConfigError, match=r"selection.keep: got 0"):
        SelectionConfig("gain", keep=0)
    with pytest.raises(ConfigError, match=r"unknown fields \['best'\]"):
        SelectionConfig.of({"best": 3})
    with pytest.raises(ConfigError, match="which nothing reads with method 'none'"):
        SelectionConfig.of({"keep": 9})
    with pytest.raises(DatasetError, match="unknown"):
        SomeFeatures(data, ("ret_1d", "astrology"))
    with pytest.raises(TrainingError, match="no labelled training row"):
        choice(data, folds[0], train=data.sessions[-3:])
