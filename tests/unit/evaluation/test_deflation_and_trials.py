"""Luck counted: Sharpe ratios that cannot be had, the ledger of everything tried, overfitting at its ends."""

import math
import statistics
from datetime import datetime

import numpy as np
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.deflation import (
    deflated_sharpe,
    expected_maximum_sharpe,
    probabilistic_sharpe,
    sharpe_ratio,
)
from gogoku_pipeline.evaluation.overfitting import backtest_overfitting
from gogoku_pipeline.evaluation.trials import TRIALS, Trial, deflated_by_ledger, new_trials, trial_rows

NOW = datetime(2024, 5, 8, 19, 30, tzinfo=JST)


def _series(seed, mean=0.0):
    return np.random.default_rng(seed).normal(mean, 1.0, size=250)


def _trials(count, first=0):
    return [(Trial("m", "c", "f", seed), _series(seed)) for seed in range(first, first + count)]


def test_a_constant_a_short_and_a_missing_series_have_no_sharpe_ratio():
    for series in ([0.1] * 50, [0.1, 0.2], [math.nan] * 50):
        assert math.isnan(sharpe_ratio(series))
        assert math.isnan(probabilistic_sharpe(series))
    assert math.isnan(deflated_sharpe([0.1] * 50, n_trials=3, variance=0.1).probability)


def test_days_without_a_return_are_left_out():
    series = _series(0, 0.1)
    assert probabilistic_sharpe(np.insert(series, [3, 90], np.nan)) == probabilistic_sharpe(series)


@pytest.mark.parametrize(("trials", "variance"), [(0, 0.1), (5, -0.1), (5, math.nan)])
def test_impossible_counts_of_trials_are_refused(trials, variance):
    with pytest.raises(EvaluationError, match="deflated Sharpe"):
        expected_maximum_sharpe(trials, variance)


def test_more_trials_deflate_more_and_one_trial_not_at_all():
    series = _series(1, 0.15)
    found = [deflated_sharpe(series, n_trials=n, variance=0.004).probability for n in (1, 2, 10, 1000)]
    assert found == sorted(found, reverse=True)
    assert found[0] == probabilistic_sharpe(series)


def test_the_ledger_takes_each_trial_once_whoever_repeats_it():
    ledger = trial_rows(_trials(3), recorded_at=NOW)
    again = trial_rows([*_trials(4), *_trials(2)], recorded_at=NOW)
    fresh = new_trials(ledger, again)
    assert fresh["seed"].to_list() == [3]
    assert new_trials(ledger.clear(), again).height == 4
    assert ledger.schema == TRIALS.polars_schema


def test_a_trial_is_told_apart_by_recipe_configuration_features_and_seed():
    parts = {Trial(m, c, f, s).hash for m in "ab" for c in "ab" for f in "ab" for s in (0, 1)}
    assert len(parts) == 16


def test_every_logged_trial_deflates_the_chosen_one():
    chosen = _series(7, 0.12)
    few = deflated_by_ledger(chosen, trial_rows(_trials(5), recorded_at=NOW))
    many = deflated_by_ledger(chosen, trial_rows(_trials(200), recorded_at=NOW))
    assert (few.n_trials, many.n_trials) == (5, 200)
    assert many.benchmark > few.benchmark
    assert many.probability < few.probability < probabilistic_sharpe(chosen)


def test_the_benchmark_comes_from_the_spread_of_the_logged_ratios():
    rows = trial_rows(_trials(12), recorded_at=NOW)
    ratios = [sharpe_ratio(series) for _, series in _trials(12)]
    wanted = expected_maximum_sharpe(12, statistics.variance(ratios))
    assert deflated_by_ledger(_series(3), rows).benchmark == pytest.approx(wanted, rel=1e-12)


def test_a_trial_that_failed_still_counts_as_a_trial():
    rows = trial_rows([*_trials(5), (Trial("m", "c", "f", 99), [math.nan] * 20)], recorded_at=NOW)
    assert rows["sharpe"].null_count() == 1
    assert deflated_by_ledger(_series(0), rows).n_trials == 6


def test_an_empty_ledger_and_a_naive_instant_are_refused():
    with pytest.raises(EvaluationError, match="no trial"):
        deflated_by_ledger(_series(0), trial_rows([], recorded_at=NOW))
    with pytest.raises(EvaluationError, match="naive"):
        trial_rows(_trials(1), recorded_at=NOW.replace(tzinfo=None))


def test_choosing_among_noise_overfits_about_half_the_time_and_choosing_a_real_edge_never():
    noise = np.random.default_rng(3).normal(size=(40, 480))
    assert 0.25 < backtest_overfitting(noise, blocks=8).probability < 0.75
    edge = noise.copy()
    edge[7] += 1.0
    found = backtest_overfitting(edge, blocks=8)
    assert found.probability == 0.0
    assert found.n_configurations == 40
    assert found.logits.size == 70


@pytest.mark.parametrize(
    ("shape", "blocks", "words"),
    [((1, 100), 4, "shape"), ((3, 100), 5, "5 blocks"), ((3, 10), 8, "10 days"), ((100,), 4, "shape")],
)
def test_what_cannot_be_split_symmetrically_is_refused(shape, blocks, words):
    with pytest.raises(EvaluationError, match=words):
        backtest_overfitting(np.zeros(shape), blocks=blocks)


def test_a_missing_day_is_refused_rather_than_filled():
    table = np.random.default_rng(0).normal(size=(3, 64))
    table[1, 5] = np.nan
    with pytest.raises(EvaluationError, match="NaN"):
        backtest_overfitting(table, blocks=4)
