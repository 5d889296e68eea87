"""Spreads, covariances, Dimson betas, compounding, ages, shares and sorting against plain definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogoku_pipeline.features.expressions import P
from gogoku_pipeline.features.operators import ages, compounding, cross_section, dimson, spreads, windows
from gogoku_pipeline.features.operators.ordering import ascending, desk_of

quick = settings(deadline=None, max_examples=40, derandomize=True)
numbers = st.one_of(st.just(math.nan), st.floats(-0.5, 0.5, width=16))
sizes = st.integers(2, 12)


def pairs_of(k: int) -> st.SearchStrategy[np.ndarray]:
    """[k, sessions] with nulls anywhere."""
    rows = st.lists(st.tuples(*[numbers] * k), min_size=1, max_size=40)
    return rows.map(lambda made: np.array(made, dtype=float).T)


def run(expr, *arrays: np.ndarray) -> np.ndarray:
    """The kernel over two units, the second one ours; and again from the middle, which must change no bit."""
    strangers = [np.append(np.full(7, 0.25), array) for array in arrays]
    starts = np.array([0, 7, 7 + arrays[0].size])
    whole = expr.kernel(*strangers, starts, starts[:-1], *expr.params)
    middle = 7 + arrays[0].size // 2
    tail = expr.kernel(*strangers, starts, np.array([7, middle]), *expr.params)
    assert np.array_equal(whole[middle:], tail[middle:], equal_nan=True)
    return whole[7:]


def same(left: np.ndarray, right: np.ndarray) -> None:
    np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-11)


@quick
@given(pairs_of(1), sizes)
def test_returns_compound_over_the_values_present(rows, n):
    expected = []
    for t in range(rows.shape[1]):
        part = rows[0, max(0, t - n + 1) : t + 1]
        part = part[~np.isnan(part)]
        expected.append(np.prod(1 + part) - 1 if part.size else math.nan)
    same(run(compounding.compounded(P.close, n), rows[0]), np.array(expected))


@quick
@given(pairs_of(2), sizes)
def test_a_covariance_is_taken_over_complete_pairs(rows, n):
    expected = []
    for t in range(rows.shape[1]):
        part = rows[:, max(0, t - n + 1) : t + 1]
        part = part[:, ~np.isnan(part).any(axis=0)]
        expected.append(np.cov(part)[0, 1] if part.shape[1] > 1 else math.nan)
    same(run(spreads.pair_covariance(P.close, P.open, n), *rows), np.array(expected))


def test_roll_gives_back_the_spread_of_a_bouncing_price():
    rng = np.random.default_rng(5)
    half, size = 0.01, 60_000
    mid = np.cumsum(rng.normal(0, 0.002, size))
    ret = np.diff(mid + half * rng.choice([-1.0, 1.0], size))
    before = np.append(math.nan, ret[:-1])
    expr = spreads.pair_covariance(P.close, P.open, size)
    bounce = float(run(expr, ret, before)[-1])
    assert bounce < 0
    assert 2 * math.sqrt(-bounce) == pytest.approx(2 * half, rel=0.03)


@quick
@given(pairs_of(3), st.integers(4, 15))
def test_dimson_is_the_sum_of_two_slopes_of_one_regression(rows, n):
    expr = dimson.dimson_beta(P.close, P.open, n)
    found = run(expr, *rows)
    for t in range(rows.shape[1]):
        part = rows[:, max(0, t - n + 1) : t + 1]
        y, x, before = part[:, ~np.isnan(part).any(axis=0)]
        design = np.column_stack([np.ones(y.size), x, before])
        spread = np.linalg.svd(design - design.mean(axis=0), compute_uv=False)[:2] if y.size > 2 else np.zeros(2)
        if y.size > 2 and spread[-1] > 1e-3 * spread[0] > 1e-6:
            slopes = np.linalg.lstsq(design, y, rcond=None)[0]
            assert found[t] == pytest.approx(slopes[1] + slopes[2], rel=1e-6, abs=1e-9)
        elif y.size < 3:
            assert math.isnan(found[t])


def test_dimson_is_null_where_the_market_says_nothing():
    flat, moving = np.full(8, 0.01), np.linspace(-0.02, 0.03, 8)
    kernel = dimson.dimson_beta(P.close, P.open, 8)
    assert math.isnan(run(kernel, moving, flat, moving)[-1])
    assert math.isnan(run(kernel, moving, moving, 2 * moving)[-1])


@quick
@given(pairs_of(1), st.integers(1, 9))
def test_an_age_counts_sessions_since_the_last_value(rows, most):
    expected, last = [], -most
    for t, value in enumerate(rows[0]):
        last = t if value == value else last
        expected.append(min(t - last, most))
    same(run(ages.sessions_since(P.close, most), rows[0]), np.array(expected))


WILD = {
    "of every size and sign": lambda rng, n: rng.normal(0, 1, n).round(1) * 10.0 ** rng.integers(-300, 300, n),
    "of two values": lambda rng, n: rng.integers(0, 2, n).astype(float),
    "far apart in a few names": lambda rng, n: np.where(np.arange(n) % 400 == 7, 1e12, rng.normal(0, 1, n)),
    "skewed": lambda rng, n: np.exp(8 * rng.normal(0, 1, n)),
    "a hair apart": lambda rng, n: 1.0 + rng.integers(0, 40, n) * 2.0**-52,
    "half of them zero": lambda rng, n: np.where(rng.random(n) < 0.5, -0.0, rng.integers(-1, 2, n) * 1e-310),
    "beyond all bounds": lambda rng, n: rng.choice([-np.inf, -1e308, 0.0, 1e308, np.inf], n),
}


@pytest.mark.parametrize("size", [1, 2, 50, 511, 3000, 70_000])
@pytest.mark.parametrize("kind", WILD)
def test_the_order_is_ascending_whatever_the_values(kind, size):
    rng = np.random.default_rng(size)
    x = WILD[kind](rng, size)
    x[rng.random(size) < 0.05] = math.nan
    group = rng.integers(-1, 3, size).astype(np.int32)
    desk, compared = desk_of(np.array([0, size])), np.flatnonzero((group >= 0) & ~np.isnan(x))
    n, ties = ascending(x, group, desk)
    order = desk.order[:n]
    assert sorted(order) == list(compared)
    assert np.array_equal(x[order], np.sort(x[compared]))
    assert ties == (np.unique(x[compared]).size < n)


@quick
@given(st.lists(st.tuples(numbers, st.integers(-1, 2)), min_size=1, max_size=30), st.integers(1, 3))
def test_the_largest_of_a_sector_are_its_share_of_members_rounded_down(rows, least):
    x, group = (np.array(column) for column in zip(*rows, strict=True))
    first, group = np.array([0, x.size]), group.astype(np.int32)
    found = cross_section.is_among_largest(P.close, "sector33", 30, least).kernel(x, first, group, 3)
    for k in range(3):
        own = np.flatnonzero((group == k) & ~np.isnan(x))
        if own.size < least:
            assert np.isnan(found[own]).all()
            continue
        smallest = np.sort(x[own])[::-1][max(least, int(0.3 * own.size)) - 1]
        assert np.array_equal(found[own], (x[own] >= smallest).astype(float))
    assert np.isnan(found[(group < 0) | np.isnan(x)]).all()


@quick
@given(st.lists(st.tuples(numbers, st.integers(-1, 2)), min_size=1, max_size=30))
def test_the_total_of_the_others_leaves_the_stock_out(rows):
    x, group = (np.array(column) for column in zip(*rows, strict=True))
    found = cross_section.others_total(P.close, "sector33").kernel(x, np.array([0, x.size]), group.astype(np.int32), 3)
    for i in range(x.size):
        others = x[(group == group[i]) & (np.arange(x.size) != i)]
        others = others[~np.isnan(others)]
        if group[i] >= 0 and others.size:
            assert found[i] == pytest.approx(others.sum(), abs=1e-12)
        else:
            assert math.isnan(found[i])


@pytest.mark.parametrize("groups", [1, 3])
def test_ranks_are_those_of_plain_counting_in_every_session_and_sector(groups):
    rng = np.random.default_rng(groups)
    sizes = (1, 700, 2, 0, 90)
    first = np.concatenate(([0], np.cumsum(sizes)))
    x, group = rng.normal(0, 1, first[-1]).round(2), rng.integers(-1, groups, first[-1]).astype(np.int32)
    x[rng.random(x.size) < 0.1] = math.nan
    session, expected = np.repeat(np.arange(len(sizes)), sizes), np.full(x.size, math.nan)
    for i in np.flatnonzero((group >= 0) & ~np.isnan(x)):
        own = x[(session == session[i]) & (group == group[i]) & ~np.isnan(x)]
        if own.size > 1:
            expected[i] = ((own < x[i]).sum() + ((own == x[i]).sum() - 1) / 2) / (own.size - 1)
    np.testing.assert_array_equal(cross_section.rank_0_1(P.close).kernel(x, first, group, groups), expected)


def test_a_window_of_one_is_the_return_itself():
    x = np.array([0.1, math.nan, -0.2])
    same(run(compounding.compounded(P.close, 1), x), x)
    assert windows.mean(P.close, 1).back == compounding.compounded(P.close, 1).back == 0
