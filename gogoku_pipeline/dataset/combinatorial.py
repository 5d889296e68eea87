"""Combinatorial purged cross-validation: every way to hold out a few blocks of time, for questions about luck.

Time is cut into N blocks; each choice of K of them is one split. Around every held-out stretch the training set loses
the sessions whose labels touch it: a label span before it and a label span plus the embargo after it. The splits
put together give C(N-1, K-1) full paths. Everything is counted in sessions.
Sources: Lopez de Prado 2018, Advances in Financial ML, ch. 12; evaluation.md 2. Oracles: skfolio, purgedcv.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations

import numpy as np

from gogoku_pipeline.core.errors import DatasetError
from gogoku_pipeline.dataset.splits import ascending, label_span, refuse_leaking_embargo


@dataclass(frozen=True)
class CombinatorialFold:
    """One split.

    Attributes:
        index: 0, 1, 2 ... in the order of the choices.
        blocks: the blocks that are held out.
        train: sessions whose labels may be learnt, ascending.
        test: sessions that are predicted, ascending.
        paths: which full path each held-out block belongs to, in the order of `blocks`.
    """

    index: int
    blocks: tuple[int, ...]
    train: tuple[date, ...]
    test: tuple[date, ...]
    paths: tuple[int, ...]


def combinatorial_folds(
    sessions: Sequence[date], horizon_d: int, *, n_blocks: int = 6, n_test: int = 2, embargo: int = 20
) -> list[CombinatorialFold]:
    """All C(n_blocks, n_test) splits.

    Args:
        sessions: ascending exchange sessions.
        horizon_d: label horizon; its span 1 + horizon is purged on both sides of each held-out stretch.
        n_blocks: contiguous blocks of equal length, the last takes the remainder.
        n_test: blocks that are held out at a time.
        embargo: further sessions lost after each held-out stretch.

    Raises:
        DatasetError: sizes that contradict each other, an embargo below the horizon, blocks too short to purge.
    """
    refuse_leaking_embargo(embargo, horizon_d)
    days = ascending(sessions)
    size, span = len(days) // max(n_blocks, 1), label_span(horizon_d)
    if not 1 <= n_test < n_blocks or size <= span + embargo:
        raise DatasetError(
            f"{n_blocks} blocks over {len(days)} sessions",
            got=f"{n_test} held out, {size} sessions per block with a purge of {span} and an embargo of {embargo}",
            want="1 <= n_test < n_blocks and blocks longer than purge plus embargo",
            remedy="Load more history or take fewer blocks.",
        )
    block = np.minimum(np.arange(len(days)) // size, n_blocks - 1)
    seen = [0] * n_blocks
    folds = []
    for index, chosen in enumerate(combinations(range(n_blocks), n_test)):
        held = np.isin(block, chosen)
        train = ~held & ~_touched(held, span, embargo)
        folds.append(
            CombinatorialFold(
                index,
                chosen,
                tuple(days[place] for place in np.flatnonzero(train)),
                tuple(days[place] for place in np.flatnonzero(held)),
                tuple(seen[one] for one in chosen),
            )
        )
        for one in chosen:
            seen[one] += 1
    return folds


def _touched(held: np.ndarray, span: int, embargo: int) -> np.ndarray:
    """Sessions within a label span before, or a label span plus embargo after, a held-out stretch."""
    edges = np.diff(held.astype(np.int8), prepend=0, append=0)
    out = np.zeros(len(held), dtype=bool)
    for start, stop in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        out[max(start - span, 0) : start] = True
        out[stop : stop + span + embargo] = True
    return out
