"""Laws of statistics and of splits, whatever the series and the sizes."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.dataset.combinatorial import combinatorial_folds
from gogoku_pipeline.dataset.splits import label_span
from gogoku_pipeline.evaluation.cross_sections import paired, places
from gogoku_pipeline.evaluation.deflation import deflated_sharpe, probabilistic_sharpe
from gogoku_pipeline.evaluation.gains import gains_of
from gogoku_pipeline.evaluation.ic import ic_of, rank_ic_of
from gogoku_pipeline.evaluation.overfitting import backtest_overfitting
from gogoku_pipeline.evaluation.ranking import outer_deciles_of, turnover_of
from gogoku_pipeline.evaluation.significance import dm_hln, newey_west_t, stationary_bootstrap_ci

FEW = settings(max_examples=40, deadline=None)
series = hnp.arrays(np.float64, st.integers(20, 80), elements=st.floats(-1, 1, width=32))
grids = hnp.arrays(np.float64, (3, 20), elements=st.one_of(st.integers(-4, 4).map(float), st.just(np.nan)))
factors = st.floats(0.01, 100)


def _varied(values):
    assume(np.std(values) > 1e-3)
    return values


@FEW
@given(series, factors, st.sampled_from([1, 5, 10]))
def test_a_unit_changes_no_t_and_a_turned_sign_only_the_sign(values, factor, horizon):
    values = _varied(values)
    for test in (newey_west_t, dm_hln):
        plain = test(values, horizon_d=horizon)
        scaled, turned = test(values * factor, horizon_d=horizon), test(-values, horizon_d=horizon)
        assert scaled.t == pytest.approx(plain.t, rel=1e-6, nan_ok=True)
        assert turned.t == pytest.approx(-plain.t, rel=1e-9, nan_ok=True)
        assert turned.p_value == pytest.approx(plain.p_value, rel=1e-9, nan_ok=True)


@FEW
@given(series, factors, st.floats(-5, 5))
def test_an_interval_moves_and_stretches_with_its_series(values, factor, shift):
    values = _varied(values)
    plain = stationary_bootstrap_ci(values, resamples=100, block=5.0, seed=1)
    moved = stationary_bootstrap_ci(values * factor + shift, resamples=100, block=5.0, seed=1)
    assert plain.low <= plain.mean <= plain.high or plain.n == 0
    assert (moved.low, moved.high) == pytest.approx((plain.low * factor + shift, plain.high * factor + shift), abs=1e-6)


@FEW
@given(series, st.integers(2, 5000), st.floats(1e-6, 0.1))
def test_deflation_never_helps(values, trials, variance):
    values = _varied(values)
    found = deflated_sharpe(values, n_trials=trials, variance=variance)
    if np.isfinite(found.probability):
        assert found.probability <= probabilistic_sharpe(values) + 1e-12
        assert found.benchmark > 0


@FEW
@given(hnp.arrays(np.float64, (4, 40), elements=st.floats(-1, 1, width=32)), st.permutations(range(4)))
def test_the_order_of_configurations_changes_no_probability_of_overfitting(table, order):
    noise = np.random.default_rng(0).normal(0, 0.5, size=table.shape)
    first = backtest_overfitting(table + noise, blocks=4)
    second = backtest_overfitting((table + noise)[list(order)], blocks=4)
    assert first.probability == second.probability


@FEW
@given(grids, grids)
def test_places_count_every_name_once(values, other):
    held = places(values)
    assert (held.count == np.isfinite(values).sum(axis=1)).all()
    assert (held.below + held.tied + held.above)[held.known].tolist() == np.repeat(
        held.count, held.known.sum(axis=1)
    ).tolist()
    for day in range(3):
        known = values[day][np.isfinite(values[day])]
        assert held.median[day] == pytest.approx(np.median(known) if known.size else np.nan, nan_ok=True)
        assert held.different[day] == len(set(known.tolist()))
    again = places(np.where(np.isnan(other), np.nan, values), np.argsort(values, axis=1))
    plain = places(np.where(np.isnan(other), np.nan, values))
    assert (again.below == plain.below).all() and (again.tied == plain.tied).all()


@FEW
@given(grids, grids, factors)
def test_gains_lie_between_nothing_and_all_and_ignore_units(scores, labels, factor):
    found, scaled = gains_of(paired(scores, labels)), gains_of(paired(scores * factor, labels * factor))
    for name, values in found.items():
        known = values[np.isfinite(values)]
        assert ((known >= 0) & (known <= 1 + 1e-12)).all(), name
        assert values == pytest.approx(scaled[name], nan_ok=True, abs=1e-12), name


@FEW
@given(hnp.arrays(np.float64, (3, 20), elements=st.floats(-1, 1, width=32), unique=True))
def test_the_label_itself_has_every_metric_at_its_best(labels):
    sections = paired(labels, labels)
    assert rank_ic_of(sections) == pytest.approx(np.ones(3))
    assert ic_of(sections) == pytest.approx(np.ones(3))
    assert gains_of(sections)["ndcg_at_10pct"] == pytest.approx(np.ones(3))


@FEW
@given(grids, grids, st.randoms(use_true_random=False))
def test_names_may_stand_in_any_column(scores, labels, mixer):
    order = list(range(20))
    mixer.shuffle(order)
    plain, mixed = paired(scores, labels), paired(scores[:, order], labels[:, order])
    for measure in (lambda s: {"rank_ic": rank_ic_of(s), "ic": ic_of(s)}, gains_of):
        for name, values in measure(plain).items():
            assert values == pytest.approx(measure(mixed)[name], nan_ok=True, abs=1e-12), name
    turnover = turnover_of(outer_deciles_of(plain)["weight"], 1)
    assert turnover == pytest.approx(turnover_of(outer_deciles_of(mixed)["weight"], 1), nan_ok=True)
    known = turnover[np.isfinite(turnover)]
    assert ((known >= -1e-12) & (known <= 1 + 1e-12)).all()


@FEW
@given(st.integers(60, 400), st.integers(2, 8), st.integers(1, 7), st.sampled_from([1, 5, 20]), st.integers(1, 30))
def test_no_combinatorial_split_learns_a_label_that_touches_what_it_is_judged_on(count, blocks, held, horizon, embargo):
    days = tuple(date(2024, 1, 1) + timedelta(days=n) for n in range(count))
    try:
        folds = combinatorial_folds(days, horizon, n_blocks=blocks, n_test=held, embargo=embargo)
    except DatasetError:
        assume(False)
    span = label_span(horizon)
    for fold in folds:
        train = np.array([(day - days[0]).days for day in fold.train], dtype=np.int64)
        test = np.array([(day - days[0]).days for day in fold.test])
        assert not set(train) & set(test)
        for learnt in train:
            after = test[test > learnt]
            assert not after.size or learnt + span < after[0]
            before = test[test < learnt]
            assert not before.size or before[-1] + span + embargo < learnt
    tested = pl.Series([day for fold in folds for day in fold.test]).value_counts()["count"]
    assert tested.n_unique() == 1, "every session is judged equally often"
