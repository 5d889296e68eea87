"""Values held from an event, their fading, and means over the others of a sector, against the plainest loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogoku_pipeline.features.expressions import P
from gogoku_pipeline.features.operators.holding import at_event, capped, faded
from gogoku_pipeline.features.operators.peers import peers_count, peers_mean

quick = settings(deadline=None, max_examples=60, derandomize=True)
numbers = st.one_of(st.just(math.nan), st.floats(-9.0, 9.0, width=16))


def held(x: np.ndarray, age: np.ndarray, n: int, starts: np.ndarray, begin: np.ndarray) -> np.ndarray:
    expr = at_event(P.close, P.mark, n)
    assert expr.kernel is not None
    return np.asarray(expr.kernel(x, age, starts, begin, *expr.params))


@quick
@given(st.lists(st.tuples(numbers, st.integers(-3, 9)), min_size=2, max_size=30), st.integers(1, 8), st.data())
def test_an_event_value_is_the_one_of_its_session_or_null(rows, n, data):
    x, age = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    middle = data.draw(st.integers(1, len(rows) - 1))
    starts = np.array([0, middle, len(rows)])
    found = held(x, age, n, starts, starts[:-1])
    for t in range(len(rows)):
        first, then = (0 if t < middle else middle), t - int(age[t])
        inside = 0 <= age[t] <= n and then >= first
        np.testing.assert_equal(found[t], x[then] if inside else math.nan)


def test_without_an_event_there_is_nothing_to_hold():
    age = np.array([math.nan, 0.0, math.nan])
    assert np.isnan(held(np.ones(3), age, 5, np.array([0, 3]), np.array([0]))[[0, 2]]).all()


def test_rows_from_the_asked_one_on_are_the_same_wherever_it_lies():
    x, age = np.arange(12.0), np.array([0.0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 0, 1])
    starts = np.array([0, 12])
    whole = held(x, age, 3, starts, np.array([0]))
    np.testing.assert_array_equal(held(x, age, 3, starts, np.array([7]))[7:], whole[7:])


@pytest.mark.parametrize(("age", "left"), [(0, 1.8), (1, 1.738685), (5, 1.513614), (20, 0.9), (40, 0.45)])
def test_g13_a_drift_halves_every_20_sessions(age, left):
    expr = faded(P.close, P.mark, 20)
    half_lives = expr.args[1]
    ages = half_lives.args[0].kernel(np.array([float(age)]), np.array([-20.0]))
    assert expr.kernel(np.array([1.8]), half_lives.kernel(ages))[0] == pytest.approx(left, abs=5e-7)


def test_a_capped_number_keeps_nulls_and_what_lies_below():
    inner = capped(P.close, 120).args[0]
    assert inner.kernel is not None
    found = -inner.kernel(-np.array([3.0, 120.0, 500.0, math.nan]), np.array(-120.0))
    np.testing.assert_array_equal(found, [3.0, 120.0, 120.0, math.nan])


@quick
@given(st.lists(st.tuples(numbers, st.integers(-1, 2)), min_size=1, max_size=25))
def test_peers_are_the_other_members_of_the_sector_with_a_value(rows):
    x = np.array([row[0] for row in rows], dtype=np.float64)
    group, first = np.array([row[1] for row in rows], dtype=np.int32), np.array([0, len(rows)])
    mean, count = (
        expr.kernel(x, first, group, 3) for expr in (peers_mean(P.close, "sector33"), peers_count(P.close, "sector33"))
    )
    for i in range(len(rows)):
        others = [j for j in range(len(rows)) if j != i and group[j] == group[i] and not math.isnan(x[j])]
        is_inside = group[i] >= 0
        np.testing.assert_equal(count[i], len(others) if is_inside else math.nan)
        enough = is_inside and len(others) >= 2
        np.testing.assert_allclose(mean[i], x[others].mean() if enough else math.nan, rtol=1e-9, atol=1e-9)
