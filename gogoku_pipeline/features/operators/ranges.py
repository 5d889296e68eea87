"""The true range: how far a price moved in a session, the gap before it included.

Formula: TR = max(h - l, |h - c[t-1]|, |l - c[t-1]|); null without the previous close (Wilder 1978). Arguments: high,
low, close of one basis.
"""

from __future__ import annotations

from gogoku_pipeline.features.expressions import Expr, larger, magnitude
from gogoku_pipeline.features.operators.windows import lag


def true_range(high: Expr, low: Expr, close: Expr) -> Expr:
    """The session's range extended to the previous close."""
    before = lag(close, 1)
    return larger(high - low, larger(magnitude(high - before), magnitude(low - before)))
