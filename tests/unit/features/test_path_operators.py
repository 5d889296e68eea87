"""Kernels of price paths against the plainest loop that says the same, on random series with gaps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gogoku_pipeline.features.expressions import Expr, P
from gogoku_pipeline.features.operators import moments, ranges, recursive, regression, streaks, windows
from gogoku_pipeline.features.operators.adaptive import adaptive_mean
from gogoku_pipeline.features.operators.drawdown import deepest_fall
from gogoku_pipeline.features.operators.extremes import age_of_highest
from gogoku_pipeline.features.operators.fractional import fractional_difference, fractional_weights
from gogoku_pipeline.features.operators.jumps import jump_share
from gogoku_pipeline.features.operators.placing import share_below

quick = settings(deadline=None, max_examples=60, derandomize=True)
present = st.floats(0.5, 200.0, width=16)
numbers = st.one_of(st.just(math.nan), present)
series = st.lists(numbers, min_size=1, max_size=40).map(np.array)
signs = st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 2.0, math.nan]), min_size=1, max_size=40).map(np.array)
sizes = st.integers(1, 12)


def run(expr: Expr, x: np.ndarray) -> np.ndarray:
    """The formula in P.close over two units: the series and, before it, another stock's."""
    both = np.append(np.full(7, 1e6), x)
    starts = np.array([0, 7, 7 + x.size])

    def value(part: Expr) -> np.ndarray:
        if part.kind == "leaf":
            return both if part.name == "price.close" else np.asarray(float(part.name.removeprefix("constant.")))
        args = [value(arg) for arg in part.args]
        if part.kind == "pointwise":
            return part.kernel(*args)
        state = [np.zeros((2, part.state_size))] if part.kind == "recursive" else []
        made = part.kernel(*args, starts, starts[:-1], *state, *part.params)
        return made if part.field is None else made[part.field]

    with np.errstate(all="ignore"):
        return value(expr)[7:]


def windowed(x: np.ndarray, n: int, what) -> np.ndarray:
    """`what` of each window, its missing values included."""
    return np.array([what(x[max(0, t - n + 1) : t + 1]) for t in range(x.size)])


def same(left: np.ndarray, right: np.ndarray) -> None:
    np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9)


@quick
@given(series, sizes)
def test_sessions_since_the_highest_most_recent_on_ties(x, n):
    def age(w: np.ndarray) -> float:
        if np.isnan(w).all():
            return math.nan
        return float(np.flatnonzero(w[::-1] == np.nanmax(w))[0])

    same(run(age_of_highest(P.close, n), x), windowed(x, n, age))


@quick
@given(series, sizes)
def test_share_of_earlier_values_below_todays(x, n):
    expected = []
    for t in range(x.size):
        before = x[max(0, t - n) : t]
        before = before[~np.isnan(before)]
        if math.isnan(x[t]) or before.size == 0:
            expected.append(math.nan)
        else:
            expected.append(((before < x[t]).sum() + 0.5 * (before == x[t]).sum()) / before.size)
    same(run(share_below(P.close, n), x), np.array(expected))


@quick
@given(series, sizes)
def test_deepest_fall_inside_a_window(x, n):
    def fall(w: np.ndarray) -> float:
        w = w[~np.isnan(w)]
        return float((w / np.maximum.accumulate(w)).min() - 1) if w.size else math.nan

    same(run(deepest_fall(P.close, n), x), windowed(x, n, fall))


@quick
@given(series, st.integers(2, 12))
def test_end_point_of_a_line(x, n):
    def end(w: np.ndarray) -> float:
        place = np.flatnonzero(~np.isnan(w))
        if place.size < 2:
            return math.nan
        line = stats.linregress(place, w[place])
        return float(line.intercept + line.slope * (w.size - 1))

    np.testing.assert_allclose(run(regression.line_end(P.close, n), x), windowed(x, n, end), rtol=1e-7, atol=1e-6)


