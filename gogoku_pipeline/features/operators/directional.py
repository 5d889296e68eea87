"""Wilder's indicators: relative strength, and the directions of movement (Wilder 1978).

Formulas: RSI = 100 * W_n(up) / (W_n(up) + W_n(down)), up = max(dc, 0), down = max(-dc, 0), dc = c[t] - c[t-1].
+DM = h - h[-1] if that exceeds l[-1] - l and 0, else 0; -DM mirrored; both on the sessions that have a true range.
Moves that differ by less than TIED of the price are equal: of two moves of as many ticks, brought to another basis by
a split, the last bit must not decide which is the larger.
Arguments: prices of one basis; n sessions of the smoothing.
"""

from __future__ import annotations

from typing import NamedTuple

from gogoku_pipeline.features.expressions import Expr, equal, greater, larger, magnitude, only_where_present, where
from gogoku_pipeline.features.operators.ranges import true_range
from gogoku_pipeline.features.operators.recursive import wilder
from gogoku_pipeline.features.operators.windows import lag

TIED = 1e-9
"""Share of the price below which two moves are the same move; a tick is at least ten thousand times as much."""


class Movement(NamedTuple):
    """Smoothed moves up and down, and the smoothed true range they are shares of."""

    up: Expr
    down: Expr
    travel: Expr


def rsi(price: Expr, n: int) -> Expr:
    """Wilder's relative strength index of a price; null where nothing moved (0/0)."""
    return strength(price - lag(price, 1), n)


def strength(change: Expr, n: int) -> Expr:
    """Share of the smoothed changes that went up, 0 to 100; null where nothing moved."""
    up = wilder(larger(change, 0.0), n)
    down = wilder(larger(-change, 0.0), n)
    return 100.0 * (up / (up + down))


def is_unmoved(price: Expr, n: int) -> Expr:
    """1 where no change of a price since the listing is left in an n-session Wilder mean: its RSI is 0/0."""
    return equal(wilder(magnitude(price - lag(price, 1)), n), 0.0)


def movement(high: Expr, low: Expr, close: Expr, n: int) -> Movement:
    """Wilder's directional movement over n sessions."""
    travel = true_range(high, low, close)
    rise, fall = high - lag(high, 1), lag(low, 1) - low
    tied = TIED * high
    up = only_where_present(where(greater(rise - fall, tied), larger(rise, 0.0), 0.0), travel)
    down = only_where_present(where(greater(fall - rise, tied), larger(fall, 0.0), 0.0), travel)
    return Movement(wilder(up, n), wilder(down, n), wilder(travel, n))
