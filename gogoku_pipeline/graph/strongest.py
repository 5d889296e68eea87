"""Each stock's strongest companions, exactly: which ones, and how strong in double precision.

Blocks of 128 rows, so that a block's products stay in the processor's cache: plain matrix product; corrections where a
series has gaps; the sieve; then every survivor is scored in double precision and ranked. Working memory is a few
[128, n] blocks, whatever the number of sessions or days.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.graph.exact import score_marked, score_pairs
from gogoku_pipeline.graph.sides import Side, make_side
from gogoku_pipeline.graph.sieve import correct_full, correct_half, survivors

Doubles = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

BLOCK = 128
"""Rows per block: 128 x 4,000 single-precision products are 2 MB."""


@dataclass(frozen=True)
class Companions:
    """The strongest columns of each row.

    Attributes:
        columns: [rows, k] place of each companion, strongest first; -1 beyond `counts`.
        values: [rows, k] its correlation; 0 beyond `counts`.
        counts: [rows] companions found.
    """

    columns: Places
    values: Doubles
    counts: Places


def strongest(left: Doubles, right: Doubles, weights: Doubles, k: int, floor: float, min_common: int) -> Companions:
    """The k columns with the largest absolute correlation to each row, at least `floor`; a row is never its own.

    Equal strengths are ranked by place, so by code. Pairs that cannot be compared (too few common sessions, a series
    that does not move) have correlation 0 and are never companions. The answer is that of comparing all pairs in double
    precision.

    Args:
        left: [n, sessions] series of the rows, NaN where there is none.
        right: [n, sessions] series of the columns: the same stocks in the same order.
        weights: [sessions].
        k: companions at most.
        floor: smallest absolute correlation.
        min_common: sessions a pair must share.
    """
    n = len(left)
    out = Companions(np.full((n, k), -1, dtype=np.int64), np.zeros((n, k)), np.zeros(n, dtype=np.int64))
    lively = np.isfinite(left).any(axis=0) & np.isfinite(right).any(axis=0)
    if n == 0 or lively.sum() < min_common:
        return out
    share = weights[lively] / weights[lively].sum()
    every = bool(lively.all())
    rows = make_side(left if every else left[:, lively], share, min_common)
    columns = rows if left is right else make_side(right if every else right[:, lively], share, min_common)
    place = np.empty(n, dtype=np.int64)
    place[columns.order] = np.arange(n)
    slack = slack_of(rows, columns)
    found, starts = np.empty(2 * BLOCK * n, dtype=np.int32), np.zeros(n + 1, dtype=np.int64)
    waiting = 0
    pair = (rows.unit, rows.series, rows.complete), (columns.unit, columns.series, columns.complete)
    for start, block in approximate_blocks(rows, columns, share, min_common):
        stop = start + len(block)
        held = starts[waiting : stop + 1]
        survivors(block, place[rows.order[start:stop]], k, floor, slack, found, held[start - waiting :])
        if stop == n or held[-1] > found.size // 2:
            scores = np.empty(held[-1])
            score_pairs(found, held, waiting, *pair, share, min_common, scores)
            mine = rows.order[waiting:stop]
            _rank(found, scores, held, columns.order, mine, floor, (out.columns, out.values, out.counts))
            waiting, starts[stop] = stop, 0
    return out


def slack_of(rows: Side, columns: Side) -> float:
    """Twice the largest error of an approximate correlation in single precision.

    A product of unit rows over s sessions errs by at most gamma = (s + 4) * 2^-24. A corrected product errs by at most
    12 * gamma * condition, where the condition is at most 2 (else the pair is computed directly); 64 leaves a margin.
    """
    gamma: float = (rows.unit.shape[1] + 4) * 2.0**-24
    gapless = rows.complete == len(rows) and columns.complete == len(columns)
    return gamma * (2 if gapless else 64)


def approximate_blocks(rows: Side, columns: Side, weights: Doubles, min_common: int) -> Iterator[tuple[int, Singles]]:
    """First row and approximate correlations [<= BLOCK, n] of each block; the same memory every time."""
    n, memory = len(rows), np.empty((BLOCK, len(columns)), dtype=np.float32)
    for first, last in ((0, rows.complete), (rows.complete, n)):
        for start in range(first, last, BLOCK):
            stop = min(start + BLOCK, last)
            block = memory[: stop - start]
            np.matmul(rows.unit32[start:stop], columns.unit32.T, out=block)
            _correct(block, slice(start, stop), rows, columns, (weights, min_common))
            yield start, block


def _correct(block: Singles, at: slice, rows: Side, columns: Side, rule: tuple[Doubles, int]) -> None:
    """Make a block of plain products pairwise complete wherever a row or a column has gaps."""
    c, n, hard = columns.complete, len(columns), 0
    unit, square = rows.unit32[at], rows.square32[at]
    if at.start < rows.complete:
        if c < n:
            hard = correct_half(block, c, unit @ columns.root32.T, square @ columns.mask32.T)
    else:
        own = slice(at.start - rows.complete, at.stop - rows.complete)
        root, mask = rows.root32[own], rows.mask32[own]
        if c > 0:
            hard += correct_half(block, 0, root @ columns.unit32[:c].T, mask @ columns.square32[:c].T)
        if c < n:
            u = rule[0].astype(np.float32)
            sums = np.empty((6, len(block), n - c), dtype=np.float32)
            np.matmul(mask, columns.mask32.T, out=sums[0])
            np.matmul(mask * u, columns.mask32.T, out=sums[1])
            np.matmul(unit * np.sqrt(u), columns.mask32.T, out=sums[2])
            np.matmul(mask * np.sqrt(u), columns.unit32[c:].T, out=sums[3])
            np.matmul(square, columns.mask32.T, out=sums[4])
            np.matmul(mask, columns.square32[c:].T, out=sums[5])
            hard += correct_full(block, c, sums, rule[1])
    if hard > 0:
        score_marked(block, rows.series[at], columns.series, *rule)


@compiled
def _rank(
    found: npt.NDArray[np.int32],
    scores: Doubles,
    starts: Places,
    order: Places,
    mine: Places,
    floor: float,
    out: tuple[Places, Doubles, Places],
) -> None:
    """Put the k strongest survivors of each row in order: stronger first, then the smaller place."""
    columns, values, sizes = out
    k = columns.shape[1]
    for b in range(mine.shape[0]):
        i, held = mine[b], 0
        for c in range(starts[b], starts[b + 1]):
            rho, j = scores[c], order[found[c]]
            if abs(rho) < floor or rho == 0.0:
                continue
            at = held
            while at > 0 and (
                abs(rho) > abs(values[i, at - 1]) or (abs(rho) == abs(values[i, at - 1]) and j < columns[i, at - 1])
            ):
                if at < k:
                    values[i, at], columns[i, at] = values[i, at - 1], columns[i, at - 1]
                at -= 1
            if at < k:
                values[i, at], columns[i, at] = rho, j
                held = min(held + 1, k)
        sizes[i] = held
