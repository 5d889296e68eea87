"""Order inside a window: quantiles by a sorted window, and the standing of today's close among the others."""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.alpha158.chains import PAD
from gogoku_pipeline.features.alpha158.names import WINDOWS
from gogoku_pipeline.features.expressions import Values


@compiled
def quantiles(x: Values, counts: Values, n: int) -> tuple[Values, Values]:
    """[rows] the 0.8 and the 0.2 quantile of the last n places, between neighbours in a straight line.

    Args:
        x: [PAD + rows] values, +inf where nothing is there.
        counts: [PAD + rows] values in the window.
        n: places of the window.
    """
    high, low = np.empty(x.size - PAD), np.empty(x.size - PAD)
    held, then = np.full(n + 2, np.inf), np.full(n + 2, np.inf)
    held[0], then[0] = -np.inf, -np.inf
    for t in range(PAD, x.size):
        exchange(held, then, x[t - n], x[t])
        held, then = then, held
        last = counts[t] - 1.0
        high[t - PAD] = between(held, 1.0 + 0.8 * last, last)
        low[t - PAD] = between(held, 1.0 + 0.2 * last, last)
    return high, low


@compiled
def exchange(held: Values, to: Values, old: float, new: float) -> None:
    """Write a sorted window to `to`, one value taken out and another put in.

    Both have -inf before and +inf behind their values. Place i without `old` is the place's own value, or the next one
    from `old` on; with `new` among them it is the larger of the one before and the smaller of itself and `new`.
    """
    before, own, behind, into = held[:-2], held[1:-1], held[2:], to[1:-1]
    for i in range(into.size):
        here = own[i] if own[i] < old else behind[i]
        there = before[i] if before[i] < old else own[i]
        least = here if here < new else new
        into[i] = there if there > least else least


@compiled
def between(held: Values, place: float, last: float) -> float:
    """The value at a place between two whole ones of a sorted array; NaN without any value."""
    if last < 0.0:
        return np.nan
    below = int(place)
    part = place - below
    return float(held[below] + part * (held[below + 1] - held[below]) if part > 0.0 else held[below])


@compiled
def standing(x: Values, counts: Values) -> Values:
    """[5, rows] average rank of today's value among those of the window, over their number; x is NaN for none."""
    now = x[PAD:]
    rows = now.size
    out, below = np.empty((5, rows)), np.zeros(rows)
    level = 0
    for k in range(1, WINDOWS[-1] + 1):
        if k == WINDOWS[level]:
            held, to = counts[level, PAD:], out[level]
            for i in range(rows):
                to[i] = (below[i] + 1.0) / held[i] if now[i] == now[i] else np.nan
            level += 1
        old = x[PAD - k :]
        for i in range(rows):
            below[i] += 1.0 if old[i] < now[i] else (0.5 if old[i] == now[i] else 0.0)
    return out
