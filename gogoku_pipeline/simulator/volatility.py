"""The index option surface of every session: its level, its skew and its term structure.

- skew: volatility of the 25-delta put minus that of the 25-delta call at 30 days; slowly reverting to 0.05 whatever
  prices do. It is part of the planted law, so it is drawn before the market trades.
- level: at-the-money volatility at 30 days; follows the volatility of the index with a premium and jumps on falls.
- term: at-the-money volatility at 90 days minus that at 30; upwards in quiet times, downwards after shocks.

All in annual volatility decimals. A session's options are published at 03:00 of the next calendar day, so at an
evening only the sessions before are known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import SESSIONS_PER_YEAR

Singles = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

SKEW_MEAN, SKEW_SPREAD, SKEW_MEMORY = 0.05, 0.015, 0.97
SKEW_LOW, SKEW_HIGH = 0.01, 0.11
CALM_LEVEL, LEVEL_MEMORY, PREMIUM = 0.17, 0.94, 1.05


@dataclass(frozen=True)
class Volatility:
    """Index option surface, float32 [sessions], annual volatility decimals (see module).

    Attributes:
        level: at the money, 30 days.
        skew: 25-delta put minus 25-delta call, 30 days.
        term: 90 days minus 30 days, at the money.
        skew_known: skew as published by each evening: that of the session before.
    """

    level: Singles
    skew: Singles
    term: Singles
    skew_known: Singles


def draw_skew(seed: int, n_sessions: int) -> Singles:
    """Skew of every session."""
    shocks = stream(seed, "skew").standard_normal(n_sessions)
    z = np.zeros(n_sessions)
    z[0] = shocks[0]
    for session in range(1, n_sessions):
        z[session] = SKEW_MEMORY * z[session - 1] + np.sqrt(1.0 - SKEW_MEMORY**2) * shocks[session]
    return np.clip(SKEW_MEAN + SKEW_SPREAD * z, SKEW_LOW, SKEW_HIGH).astype(np.float32)


def known_skew(skew: Singles) -> Singles:
    """Skew as published by each evening: that of the session before, the mean before the first."""
    return np.concatenate([np.full(1, SKEW_MEAN, dtype=np.float32), skew[:-1]])


def expected_skew(known: float, ahead: int) -> float:
    """What is to be expected of the known skew some sessions ahead."""
    return SKEW_MEAN + SKEW_MEMORY**ahead * (known - SKEW_MEAN)


def make_volatility(seed: int, topix: Floats, skew: Singles) -> Volatility:
    """The surface that follows from the index (open, high, low, close [sessions, 4]) and the drawn skew."""
    rng = stream(seed, "volatility")
    move = np.diff(np.log(topix[:, 3]), prepend=np.log(topix[0, 0]))
    fresh = rng.standard_normal((2, len(move)))
    level, term = np.zeros(len(move)), np.zeros(len(move))
    realised, log_gap = CALM_LEVEL**2, 0.0
    for session, today in enumerate(move):
        realised = LEVEL_MEMORY * realised + (1.0 - LEVEL_MEMORY) * float(today) ** 2 * SESSIONS_PER_YEAR
        log_gap = 0.9 * log_gap + 0.03 * fresh[0, session] - 3.0 * float(np.clip(today, -0.06, 0.06))
        level[session] = np.clip(PREMIUM * np.sqrt(realised) * np.exp(np.clip(log_gap, -0.4, 0.6)), 0.08, 0.9)
        term[session] = 0.25 * (CALM_LEVEL + 0.02 - level[session]) + 0.003 * fresh[1, session]
    term = np.clip(term, -0.25 * level, 0.25 * level)
    return Volatility(level.astype(np.float32), skew, term.astype(np.float32), known_skew(skew))
