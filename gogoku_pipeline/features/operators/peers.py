"""The others of a stock's own sector on a session: what they did, whether or not the stock did anything itself.

Kernels as in `cross_section`: x [rows], `first`, `group` and how many groups a session has.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Expr, Values, Whole
from gogoku_pipeline.features.operators.cross_section import group_sums
from gogoku_pipeline.features.operators.ordering import Places

LEAST_PEERS = 2
"""A mean over fewer others says more about them than about the sector."""


def peers_mean(x: Expr, by: str) -> Expr:
    """Mean of x over the other members of the stock's sector with a value; null for fewer than two of them."""
    return Expr("peers_mean", "cross", (x,), (by,), _peers_mean_kernel)


def peers_count(x: Expr, by: str) -> Expr:
    """How many other members of the stock's sector have a value of x; null for a stock outside U."""
    return Expr("peers_count", "cross", (x,), (by,), _peers_count_kernel)


@compiled
def _peers_mean_kernel(x: Values, first: Whole, group: Places, groups: int) -> Values:
    s, c = group_sums(x, first, group, groups)
    out = np.full(x.size, np.nan)
    for k in range(first.size - 1):
        total, many = s[k * groups : (k + 1) * groups], c[k * groups : (k + 1) * groups]
        for i in range(first[k], first[k + 1]):
            if group[i] >= 0:
                own = x[i] == x[i]
                others = many[group[i]] - own
                if others >= LEAST_PEERS:
                    out[i] = (total[group[i]] - x[i] if own else total[group[i]]) / others
    return out


@compiled
def _peers_count_kernel(x: Values, first: Whole, group: Places, groups: int) -> Values:
    _, c = group_sums(x, first, group, groups)
    out = np.full(x.size, np.nan)
    for k in range(first.size - 1):
        many = c[k * groups : (k + 1) * groups]
        for i in range(first[k], first[k + 1]):
            if group[i] >= 0:
                out[i] = many[group[i]] - (x[i] == x[i])
    return out
