"""Columns of how prices and volumes move: the line through the closes, correlations, rises and falls."""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.alpha158.bars import STILL, TINY, Presence, deviations, series
from gogoku_pipeline.features.alpha158.chains import (
    PAD,
    Series,
    place_weighted_sums,
    products,
    squared_places,
    window_sums,
)
from gogoku_pipeline.features.alpha158.names import WINDOWS, first_column
from gogoku_pipeline.features.expressions import Floats, Values

BETA, RSQR, RESI, CORR, CORD, CNTP, SUMP, WVMA, VSUMP = (
    first_column(name) for name in ("BETA", "RSQR", "RESI", "CORR", "CORD", "CNTP", "SUMP", "WVMA", "VSUMP")
)
NEXT = len(WINDOWS)
"""Columns from one operator to the next."""


@compiled
def trend(raw: Values, close: Series, counts: Values, deviation: Values, out: Floats) -> None:
    """BETA, RSQR and RESI of the line through the closes, with k the sessions before t."""
    ks, kx = place_weighted_sums(close.there, counts), place_weighted_sums(close.x, close.sums)
    kk = squared_places(close.there, counts, ks)
    now = raw[PAD:]
    fall, width = np.empty(now.size), np.empty(now.size)
    for level in range(len(WINDOWS)):
        c, s, k = counts[level, PAD:], close.sums[level, PAD:], ks[level, PAD:]
        x, two = kx[level, PAD:], kk[level, PAD:]
        for i in range(now.size):
            width[i] = c[i] * two[i] - k[i] * k[i]
        for i in range(now.size):
            fall[i] = (c[i] * x[i] - k[i] * s[i]) / width[i]
        beta, rsqr, resi, d = out[BETA + level], out[RSQR + level], out[RESI + level], deviation[level, PAD:]
        for i in range(now.size):
            beta[i] = -fall[i] / now[i]
        for i in range(now.size):
            spread = c[i] * (c[i] - 1.0) * d[i] * d[i]
            rsqr[i] = fall[i] * fall[i] * width[i] / spread if d[i] > STILL else np.nan
        for i in range(now.size):
            resi[i] = (now[i] - s[i] / c[i] + fall[i] * k[i] / c[i]) / now[i]


@compiled
def correlations(close: Series, volume: Series, traded: Presence, moved: Presence, out: Floats) -> None:
    """CORR of closes with log volumes and CORD of their changes."""
    size = close.x.size
    logs, ratio, change = np.zeros(size), np.zeros(size), np.zeros(size)
    for t in range(PAD, size):
        if traded.there[t] > 0.0:
            logs[t] = np.log(volume.x[t] + 1.0)
        if moved.there[t] > 0.0:
            ratio[t] = close.x[t] / close.x[t - 1]
            change[t] = np.log(volume.x[t] / volume.x[t - 1] + 1.0)
    correlate(close, series(logs, traded), traded.counts, CORR, out)
    correlate(series(ratio, moved), series(change, moved), moved.counts, CORD, out)


@compiled
def correlate(one: Series, two: Series, counts: Values, first: int, out: Floats) -> None:
    """Correlation of two series in five columns, null where one of them stands still."""
    xx, yy, xy = products(one, one), products(two, two), products(one, two)
    for level in range(len(WINDOWS)):
        c, p, q, r, to = counts[level, PAD:], xx[level, PAD:], yy[level, PAD:], xy[level, PAD:], out[first + level]
        for i in range(to.size):
            still = STILL * STILL * (c[i] - 1.0)
            to[i] = r[i] / np.sqrt(p[i] * q[i]) if (c[i] > 1.0) & (p[i] > still) & (q[i] > still) else np.nan


@compiled
def moves(close: Series, volume: Series, moved: Presence, rows: Values, out: Floats) -> None:
    """Counts and sums of rises and falls, and WVMA."""
    size = close.x.size
    rise, fall, worth = np.zeros(size), np.zeros(size), np.zeros(size)
    up, down = np.zeros(size), np.zeros(size)
    for t in range(PAD, size):
        step = (close.x[t] - close.x[t - 1]) * moved.there[t]
        rise[t], fall[t] = max(step, 0.0), max(-step, 0.0)
        up[t], down[t] = 1.0 if step > 0.0 else 0.0, 1.0 if step < 0.0 else 0.0
        if moved.there[t] > 0.0:
            worth[t] = abs(close.x[t] / close.x[t - 1] - 1.0) * volume.x[t]
    rises_and_falls(rise, fall, moved.counts, SUMP, out)
    counted(up, down, rows, out)
    for t in range(PAD, size):
        step = (volume.x[t] - volume.x[t - 1]) * moved.there[t]
        rise[t], fall[t] = max(step, 0.0), max(-step, 0.0)
    rises_and_falls(rise, fall, moved.counts, VSUMP, out)
    weighted = series(worth, moved)
    deviation = deviations(products(weighted, weighted), moved.counts)
    for level in range(len(WINDOWS)):
        to, d, s, c = out[WVMA + level], deviation[level, PAD:], weighted.sums[level, PAD:], moved.counts[level, PAD:]
        for i in range(to.size):
            to[i] = d[i] / (s[i] / c[i] + TINY)


@compiled
def rises_and_falls(rise: Values, fall: Values, counts: Values, first: int, out: Floats) -> None:
    """SUMP, SUMN, SUMD (or those of volumes) from rises and falls."""
    plus, minus = window_sums(rise), window_sums(fall)
    for level in range(len(WINDOWS)):
        p, m, c = plus[level, PAD:], minus[level, PAD:], counts[level, PAD:]
        share, other, apart = out[first + level], out[first + NEXT + level], out[first + 2 * NEXT + level]
        for i in range(p.size):
            share[i] = p[i] / (p[i] + m[i] + TINY) if c[i] > 0.0 else np.nan
        for i in range(p.size):
            other[i] = m[i] / (p[i] + m[i] + TINY) if c[i] > 0.0 else np.nan
        for i in range(p.size):
            apart[i] = (p[i] - m[i]) / (p[i] + m[i] + TINY) if c[i] > 0.0 else np.nan


@compiled
def counted(up: Values, down: Values, rows: Values, out: Floats) -> None:
    """CNTP, CNTN and CNTD: shares of all sessions of the window, those without a trade among them."""
    ups, downs = window_sums(up), window_sums(down)
    for level in range(len(WINDOWS)):
        p, m, n = ups[level, PAD:], downs[level, PAD:], rows[level, PAD:]
        share, other, apart = out[CNTP + level], out[CNTP + NEXT + level], out[CNTP + 2 * NEXT + level]
        for i in range(p.size):
            share[i] = p[i] / n[i]
        for i in range(p.size):
            other[i] = m[i] / n[i]
        for i in range(p.size):
            apart[i] = (p[i] - m[i]) / n[i]
