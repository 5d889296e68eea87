"""Uncertainty against statsmodels, arch and formulas coded a second time."""

import math
from statistics import NormalDist

import numpy as np
import pytest
import statsmodels.api as sm
from arch.bootstrap import StationaryBootstrap, optimal_block_length

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.significance import (
    dm_hln,
    minimum_detectable_effect,
    newey_west_t,
    paired_differences,
    sessions_to_settle,
    small_sample_stretch,
    stationary_bootstrap_ci,
)


def _overlapping(rng, n, h=5, mean=0.0):
    """A moving average of h shocks: what a daily RankIC of an h-session label looks like."""
    shocks = rng.normal(size=n + h - 1)
    return mean + np.convolve(shocks, np.ones(h) / h, mode="valid")


@pytest.mark.parametrize("lag", [1, 5, 12])
def test_newey_west_equals_statsmodels(lag):
    series = _overlapping(np.random.default_rng(1), 300, mean=0.05)
    fit = sm.OLS(series, np.ones_like(series)).fit(cov_type="HAC", cov_kwds={"maxlags": lag})
    ours = newey_west_t(series, lag=lag)
    assert ours.t == pytest.approx(float(fit.tvalues[0]), rel=1e-10)
    assert ours.standard_error == pytest.approx(float(fit.bse[0]), rel=1e-10)
    assert ours.p_value == pytest.approx(float(fit.pvalues[0]), rel=1e-8)


def test_the_lag_is_never_shorter_than_the_horizon():
    series = np.random.default_rng(0).normal(size=100)
    assert newey_west_t(series, horizon_d=20).lag == 20
    assert newey_west_t(series, horizon_d=1).lag == 4


def test_days_without_a_value_are_left_out():
    series = np.random.default_rng(0).normal(size=100)
    holes = np.insert(series, [10, 50], np.nan)
    assert newey_west_t(holes, horizon_d=5) == newey_west_t(series, horizon_d=5)
    assert stationary_bootstrap_ci(holes, seed=1) == stationary_bootstrap_ci(series, seed=1)


def test_a_short_or_constant_series_has_no_t():
    assert math.isnan(newey_west_t([0.1] * 5).t)
    assert math.isnan(newey_west_t([0.1] * 50).t)
    assert math.isnan(dm_hln([0.1] * 50, horizon_d=5).t)
    assert math.isnan(stationary_bootstrap_ci([0.1] * 5).low)


def test_identical_models_have_an_interval_of_exactly_zero():
    series = np.random.default_rng(0).normal(size=100)
    interval = stationary_bootstrap_ci(paired_differences(series, series))
    assert (interval.low, interval.high) == (0.0, 0.0)


def test_the_bootstrap_agrees_with_arch():
    series = _overlapping(np.random.default_rng(2), 250, mean=0.1)
    block = float(optimal_block_length(series)["stationary"].iloc[0])
    ours = stationary_bootstrap_ci(series, resamples=20_000, seed=3)
    assert ours.block == pytest.approx(max(block, 2.0))
    theirs = StationaryBootstrap(ours.block, series, seed=np.random.default_rng(4)).apply(np.mean, 4_000).ravel()
    lost = math.sqrt(1 - (2 * ours.block - 1) / 250)
    assert ours.standard_error * lost == pytest.approx(theirs.std(ddof=1), rel=0.05)
    stretch = small_sample_stretch(250, ours.block, 0.95)
    reach = (np.quantile(theirs, [0.025, 0.975]) - series.mean()) * stretch + series.mean()
    assert (ours.low, ours.high) == pytest.approx(tuple(reach), abs=0.2 * theirs.std())


def test_the_block_is_never_shorter_than_the_horizon_and_the_same_seed_gives_the_same_interval():
    series = np.random.default_rng(5).normal(size=200)
    first = stationary_bootstrap_ci(series, horizon_d=10, seed=1)
    assert first.block >= 20
    assert first == stationary_bootstrap_ci(series, horizon_d=10, seed=1)
    assert first != stationary_bootstrap_ci(series, horizon_d=10, seed=2)


