"""Measures of the whole graph equal plain definitions on random graphs, sparse and dense, in one piece and in many."""

from __future__ import annotations

import numpy as np
import pytest

from gogoku_pipeline.graph.structure import clustering, components, core_numbers, eigencentrality, page_rank

SIZES = [(1, 0.5), (2, 1.0), (5, 0.0), (30, 0.05), (30, 0.2), (60, 0.5), (150, 0.012), (150, 0.1), (400, 0.02)]


def random_graph(n, share):
    """Symmetric weights, zero diagonal, and the same as starts, others, weights."""
    rng = np.random.default_rng(n + round(1000 * share))
    upper = np.triu(rng.uniform(0.3, 0.95, (n, n)) * (rng.random((n, n)) < share), 1)
    dense = upper + upper.T
    node, other = np.nonzero(dense)
    starts = np.searchsorted(node, np.arange(n + 1))
    return dense, (starts, other.astype(np.int64), dense[node, other])


def pieces(dense):
    """Components as sets of nodes, by spreading from each node."""
    left, found = set(range(len(dense))), []
    while left:
        piece, border = set(), {min(left)}
        while border:
            piece |= border
            border = {int(j) for i in border for j in np.flatnonzero(dense[i])} - piece
        found.append(piece)
        left -= piece
    return found


@pytest.mark.parametrize(("n", "share"), SIZES)
def test_clustering_counts_triangles_as_the_cube_of_the_matrix_does(n, share):
    dense, (starts, others, _) = random_graph(n, share)
    links = (dense > 0).astype(float)
    degree = links.sum(axis=1)
    closed = np.diag(links @ links @ links)
    want = [c / (d * (d - 1)) if d >= 2 else np.nan for c, d in zip(closed, degree, strict=True)]
    np.testing.assert_allclose(clustering(starts, others), want, rtol=1e-14)


@pytest.mark.parametrize(("n", "share"), SIZES)
def test_cores_are_what_is_left_after_peeling(n, share):
    dense, (starts, others, _) = random_graph(n, share)
    links, want = dense > 0, np.zeros(n, dtype=int)
    for k in range(1, n + 1):
        alive = np.ones(n, dtype=bool)
        while (weak := alive & ((links & alive).sum(axis=1) < k)).any():
            alive &= ~weak
        want[alive] = k
    assert core_numbers(starts, others).tolist() == want.tolist()


@pytest.mark.parametrize(("n", "share"), SIZES)
def test_components_are_named_by_their_smallest_node(n, share):
    dense, (starts, others, _) = random_graph(n, share)
    want = {node: min(piece) for piece in pieces(dense) for node in piece}
    assert components(starts, others).tolist() == [want[node] for node in range(n)]


@pytest.mark.parametrize(("n", "share"), SIZES)
def test_page_rank_solves_its_equation(n, share):
    """rank = 0.15/n + 0.85 * (walk + even share of the isolated), as a linear system."""
    dense, graph = random_graph(n, share)
    strength = dense.sum(axis=0)
    walk = np.where(strength > 0, dense / np.where(strength > 0, strength, 1.0), 1.0 / n)
    want = np.linalg.solve(np.eye(n) - 0.85 * walk, np.full(n, 0.15 / n))
    np.testing.assert_allclose(page_rank(*graph), want, rtol=1e-9)


@pytest.mark.parametrize(("n", "share"), SIZES)
def test_eigencentrality_is_the_leading_vector_of_the_largest_component_and_null_off_it(n, share):
    dense, (starts, others, weights) = random_graph(n, share)
    got = eigencentrality(starts, others, weights, components(starts, others))
    largest = sorted(max(pieces(dense), key=lambda piece: (len(piece), -min(piece))))
    if len(largest) < 2:
        assert np.isnan(got).all()
        return
    inside = dense[np.ix_(largest, largest)]
    vector = np.abs(np.linalg.eigh(inside)[1][:, -1])
    np.testing.assert_allclose(got[largest], vector / vector.max(), atol=1e-8)
    assert np.isnan(np.delete(got, largest)).all() and np.nanmax(got) == 1.0


def test_of_two_components_of_one_size_the_one_with_the_smallest_code_counts():
    starts, others = np.array([0, 1, 2, 3, 4]), np.array([1, 0, 3, 2])
    got = eigencentrality(starts, others, np.array([0.3, 0.3, 0.9, 0.9]), components(starts, others))
    assert got[:2].tolist() == pytest.approx([1.0, 1.0]) and np.isnan(got[2:]).all()
