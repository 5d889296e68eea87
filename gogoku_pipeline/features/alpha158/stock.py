"""One stock: bars in, 158 columns out, while its sessions sit in the nearest caches.

Definitions (qlib 0.9.7, `Alpha158DL`; o, h, l, c, v of the session, c1 and v1 of the one before, n sessions):
KMID (c-o)/o, KLEN (h-l)/o, KUP (h-max(o,c))/o, KLOW (min(o,c)-l)/o, KSFT (2c-h-l)/o, ..2 the same over h-l;
OPEN0 o/c and so on; ROC c[t-n]/c; MA, STD mean and deviation of c, BETA slope of c on time, MAX of h, MIN of l, QTLU
and QTLD 0.8 and 0.2 quantile of c, all over c; RSQR and RESI of that line; RANK of c; RSV (c-MIN)/(MAX-MIN);
IMAX, IMIN place of MAX and MIN over n, IMXD their difference; CORR of c with ln(v+1), CORD of c/c1 with ln(v/v1+1);
CNTP, CNTN share of c > c1 and c < c1, SUMP, SUMN sum of rises and of falls over the sum of both, ..D the difference;
VMA, VSTD mean and deviation of v over v; WVMA deviation over mean of |c/c1-1| v; VSUM.. as SUM.. of v.

Two habits of qlib are kept: a window with a suspended session in it has that session as place of its extremes, and a
correlation or RSQR of a series that deviates by less than 2e-5 is null.
"""

from __future__ import annotations

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.alpha158.bars import Bars, filled, presence, series
from gogoku_pipeline.features.alpha158.chains import PAD, window_sums
from gogoku_pipeline.features.alpha158.changes import correlations, moves, trend
from gogoku_pipeline.features.alpha158.levels import candle, extremes, level_columns, order_columns
from gogoku_pipeline.features.expressions import Floats


@compiled
def stock_columns(bars: Bars, out: Floats) -> None:
    """Fill [158, rows] of one stock."""
    size = bars.close.size
    there, both, row = np.zeros(size), np.zeros(size), np.zeros(size)
    for t in range(PAD, size):
        there[t] = 1.0 if bars.close[t] == bars.close[t] else 0.0
        both[t] = there[t] * there[t - 1]
        row[t] = 1.0
    traded, moved, rows = presence(there), presence(both), window_sums(row)
    candle(bars, out)
    order_columns(bars, traded.counts, out)
    extremes(bars, traded.counts, rows, out)
    close, volume = series(filled(bars.close, there, 0.0), traded), series(filled(bars.volume, there, 0.0), traded)
    deviation = level_columns(bars, close, volume, traded, out)
    trend(bars.close, close, traded.counts, deviation, out)
    correlations(close, volume, traded, moved, out)
    moves(close, volume, moved, rows, out)
