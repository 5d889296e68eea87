"""Each kernel against the plainest loop that says the same, on random series with gaps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gogoku_pipeline.features.expressions import P
from gogoku_pipeline.features.operators import cross_section, extremes, moments, recursive, regression, windows

quick = settings(deadline=None, max_examples=60, derandomize=True)
numbers = st.one_of(st.just(math.nan), st.floats(0.5, 200.0, width=16))
series = st.lists(numbers, min_size=1, max_size=40).map(np.array)
sizes = st.integers(1, 12)


def carried(expr) -> list[np.ndarray]:
    """The state a recursive kernel wants beside its arguments: two new listings."""
    return [np.zeros((2, expr.state_size))] if expr.kind == "recursive" else []


def run(expr, *arrays: np.ndarray) -> np.ndarray:
    """The kernel over two units: the series and, before it, another stock's."""
    strangers = [np.append(np.full(7, 1e6), array) for array in arrays]
    starts = np.array([0, 7, 7 + arrays[0].size])
    result = expr.kernel(*strangers, starts, starts[:-1], *carried(expr), *expr.params)
    again = expr.kernel(*strangers, starts, starts[:-1], *carried(expr), *expr.params)
    assert np.array_equal(np.asarray(result), np.asarray(again), equal_nan=True)
    return (result if expr.field is None else result[expr.field])[7:]


def plain(x: np.ndarray, n: int, what) -> np.ndarray:
    """`what` of the values present in each window."""
    out = []
    for t in range(x.size):
        window = x[max(0, t - n + 1) : t + 1]
        out.append(what(window[~np.isnan(window)]))
    return np.array(out)


def same(left: np.ndarray, right: np.ndarray) -> None:
    np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9)


@quick
@given(series, sizes)
def test_sums_means_counts_and_extremes(x, n):
    same(run(windows.total(P.close, n), x), plain(x, n, lambda w: w.sum() if w.size else math.nan))
    same(run(windows.mean(P.close, n), x), plain(x, n, lambda w: w.mean() if w.size else math.nan))
    same(run(windows.count(P.close, n), x), plain(x, n, len))
    same(run(windows.highest(P.close, n), x), plain(x, n, lambda w: w.max() if w.size else math.nan))


@quick
@given(series, sizes)
def test_variances(x, n):
    for ddof in (0, 1):
        expected = plain(x, n, lambda w, ddof=ddof: w.var(ddof=ddof) if w.size > ddof else math.nan)
        same(run(windows.variance(P.close, n, ddof), x), expected)


@quick
@given(series, sizes, st.integers(1, 4))
def test_mean_of_the_largest(x, n, k):
    expected = plain(x, n, lambda w: np.sort(w)[-k:].mean() if w.size >= k else math.nan)
    same(run(extremes.top_mean(P.close, n, k), x), expected)


@quick
@given(series, sizes)
def test_lags(x, n):
    expected = [x[t - n] if t >= n else math.nan for t in range(x.size)]
    same(run(windows.lag(P.close, n), x), np.array(expected))


@quick
@given(series, sizes)
def test_skewness(x, n):
    def skew(w: np.ndarray) -> float:
        if np.unique(w).size < 2:
            return math.nan
        d = w - w.mean()
        return float((d**3).mean() / (d**2).mean() ** 1.5)

    np.testing.assert_allclose(run(moments.skew(P.close, n), x), plain(x, n, skew), rtol=1e-6, atol=1e-6)


@quick
@given(series, st.integers(2, 10))
def test_wilder_holds_its_state_over_nulls(x, n):
    out, seen = [], []
    state = math.nan
    for value in x:
        if math.isnan(value):
            out.append(math.nan)
            continue
        seen.append(value)
        if len(seen) == n:
            state = sum(seen) / n
        elif len(seen) > n:
            state = (state * (n - 1) + value) / n
        out.append(state)
    same(run(recursive.wilder(P.close, n), x), np.array(out))


@quick
@given(series, st.integers(2, 10))
def test_exponential_mean_skips_nulls(x, n):
    out, seen = [], []
    for value in x:
        if math.isnan(value):
            out.append(math.nan)
            continue
        seen.append(value)
        weights = (1 - 2 / (n + 1)) ** np.arange(len(seen))
        out.append(float(np.dot(weights, seen[::-1]) / weights.sum()))
    same(run(recursive.ema(P.close, n), x), np.array(out))


@quick
@given(series, st.integers(3, 12))
def test_trend_is_the_t_statistic_of_a_line(price, n):
    found = run(regression.trend_tstat(P.close, n), price)
    for t in range(price.size):
        window = price[max(0, t - n + 1) : t + 1]
        place = np.flatnonzero(~np.isnan(window))
        if place.size < 3:
            assert math.isnan(found[t])
        elif np.unique(window[place]).size > 2:
            line = stats.linregress(place, np.log(window[place]))
            assert found[t] == pytest.approx(line.slope / line.stderr, rel=1e-6, abs=1e-9)


@quick
@given(st.lists(numbers, min_size=1, max_size=30))
def test_ranks_are_average_ranks(xs):
    x = np.array(xs)
    found = cross_section.rank_0_1(P.close).kernel(x, np.array([0, x.size]), np.zeros(x.size, np.int32), 1)
    good = ~np.isnan(x)
    assert np.isnan(found[~good]).all()
    if good.sum() > 1:
        same(found[good], (stats.rankdata(x[good]) - 1) / (good.sum() - 1))
    else:
        assert np.isnan(found).all()
