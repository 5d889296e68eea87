"""The rank of a value in its own past, against an independent ranking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from gogoku_pipeline.features.operators.own_past import _rank_in_own_past_kernel

VALUES = st.lists(st.one_of(st.integers(-3, 3).map(float), st.just(float("nan"))), min_size=1, max_size=40)


def naive(x, t, n):
    seen = x[max(0, t - n + 1) : t + 1]
    seen = seen[~np.isnan(seen)]
    if np.isnan(x[t]) or seen.size < 2:
        return np.nan
    return (rankdata(seen)[-1] - 1) / (seen.size - 1)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(values=VALUES, n=st.integers(1, 12), begin=st.integers(0, 39))
def test_a_rank_is_the_average_tie_rank_of_the_window(values, n, begin):
    x = np.array(values)
    low = min(begin, x.size)
    found = _rank_in_own_past_kernel(x, np.array([0, x.size]), np.array([low]), n)
    wanted = [naive(x, t, n) for t in range(low, x.size)]
    np.testing.assert_allclose(found[low:], wanted, atol=1e-15)


def test_units_do_not_see_each_other():
    x = np.array([1.0, 2.0, 9.0, 9.0])
    found = _rank_in_own_past_kernel(x, np.array([0, 2, 4]), np.array([0, 2]), 4)
    assert found[[1, 3]] == pytest.approx([1.0, 0.5])
    assert np.isnan(found[[0, 2]]).all()