def test_the_interval_of_an_overlapping_series_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(6)
    covered = 0
    for trial in range(200):
        interval = stationary_bootstrap_ci(_overlapping(rng, 250), horizon_d=5, resamples=400, seed=trial)
        covered += interval.low <= 0 <= interval.high
    assert covered >= 174, f"{covered} of 200 intervals covered the truth"


def _dm_by_hand(d, h):
    """Diebold-Mariano-HLN from the formula, loops and all."""
    n = len(d)
    mean = sum(d) / n
    gamma = [sum((d[t] - mean) * (d[t - k] - mean) for t in range(k, n)) / n for k in range(h)]
    variance = (gamma[0] + 2 * sum(gamma[1:])) / n
    if variance <= 0:
        variance = (gamma[0] + 2 * sum((1 - k / h) * gamma[k] for k in range(1, h))) / n
    return mean / math.sqrt(variance) * math.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)


@pytest.mark.parametrize("h", [1, 2, 5])
def test_diebold_mariano_equals_the_formula_coded_by_hand(h):
    for trial in range(20):
        d = list(np.random.default_rng(trial).normal(0.1, 1, size=60))
        assert dm_hln(d, horizon_d=h).t == pytest.approx(_dm_by_hand(d, h), rel=1e-10)


def test_diebold_mariano_falls_back_to_bartlett_when_the_variance_is_not_positive():
    d = [1.0, -1.0] * 20 + [0.5]
    centred = np.array(d) - np.mean(d)
    plain = (centred @ centred + 2 * (centred[1:] @ centred[:-1])) / len(d)
    assert plain < 0, "the series must make the rectangular estimate negative"
    result = dm_hln(d, horizon_d=2)
    assert math.isfinite(result.t)
    assert result.t == pytest.approx(_dm_by_hand(d, 2))


def test_diebold_mariano_at_horizon_one_is_students_t_with_the_small_sample_factor():
    d = [0.3, -0.1, 0.4, 0.2, -0.2, 0.5, 0.1, 0.0, 0.3, 0.2]  # mean 0.17, g0 = 0.0441: worked with pencil
    result = dm_hln(d, horizon_d=1)
    assert result.mean == pytest.approx(0.17)
    assert result.standard_error == pytest.approx(math.sqrt(0.0441 / 10))
    assert result.t == pytest.approx(0.17 / math.sqrt(0.0441 / 10) * math.sqrt(9 / 10))
    assert result.t == pytest.approx(0.17 / (np.std(d, ddof=1) / math.sqrt(10)))
    assert 0.02 < result.p_value < 0.05  # a printed t table, 9 degrees of freedom: 2.262 and 2.821


def test_longer_series_do_not_inflate_diebold_mariano():
    rng = np.random.default_rng(7)
    large = sum(abs(dm_hln(_overlapping(rng, 2_000), horizon_d=5).t) > 1.96 for _ in range(200))
    assert large <= 24, f"{large} of 200 null series called significant at 5 %"


def test_the_minimum_detectable_effect_is_found_with_the_promised_power():
    error = 0.01
    effect = minimum_detectable_effect(error)
    assert effect == pytest.approx((NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)) * error)
    draws = np.random.default_rng(8).normal(effect, error, size=20_000)
    assert np.mean(draws / error > 1.959964) == pytest.approx(0.8, abs=0.01)


def test_sessions_that_settle_shrink_the_detectable_effect_to_the_one_asked_for():
    error, n, effect = 0.005, 200, 0.004
    total = sessions_to_settle(error, n, effect)
    assert minimum_detectable_effect(error * math.sqrt(n / total)) <= effect
    assert minimum_detectable_effect(error * math.sqrt(n / (total - 1))) > effect
    assert sessions_to_settle(error, n, 0.0) is None
    assert sessions_to_settle(math.nan, n, 0.01) is None


def test_series_of_different_days_cannot_be_paired():
    with pytest.raises(EvaluationError, match="paired series"):
        paired_differences([1.0, 2.0], [1.0])
