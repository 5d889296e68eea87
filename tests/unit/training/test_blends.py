"""Blends: ranks are mixed, weights are what they say, stacking is drawn to equal weights, files bring all back."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm, rankdata

from gogoku_pipeline.core.errors import ArtefactError, ConfigError
from gogoku_pipeline.training.final import train_version
from gogoku_pipeline.training.predict import load_fitted, predict_session
from gogoku_pipeline.training.recipe_blend import (
    BlendRecipe,
    load_fitted_blend,
    mixed,
    normal_ranks,
    stacking_weights,
)
from gogoku_pipeline.training.recipe_ladder import LadderRecipe
from gogoku_pipeline.training.walk_forward import run_walk_forward

RIDGE, NOISE = LadderRecipe("ridge"), LadderRecipe("random")


@pytest.fixture
def boosted_and_ridge(boosted):
    return BlendRecipe((boosted, RIDGE), (0.8, 0.2), "boosted_with_ridge")


@pytest.fixture
def fitted(boosted_and_ridge, data, folds):
    return boosted_and_ridge.fit(data, folds[0].train, folds[0].validation, 1, 5)


def test_a_list_is_the_weighted_mean_of_the_parts_normal_ranks(fitted, data, folds):
    day = folds[0].test[0]
    parts = [fit.score(data, [day]).sort("code")["score"].to_numpy() for _, fit in fitted.parts]
    ranks = [norm.ppf((rankdata(part) - 0.5) / part.size) for part in parts]
    found = fitted.score(data, [day])
    assert np.allclose(found["score"].to_numpy(), 0.8 * ranks[0] + 0.2 * ranks[1], atol=1e-9)
    assert found.columns == ["session", "code", "horizon_d", "score"]


def scores(*values):
    keys = {"session": ["2024-01-04"] * len(values), "code": [f"{place}0000" for place in range(len(values))]}
    return pl.DataFrame(keys | {"horizon_d": [5] * len(values), "score": list(values)})


def test_a_stock_that_one_part_leaves_out_takes_the_others_word_and_nobodys_stays_null():
    one, two = normal_ranks(scores(1.0, 2.0, None, None)), normal_ranks(scores(5.0, 1.0, 3.0, None))
    found = mixed([one, two], (0.5, 0.5))["score"].to_list()
    assert found[2] == pytest.approx(two["score"][2]) and found[3] is None
    assert found[0] == pytest.approx((one["score"][0] + two["score"][0]) / 2)


def test_monotone_changes_of_a_parts_scores_change_nothing():
    rng = np.random.default_rng(1)
    raw = rng.normal(size=30)
    assert normal_ranks(scores(*raw)).equals(normal_ranks(scores(*np.exp(3 * raw))))


def test_stacking_prefers_the_part_that_knows_but_not_wholly():
    rng = np.random.default_rng(7)
    knows, guesses = rng.normal(size=(2, 20_000))
    target = 0.05 * knows + rng.normal(size=20_000)
    first, second = stacking_weights(np.column_stack([knows, guesses]), target)
    assert 0.6 < first < 0.9
    assert first + second == pytest.approx(1.0)


def test_stacking_finds_equal_weights_where_the_parts_say_the_same_or_all_are_wrong():
    rng = np.random.default_rng(8)
    says = rng.normal(size=5_000)
    assert stacking_weights(np.column_stack([says, says]), 0.1 * says) == pytest.approx((0.5, 0.5))
    assert stacking_weights(np.column_stack([says, says]), -says) == pytest.approx((0.5, 0.5))


def test_stacking_through_a_fit_weighs_what_predicts_above_noise(data, folds):
    stack = BlendRecipe((RIDGE, NOISE), name="stack")
    weights = stack.fit(data, folds[0].train, folds[0].validation, 1, 5).weights
    assert weights[0] > 0.6


def test_files_bring_back_the_same_scores(fitted, data, folds):
    again = load_fitted("blend", fitted.files())
    assert again.score(data, folds[0].test[:3]).equals(fitted.score(data, folds[0].test[:3]))


def test_a_part_that_is_missing_is_named(fitted):
    files = {name: body for name, body in fitted.files().items() if not name.startswith("part-1-")}
    with pytest.raises(ArtefactError, match="part 1 of a blend"):
        load_fitted_blend(files, partial(load_fitted))


def test_a_blend_walks_and_serves_like_any_recipe(boosted_and_ridge, data, folds, store):
    walked = run_walk_forward(boosted_and_ridge, data, folds[:1], (1,), 5)
    assert walked.scores["score"].null_count() == 0
    version = train_version(boosted_and_ridge, data, data.sessions[-30], (1,), store, validation=15)
    listed = predict_session(store, version.model, version.version, data, data.sessions[-29])
    assert listed.height == len(data.members(data.sessions[-29]))


@pytest.mark.parametrize(
    ("parts", "weights", "said"),
    [
        ((RIDGE,), (), "1 parts"),
        ((RIDGE, NOISE), (1.0,), "1 weights for 2 parts"),
        ((RIDGE, NOISE), (0.8, 0.3), "weights"),
        ((RIDGE, NOISE), (1.2, -0.2), "weights"),
    ],
)
def test_what_is_no_blend_is_refused(parts, weights, said):
    with pytest.raises(ConfigError, match=said):
        BlendRecipe(parts, weights)


def test_other_weights_are_another_recipe_and_so_are_other_parts():
    hashes = {BlendRecipe((RIDGE, NOISE), weights).config_hash for weights in ((), (0.5, 0.5), (0.8, 0.2))} | {
        BlendRecipe((NOISE, RIDGE), (0.8, 0.2)).config_hash
    }
    assert len(hashes) == 4
