"""How much of the variance came in jumps (Barndorff-Nielsen and Shephard 2004).

Formula: 1 - min(1, BV / RV); RV = sum r^2; BV = (pi / 2) * (j / (j - 1)) * sum |r[t]| |r[t-1]|, both inside the last n
sessions, j = returns present. Products need both neighbours. Null where nothing moved.
"""

from __future__ import annotations

import math

from gogoku_pipeline.features.expressions import Expr, larger, magnitude
from gogoku_pipeline.features.operators.windows import count, lag, total


def jump_share(r: Expr, n: int) -> Expr:
    """Share of the last n sessions' realised variance that neighbouring sessions do not share, 0 to 1."""
    size = magnitude(r)
    valid = count(r, n)
    bipower = (math.pi / 2.0) * (valid / (valid - 1.0)) * total(size * lag(size, 1), n - 1)
    return larger(1.0 - bipower / total(r * r, n), 0.0)
