"""The true range: how far a price moved in a session, the gap before it included.

Formula: TR = max(h - l, |h - c[t-1]|, |l - c[t-1]|); null without the previous close (Wilder 1978). Arguments: high,
low, close of one basis.
"""

from __future__ import annotations

from gogoku_pipeline.features.expressions import Expr, equal, larger, magnitude
from gogoku_pipeline.features.operators.windows import highest, lag


def true_range(high: Expr, low: Expr, close: Expr) -> Expr:
    """The session's range extended to the previous close."""
    before = lag(close, 1)
    return larger(high - low, larger(magnitude(high - before), magnitude(low - before)))


def never_moved(close: Expr, n: int) -> Expr:
    """1 where every change of the last n sessions was 0, so that whatever divides by their size is undefined."""
    return equal(highest(magnitude(close - lag(close, 1)), n), 0.0)
