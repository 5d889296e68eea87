"""Columns of prices and volumes themselves: the candle, quantiles and rank, extremes, means and deviations."""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.alpha158.bars import TINY, Bars, Presence, deviations, filled
from gogoku_pipeline.features.alpha158.chains import PAD, Series, age_of_largest, largest, products
from gogoku_pipeline.features.alpha158.names import WINDOWS, first_column
from gogoku_pipeline.features.alpha158.ordered import quantiles, standing
from gogoku_pipeline.features.expressions import Floats, Values

ROC, MA, STD, MAX, MIN, QTLU, QTLD, RANK, RSV, IMAX, IMIN, IMXD, VMA, VSTD = (
    first_column(name)
    for name in (
        *("ROC", "MA", "STD", "MAX", "MIN", "QTLU", "QTLD", "RANK", "RSV", "IMAX", "IMIN", "IMXD", "VMA", "VSTD"),
    )
)


@compiled
def candle(bars: Bars, out: Floats) -> None:
    """The nine columns of the day's candle and the four prices over the close."""
    o, h, low, c, w = bars.open[PAD:], bars.high[PAD:], bars.low[PAD:], bars.close[PAD:], bars.vwap[PAD:]
    for i in range(c.size):
        span, upper, lower = h[i] - low[i] + TINY, h[i] - max(o[i], c[i]), min(o[i], c[i]) - low[i]
        body, shift = c[i] - o[i], 2.0 * c[i] - h[i] - low[i]
        out[0, i] = body / o[i]
        out[1, i] = (h[i] - low[i]) / o[i]
        out[2, i] = body / span
        out[3, i] = upper / o[i]
        out[4, i] = upper / span
        out[5, i] = lower / o[i]
        out[6, i] = lower / span
        out[7, i] = shift / o[i]
        out[8, i] = shift / span
        out[9, i] = o[i] / c[i]
        out[10, i] = h[i] / c[i]
        out[11, i] = low[i] / c[i]
        out[12, i] = w[i] / c[i]


@compiled
def order_columns(bars: Bars, counts: Values, out: Floats) -> None:
    """ROC, the quantiles and RANK."""
    close, now = bars.close, bars.close[PAD:]
    held = np.where(np.isnan(close), np.inf, close)
    ranks = standing(close, counts)
    for level, n in enumerate(WINDOWS):
        high, low = quantiles(held, counts[level], n)
        before, roc, upper, lower = close[PAD - n :], out[ROC + level], out[QTLU + level], out[QTLD + level]
        for i in range(now.size):
            roc[i] = before[i] / now[i]
            upper[i] = high[i] / now[i]
            lower[i] = low[i] / now[i]
        out[RANK + level] = ranks[level]


@compiled
def extremes(bars: Bars, counts: Values, rows: Values, out: Floats) -> None:
    """MAX, MIN, RSV and the places of the extremes."""
    there = np.where(np.isnan(bars.close), 0.0, 1.0)
    top, bottom = largest(filled(bars.high, there, -np.inf)), largest(filled(-bars.low, there, -np.inf))
    nothing = there.copy()
    nothing[:PAD] = 1.0
    highs, lows = filled(bars.high, nothing, np.inf), filled(-bars.low, nothing, np.inf)
    highs[:PAD], lows[:PAD] = -np.inf, -np.inf
    high_age, low_age = age_of_largest(highs), age_of_largest(lows)
    close = bars.close[PAD:]
    for level, n in enumerate(WINDOWS):
        high, low, mx, mn, rsv = (
            top[level, PAD:],
            bottom[level, PAD:],
            out[MAX + level],
            out[MIN + level],
            out[RSV + level],
        )
        for i in range(close.size):
            mx[i] = high[i] / close[i]
        for i in range(close.size):
            mn[i] = -low[i] / close[i]
        for i in range(close.size):
            rsv[i] = (close[i] + low[i]) / (high[i] + low[i] + TINY)
        held, length, imax, imin = counts[level, PAD:], rows[level, PAD:], out[IMAX + level], out[IMIN + level]
        old_high, old_low, imxd = high_age[level, PAD:], low_age[level, PAD:], out[IMXD + level]
        for i in range(close.size):
            imax[i] = (length[i] - old_high[i]) / n if held[i] > 0.0 else np.nan
        for i in range(close.size):
            imin[i] = (length[i] - old_low[i]) / n if held[i] > 0.0 else np.nan
        for i in range(close.size):
            imxd[i] = (old_low[i] - old_high[i]) / n if held[i] > 0.0 else np.nan


@compiled
def level_columns(bars: Bars, close: Series, volume: Series, traded: Presence, out: Floats) -> Values:
    """MA, STD, VMA and VSTD; returns the deviations of the close."""
    of_close = deviations(products(close, close), traded.counts)
    of_volume = deviations(products(volume, volume), traded.counts)
    now, turned = bars.close[PAD:], bars.volume[PAD:]
    for level in range(len(WINDOWS)):
        held, s, sv = traded.counts[level, PAD:], close.sums[level, PAD:], volume.sums[level, PAD:]
        d, dv, ma, std = of_close[level, PAD:], of_volume[level, PAD:], out[MA + level], out[STD + level]
        vma, vstd = out[VMA + level], out[VSTD + level]
        for i in range(now.size):
            ma[i] = s[i] / held[i] / now[i]
        for i in range(now.size):
            std[i] = d[i] / now[i]
        for i in range(now.size):
            vma[i] = sv[i] / held[i] / (turned[i] + TINY)
        for i in range(now.size):
            vstd[i] = dv[i] / (turned[i] + TINY)
    return np.asarray(of_close)
