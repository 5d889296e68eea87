"""Where a node stands in the whole graph: triangles, cores, components, page rank and eigenvector centrality.

Compiled loops in one fixed order over the nodes, so the same graph gives the same bits in any company. A graph is
`starts` [nodes + 1] and `others`: the neighbours of node i are `others[starts[i]:starts[i + 1]]`, ascending, and every
edge stands with both of its ends.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.linalg import eigsh

from gogoku_pipeline.core.compilation import compiled

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

DAMPING = 0.85
SMALL = 64
"""Up to this many nodes the eigenvectors are taken from the dense matrix."""


def clustering(starts: Places, others: Places) -> Floats:
    """[nodes] edges among the neighbours / pairs of neighbours; NaN with fewer than two."""
    closed = _triangles(starts, others)
    degree = np.diff(starts).astype(np.float64)
    out = np.full(len(degree), np.nan)
    np.divide(2.0 * closed, degree * (degree - 1.0), out=out, where=degree >= 2)
    return out


@compiled
def _triangles(starts: Places, others: Places) -> Places:
    """[nodes] triangles through each node: each is found at its smallest node."""
    n = starts.shape[0] - 1
    found, mark = np.zeros(n, dtype=np.int64), np.full(n, -1, dtype=np.int64)
    for i in range(n):
        for a in range(starts[i], starts[i + 1]):
            mark[others[a]] = i
        for a in range(starts[i], starts[i + 1]):
            j = others[a]
            if j > i:
                for b in range(starts[j], starts[j + 1]):
                    k = others[b]
                    if k > j and mark[k] == i:
                        found[i] += 1
                        found[j] += 1
                        found[k] += 1
    return found


@compiled
def core_numbers(starts: Places, others: Places) -> Places:
    """[nodes] largest k such that the node survives when all with fewer than k neighbours left are taken away."""
    n = starts.shape[0] - 1
    degree = starts[1:] - starts[:-1]
    most = 0
    for i in range(n):
        most = max(most, degree[i])
    first = np.zeros(most + 2, dtype=np.int64)
    for i in range(n):
        first[degree[i] + 1] += 1
    for d in range(most + 1):
        first[d + 1] += first[d]
    order, place, free = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64), first.copy()
    for i in range(n):
        place[i] = free[degree[i]]
        order[place[i]] = i
        free[degree[i]] += 1
    for at in range(n):
        i = order[at]
        for a in range(starts[i], starts[i + 1]):
            j = others[a]
            if degree[j] > degree[i]:
                head = first[degree[j]]
                swapped = order[head]
                order[head], order[place[j]] = j, swapped
                place[swapped], place[j] = place[j], head
                first[degree[j]] += 1
                degree[j] -= 1
    return degree


@compiled
def components(starts: Places, others: Places) -> Places:
    """[nodes] the smallest node each can be reached from: one label per component."""
    n = starts.shape[0] - 1
    label, waiting = np.full(n, -1, dtype=np.int64), np.empty(n, dtype=np.int64)
    for root in range(n):
        if label[root] >= 0:
            continue
        label[root], waiting[0], held = root, root, 1
        while held > 0:
            held -= 1
            i = waiting[held]
            for a in range(starts[i], starts[i + 1]):
                if label[others[a]] < 0:
                    label[others[a]] = root
                    waiting[held] = others[a]
                    held += 1
    return label


@compiled
def page_rank(starts: Places, others: Places, weights: Floats) -> Floats:
    """[nodes] stationary share of a walk along edges by weight, with 15 % jumps anywhere; isolated nodes always jump.

    Iterated until no share moves by more than 1e-14; shares sum to one.
    """
    n = starts.shape[0] - 1
    strength, rank, flow = np.zeros(n), np.full(n, 1.0 / n), np.empty(n)
    for i in range(n):
        for a in range(starts[i], starts[i + 1]):
            strength[i] += weights[a]
    for _ in range(400):
        jumps = 0.0
        for i in range(n):
            flow[i] = rank[i] / strength[i] if strength[i] > 0.0 else 0.0
            jumps += (1.0 - DAMPING) * rank[i] if strength[i] > 0.0 else rank[i]
        moved, everywhere = 0.0, jumps / n
        for i in range(n):
            came = 0.0
            for a in range(starts[i], starts[i + 1]):
                came += weights[a] * flow[others[a]]
            new = everywhere + DAMPING * came
            moved = max(moved, abs(new - rank[i]))
            rank[i] = new
        if moved <= 1e-14:
            break
    return rank


def eigencentrality(starts: Places, others: Places, weights: Floats, label: Places) -> Floats:
    """[nodes] leading eigenvector of the weights on the largest component, scaled to maximum 1; NaN off it.

    Of components of one size the one with the smallest node counts. NaN everywhere in a graph without edges.

    Args:
        starts: the graph.
        others: the graph.
        weights: [ties] not negative.
        label: [nodes] see `components`.
    """
    out = np.full(len(label), np.nan)
    if len(others) == 0:
        return out
    inside = np.flatnonzero(label == np.argmax(np.bincount(label)))
    whole = csr_array((weights, others, starts), shape=(len(label), len(label)))
    matrix = whole[inside][:, inside]
    if len(inside) <= SMALL:
        vector = np.linalg.eigh(matrix.toarray())[1][:, -1]
    else:
        begin = np.asarray(matrix.sum(axis=1), dtype=np.float64)
        vector = eigsh(matrix, k=1, which="LA", v0=begin, tol=1e-10)[1][:, 0]
    size = np.abs(vector)
    out[inside] = size / size.max()
    return out
