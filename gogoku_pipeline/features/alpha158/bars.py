"""A stock's bars as kernels take them, where they are, and what several columns need of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.alpha158.chains import Series, merging_weights, series_of, window_sums
from gogoku_pipeline.features.alpha158.names import WINDOWS
from gogoku_pipeline.features.expressions import Values

TINY = 1e-12
"""What qlib adds to denominators."""

STILL = 2e-5
"""A series that deviates by no more than this stands still: no correlation."""


class Bars(NamedTuple):
    """A stock's bars, [PAD + rows] each, NaN before the first row and on sessions without a trade."""

    open: Values
    high: Values
    low: Values
    close: Values
    volume: Values
    vwap: Values


class Presence(NamedTuple):
    """Where something is: `there` [places] 1 or 0, its window sums [5, places], and the weights for merging squares."""

    there: Values
    counts: Values
    weights: tuple[Values, Values]


@compiled
def presence(there: Values) -> Presence:
    """Counts and merging weights of where something is."""
    counts = window_sums(there)
    return Presence(there, counts, merging_weights(counts))


@compiled
def series(x: Values, where: Presence) -> Series:
    """A series on the places where it is."""
    made: Series = series_of(x, where.there, where.counts, where.weights)
    return made


@compiled
def filled(x: Values, there: Values, value: float) -> Values:
    """Values, with another one where nothing is there."""
    out = np.empty(x.size)
    for i in range(x.size):
        out[i] = x[i] if there[i] > 0.0 else value
    return out


@compiled
def deviations(squares: Values, counts: Values) -> Values:
    """[5, places] standard deviations (ddof 1), NaN with fewer than two values."""
    out = np.empty(squares.shape)
    for level in range(len(WINDOWS)):
        to, q, c = out[level], squares[level], counts[level]
        for i in range(to.size):
            to[i] = np.sqrt(q[i] / (c[i] - 1.0)) if c[i] > 1.0 else np.nan
    return out
