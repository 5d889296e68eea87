"""LightGBM and the ladder on flat tables."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from gogoku_pipeline.core.errors import ConfigError, TrainingError
from gogoku_pipeline.models.boosted import BoostedConfig, fit_boosted, load_boosted
from gogoku_pipeline.models.boosted_bins import BinnedRows
from gogoku_pipeline.models.naive import (
    LADDER,
    RULES,
    Rule,
    fit_ridge,
    random_scores,
    ridge_scores,
    rule_scores,
)

NAMES = ("a", "b", "c")
CONFIG = BoostedConfig(rounds=60, patience=10, threads=1)


def rows(count=3000, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(count, 3)).astype(np.float32)
    values[rng.random(values.shape) < 0.05] = np.nan
    clean = np.nan_to_num(values)
    targets = (clean[:, 0] * np.sign(clean[:, 1]) + 0.5 * rng.normal(size=count)).astype(np.float32)
    return values, targets


def grown(train, validation, metric, config, *, seed):
    """A fit on all of some rows, which count as one day."""
    values, targets = train
    binned = BinnedRows(values, np.zeros(len(values), dtype=np.int64), NAMES, config)
    return fit_boosted(binned.part(np.arange(len(values)), targets, config), validation, metric, config, seed=seed)


def correlation(targets):
    return lambda predictions: float(np.corrcoef(predictions, targets)[0, 1]) if predictions.std() > 0 else np.nan


@pytest.fixture(scope="module")
def fitted():
    values, targets = rows()
    unseen, wanted = rows(1000, seed=1)
    return grown((values, targets), unseen, correlation(wanted), CONFIG, seed=3), unseen, wanted


def test_trees_find_an_interaction_a_line_cannot(fitted):
    boosted, unseen, wanted = fitted
    values, targets = rows()
    line = ridge_scores(fit_ridge(values, targets, 0.01), unseen)
    assert correlation(wanted)(boosted.score(unseen)) > 0.6
    assert abs(correlation(wanted)(line)) < 0.2


def test_the_model_is_cut_at_its_best_round(fitted):
    boosted, unseen, wanted = fitted
    assert boosted.booster.num_trees() == int(np.argmax(boosted.curve)) + 1
    assert correlation(wanted)(boosted.score(unseen)) == pytest.approx(max(boosted.curve), abs=1e-9)


def test_patience_ends_a_fit_that_learns_nothing():
    values, targets = rows(800)
    noise = np.random.default_rng(9).permutation(targets)
    config = BoostedConfig(rounds=300, patience=5, threads=1)
    boosted = grown((values, noise), values[:200], lambda scores: -float(len(scores)), config, seed=1)
    assert len(boosted.curve) == 6 and boosted.booster.num_trees() == 1


def test_text_round_trip_gives_equal_scores_and_the_same_seed_gives_the_same_text(fitted):
    boosted, unseen, wanted = fitted
    again = load_boosted(boosted.to_text())
    assert np.array_equal(again.score(unseen), boosted.score(unseen))
    twin = grown(rows(), unseen, correlation(wanted), CONFIG, seed=3)
    other = grown(rows(), unseen, correlation(wanted), CONFIG, seed=4)
    assert twin.to_text() == boosted.to_text() != other.to_text()


def test_leaf_size_grows_with_the_data_within_bounds():
    found = [CONFIG.parameters(count, 1)["min_data_in_leaf"] for count in (500, 10_000, 10_000_000)]
    assert found == [20, 200, 2000]


def test_unreadable_text_no_rows_and_impossible_settings_are_refused():
    with pytest.raises(TrainingError, match="LightGBM"):
        load_boosted("not a model")
    empty = np.empty((0, 3), dtype=np.float32)
    with pytest.raises(TrainingError, match="no training rows"):
        grown((empty, empty[:, 0]), empty, lambda _: 0.0, CONFIG, seed=1)
    for change in ({"feature_fraction": 0.0}, {"rounds": 0}, {"leaves": 1}, {"grades": 1}, {"objective": "huber"}):
        with pytest.raises(ConfigError, match=next(iter(change))):
            BoostedConfig(**change)


def test_ridge_equals_the_library():
    values, targets = rows()
    clean = np.nan_to_num(values).astype(np.float64)
    wanted = Ridge(alpha=0.01 * len(values), fit_intercept=False).fit(clean, targets).coef_
    assert fit_ridge(values, targets, 0.01) == pytest.approx(wanted, rel=1e-6)


def test_rules_are_a_signed_feature_and_missing_stays_missing():
    values = np.array([[1.0, 2.0, np.nan]], dtype=np.float32)
    assert rule_scores(Rule("b", -1.0), values, NAMES).tolist() == [-2.0]
    assert np.isnan(rule_scores(Rule("c", 1.0), values, NAMES)).all()
    assert np.isnan(ridge_scores(np.ones(3), np.full((1, 3), np.nan, dtype=np.float32))).all()
    with pytest.raises(ConfigError, match="zzz"):
        rule_scores(Rule("zzz", 1.0), values, NAMES)


def test_noise_is_fresh_each_day_and_repeatable():
    a, b = random_scores(1, "2024-05-08", 5), random_scores(1, "2024-05-09", 5)
    assert not np.array_equal(a, b)
    assert np.array_equal(a, random_scores(1, "2024-05-08", 5))
    assert not np.array_equal(a, random_scores(2, "2024-05-08", 5))


def test_the_ladder_has_its_six_rungs():
    assert set(LADDER) == {"random", "ridge", *RULES} and len(LADDER) == 6
    assert {name: rule.sign for name, rule in RULES.items()} == {
        "reversal_1d": -1.0,
        "reversal_5d": -1.0,
        "momentum_12_1": 1.0,
        "low_volatility": -1.0,
    }
