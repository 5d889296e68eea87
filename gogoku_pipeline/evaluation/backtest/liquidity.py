"""How much of an issue trades and how much it moves: what orders are cut by and what impact is priced with.

Both look at the sessions before an open only. Arrays [sessions, issues].
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.evaluation.backtest.corporate import Conversion

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MIN_RETURNS = 10
"""Fewer daily returns tell no volatility."""


def mean_volume(shares: Floats, has_row: Flags, conversions: dict[int, list[Conversion]], window: int) -> Floats:
    """Average daily shares over the `window` sessions before each session, on that session's share basis.

    A session without a trade counts as zero, one on which the issue is not listed does not count, and neither does one
    on which nobody traded. NaN where nothing counts.
    """
    volume = np.where(has_row, np.nan_to_num(shares), 0.0)
    counted = has_row & (volume.sum(axis=1) > 0)[:, None]
    out = np.full(shares.shape, np.nan)
    for session in range(1, len(shares)):
        for event in conversions.get(session, ()):
            first = max(session - window, 0)
            volume[first:session, event.name] *= event.new / event.old
        recent = slice(max(session - window, 0), session)
        days = counted[recent].sum(axis=0)
        total = volume[recent].sum(axis=0)
        out[session] = np.where(days > 0, total / np.maximum(days, 1), np.nan)
    return out


def daily_volatility(closing: Floats, base: Floats, window: int) -> Floats:
    """Standard deviation (ddof 1) of the log returns of the `window` sessions before each session.

    A session without a trade gives no return. NaN with fewer than `MIN_RETURNS` (or fewer than the window, if that is
    shorter).
    """
    moves = np.log(closing / base)
    known = np.isfinite(moves)
    moves = np.where(known, moves, 0.0)
    enough = max(min(MIN_RETURNS, window), 2)
    out = np.full(closing.shape, np.nan)
    for session in range(1, len(closing)):
        recent = slice(max(session - window, 0), session)
        count = known[recent].sum(axis=0)
        mean = moves[recent].sum(axis=0) / np.maximum(count, 1)
        square = (np.where(known[recent], moves[recent] - mean, 0.0) ** 2).sum(axis=0)
        out[session] = np.where(count >= enough, np.sqrt(square / np.maximum(count - 1, 1)), np.nan)
    return out