@quick
@given(series, sizes)
def test_kurtosis(x, n):
    def kurtosis(w: np.ndarray) -> float:
        w = w[~np.isnan(w)]
        if np.unique(w).size < 2:
            return math.nan
        d = w - w.mean()
        return float((d**4).mean() / (d**2).mean() ** 2 - 3)

    np.testing.assert_allclose(run(moments.kurtosis(P.close, n), x), windowed(x, n, kurtosis), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("n", [5, 60])
def test_the_bounds_of_the_moments_are_reached_by_one_odd_value(n):
    x = np.append(np.zeros(n - 1), 1.0)
    assert run(moments.skew(P.close, n), x)[-1] == pytest.approx(moments.most_skew(n))
    assert run(moments.kurtosis(P.close, n), x)[-1] == pytest.approx(moments.most_kurtosis(n))


@quick
@given(signs)
def test_a_signed_run_counts_sessions_of_one_direction(x):
    expected, run_now = [], 0.0
    for value in x:
        if math.isnan(value):
            run_now = 0.0
            expected.append(math.nan)
            continue
        sign = float(np.sign(value))
        run_now = sign * (1 + abs(run_now) if sign == np.sign(run_now) else 1)
        expected.append(run_now)
    same(run(streaks.signed_run(P.close), x), np.array(expected))


def test_a_run_length_holds_its_count_over_a_session_without_a_trade():
    flags = np.array([0.0, 1.0, 1.0, math.nan, 1.0, 0.0, 1.0])
    same(run(streaks.run_length(P.close), flags), np.array([0, 1, 2, math.nan, 3, 0, 1]))


@quick
@given(series, st.integers(1, 6))
def test_the_adaptive_mean_over_traded_closes(x, n):
    closes: list[float] = []
    expected, level = [], math.nan
    for close in x:
        if math.isnan(close):
            expected.append(math.nan)
            continue
        closes.append(close)
        if len(closes) <= n:
            expected.append(math.nan)
            continue
        path = np.abs(np.diff(closes[-n - 1 :])).sum()
        if len(closes) == n + 1:
            level = close
        elif path > 0:
            efficiency = abs(close - closes[-n - 1]) / path
            level += (efficiency * (2 / 3 - 2 / 31) + 2 / 31) ** 2 * (close - level)
        expected.append(level if path > 0 else math.nan)
    same(run(adaptive_mean(P.close, n).level, x), np.array(expected))


@quick
@given(st.lists(present, min_size=1, max_size=40).map(np.array), st.integers(2, 12), st.floats(0.1, 0.9))
def test_a_fractional_difference_is_the_weighted_sum_of_log_prices(x, n, d):
    weights = fractional_weights(d, n)

    def difference(w: np.ndarray) -> float:
        return float((weights * np.log(w[::-1] / w[0])).sum()) if w.size == n else math.nan

    same(run(fractional_difference(P.close, n, d), x), windowed(x, n, difference))


def test_a_fractional_difference_is_null_unless_every_price_exists():
    x = np.arange(1.0, 30.0)
    x[10] = math.nan
    found = run(fractional_difference(P.close, 5, 0.4), x)
    assert np.flatnonzero(np.isnan(found)).tolist() == [0, 1, 2, 3, 10, 11, 12, 13, 14]


@quick
@given(st.lists(st.floats(-0.125, 0.125, width=16), min_size=3, max_size=40).map(np.array), st.integers(3, 12))
def test_jump_share_compares_neighbours_inside_the_window(r, n):
    def share(w: np.ndarray) -> float:
        whole = (w * w).sum()
        if w.size < 2 or whole == 0:
            return math.nan
        bipower = math.pi / 2 * w.size / (w.size - 1) * (np.abs(w[1:]) * np.abs(w[:-1])).sum()
        return 1 - min(1.0, bipower / whole)

    same(run(jump_share(P.close, n), r), windowed(r, n, share))


def test_a_price_that_never_moved_is_told_from_one_that_did():
    x = np.array([5.0, 5.0, 5.0, 6.0, 6.0, math.nan, 6.0, 6.0])
    found = run(ranges.never_moved(P.close, 2), x)
    same(found, np.array([math.nan, 1.0, 1.0, 0.0, 0.0, 1.0, math.nan, 1.0]))


@quick
@given(series)
def test_the_carried_value_before_is_a_lag(x):
    same(run(recursive.previous(P.close), x), np.append(np.nan, x[:-1]))


@pytest.mark.parametrize("n", [1, 2, 7, 20, 31, 60, 100, 250])
def test_sums_by_halving_are_sums(n):
    x = np.random.default_rng(n).normal(size=400)
    x[::9] = math.nan
    same(run(windows.total(P.close, n), x), windowed(x, n, lambda w: math.nan if np.isnan(w).all() else np.nansum(w)))
