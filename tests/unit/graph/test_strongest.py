"""The fast path finds what comparing all pairs in double precision finds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gogoku_pipeline.graph.exact import pair_correlation
from gogoku_pipeline.graph.sides import make_side
from gogoku_pipeline.graph.sieve import survivors
from gogoku_pipeline.graph.strongest import approximate_blocks, slack_of, strongest


def series(n, gappy, seed, sessions=61):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, sessions)) + 0.6 * rng.normal(size=(1 + n // 15, sessions))[np.arange(n) // 15]
    holes = (rng.random((n, sessions)) < 0.2) & (rng.random(n) < gappy)[:, None]
    values[holes] = np.nan
    return values


def half_life(sessions, days):
    weights = 0.5 ** (np.arange(sessions)[::-1] / days)
    return weights / weights.sum()


def brute_force(left, right, weights, k, floor, min_common):
    answer = []
    for i in range(len(left)):
        rho = np.array([pair_correlation(left[i], other, weights, min_common) for other in right])
        order = [
            j
            for j in np.lexsort((np.arange(len(right)), -np.abs(rho)))
            if j != i and rho[j] != 0 and abs(rho[j]) >= floor
        ]
        answer.append((order[:k], rho[order[:k]]))
    return answer


def assert_same(found, expected):
    for i, (columns, values) in enumerate(expected):
        held = found.counts[i]
        assert list(found.columns[i, :held]) == columns
        np.testing.assert_allclose(found.values[i, :held], values, rtol=0, atol=2e-15)
        assert (found.columns[i, held:] == -1).all() and (found.values[i, held:] == 0).all()


@pytest.mark.parametrize("n", [2, 31, 300])
@pytest.mark.parametrize("gappy", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("floor", [0.0, 0.2, 0.6])
def test_strongest_equals_brute_force(n, gappy, floor):
    values = series(n, gappy, seed=n)[:, 1:].copy()
    weights = half_life(60, 20)
    assert_same(strongest(values, values, weights, 20, floor, 40), brute_force(values, values, weights, 20, floor, 40))


@pytest.mark.parametrize("gappy", [0.0, 0.2])
def test_sixty_four_companions_equal_brute_force(gappy):
    values, weights = series(260, gappy, seed=64)[:, 1:].copy(), half_life(60, 20)
    assert_same(strongest(values, values, weights, 64, 0.0, 40), brute_force(values, values, weights, 64, 0.0, 40))


@pytest.mark.parametrize("gappy", [0.0, 0.3, 1.0])
def test_lagged_strongest_equals_brute_force(gappy):
    values = series(200, gappy, seed=8)
    now, before, weights = values[:, 1:].copy(), values[:, :-1].copy(), np.full(60, 1 / 60)
    assert_same(strongest(now, before, weights, 20, 0.2, 40), brute_force(now, before, weights, 20, 0.2, 40))


def test_sessions_without_any_trade_change_nothing():
    values, weights = series(150, 0.2, seed=4)[:, 1:].copy(), half_life(60, 20)
    values[:, [7, 33]] = np.nan
    found = strongest(values, values, weights, 10, 0.1, 40)
    assert_same(found, brute_force(values, values, weights, 10, 0.1, 40))


def test_a_jump_outside_the_common_sessions_costs_no_accuracy():
    """Single-precision corrections lose their digits where a level dwarfs the movement; the answer loses none."""
    values, weights = series(120, 0.0, seed=5)[:, 1:].copy(), half_life(60, 20)
    values[:40, 50] += 300.0
    values[40:80, 50] = np.nan
    values[60:100, 20:30] += 1e4
    values[100:, 20:30] = np.nan
    found = strongest(values, values, weights, 20, 0.05, 40)
    assert_same(found, brute_force(values, values, weights, 20, 0.05, 40))


@pytest.mark.parametrize("gappy", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("level", [0.0, 3.0, 1e4])
def test_single_precision_errs_by_less_than_half_the_slack(gappy, level):
    """Also when a series has another level in the sessions that only some others share."""
    values, weights = series(400, gappy, seed=9)[:, 1:].copy(), half_life(60, 20)
    values[30:60, :15] += level
    values[200:220, :15] = np.nan
    side = make_side(values, weights, 40)
    worst = 0.0
    for start, block in approximate_blocks(side, side, weights, 40):
        for b in range(0, len(block), 7):
            for j in range(len(values)):
                rho = pair_correlation(side.series[start + b], side.series[j], weights, 40)
                worst = max(worst, abs(float(block[b, j]) - rho))
    assert worst < slack_of(side, side) / 2


def test_many_identical_series_are_ranked_by_place():
    one = np.random.default_rng(1).normal(size=60)
    values, weights = np.repeat(one[None], 600, axis=0), np.full(60, 1 / 60)
    found = strongest(values, values, weights, 5, 0.3, 40)
    assert found.columns[0].tolist() == [1, 2, 3, 4, 5]
    assert found.columns[3].tolist() == [0, 1, 2, 4, 5]
    assert (found.columns[10:] == np.arange(5)).all()


def test_no_common_history_means_no_companions():
    values = np.full((5, 60), np.nan)
    values[:, :30] = np.random.default_rng(0).normal(size=(5, 30))
    assert strongest(values, values, half_life(60, 20), 3, 0.0, 40).counts.tolist() == [0] * 5
    assert strongest(values[:0], values[:0], half_life(60, 20), 3, 0.0, 40).counts.tolist() == []


def test_the_pair_correlation_is_that_of_pandas_and_symmetric_to_the_bit():
    values, weights = series(30, 0.7, seed=2)[:, 1:].copy(), np.full(60, 1 / 60)
    expected = pd.DataFrame(values.T).corr(min_periods=40).fillna(0).to_numpy()
    for i in range(30):
        for j in range(30):
            rho = pair_correlation(values[i], values[j], weights, 40)
            assert rho == pytest.approx(expected[i, j], abs=1e-13)
            assert rho == pair_correlation(values[j], values[i], weights, 40)


@pytest.mark.parametrize("n", [1, 40, 255, 256, 257, 1000])
@pytest.mark.parametrize("k", [1, 20, 32, 300])
def test_the_sieve_never_drops_one_of_the_k_largest(n, k):
    block = np.random.default_rng(n * k).uniform(-1, 1, (6, n)).astype(np.float32)
    whole, slack = np.abs(block).copy(), 1e-3
    found, starts = np.empty(6 * n, dtype=np.int32), np.zeros(7, dtype=np.int64)
    survivors(block.copy(), np.full(6, -1), k, 0.0, slack, found, starts)
    for row in range(6):
        mine = found[starts[row] : starts[row + 1]].tolist()
        kept = set(mine)
        kth = np.sort(whole[row])[::-1][min(k, n) - 1]
        assert len(kept) == len(mine)
        assert kept >= set(np.flatnonzero(whole[row] >= (kth - slack / 2 if n >= k else 0)).tolist())
        if n >= k:
            assert (whole[row][sorted(kept)] >= kth - 2 * slack).all()


def test_a_stock_with_too_few_sessions_or_no_movement_has_no_companion_even_without_a_floor():
    values, weights = series(50, 0.0, seed=6)[:, 1:].copy(), half_life(60, 20)
    values[7, :25] = np.nan
    values[9] = 0.01
    found = strongest(values, values, weights, 49, 0.0, 40)
    assert found.counts[7] == found.counts[9] == 0
    assert not np.isin(found.columns, [7, 9]).any()
    assert found.counts[0] == 47
