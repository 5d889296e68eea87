"""The others of a stock's own sector on a session: what they did, whether or not the stock did anything itself.

Kernels as in `cross_section`: x [rows], `member`, `cell` and the number of cells.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.features.expressions import Claims, Expr, Values, Whole
from gogoku_pipeline.features.operators.cross_section import cell_sums
from gogoku_pipeline.features.operators.windows import compiled

LEAST_PEERS = 2
"""A mean over fewer others says more about them than about the sector."""


def peers_mean(x: Expr, by: str) -> Expr:
    """Mean of x over the other members of the stock's sector with a value; null for fewer than two of them."""
    return Expr("peers_mean", "cross", (x,), (by,), _peers_mean_kernel)


def peers_count(x: Expr, by: str) -> Expr:
    """How many other members of the stock's sector have a value of x; null for a stock outside U."""
    return Expr("peers_count", "cross", (x,), (by,), _peers_count_kernel)


@compiled
def _peers_mean_kernel(x: Values, member: Claims, cell: Whole, cells: int) -> Values:
    s, c = cell_sums(x, member, cell, cells)
    out = np.full(x.size, np.nan)
    for i in range(x.size):
        if member[i] and cell[i] >= 0:
            own = x[i] == x[i]
            others = c[cell[i]] - own
            if others >= LEAST_PEERS:
                out[i] = (s[cell[i]] - x[i] if own else s[cell[i]]) / others
    return out


@compiled
def _peers_count_kernel(x: Values, member: Claims, cell: Whole, cells: int) -> Values:
    _, c = cell_sums(x, member, cell, cells)
    out = np.full(x.size, np.nan)
    for i in range(x.size):
        if member[i] and cell[i] >= 0:
            out[i] = c[cell[i]] - (x[i] == x[i])
    return out
