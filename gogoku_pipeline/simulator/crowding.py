"""How crowded an issue is with margin buyers: they gather where the price has run, and lose patience slowly.

    crowding[t] = 0.97 * crowding[t-1] + 2.6 * (Q[t] - Q[t-1]) + 0.1 * standard normal      (log ratio to normal)

The public knows it from the margin balances: up to application date 2026-09-24 of the last session of a week (weeks
with at least three sessions), published two sessions later; from 2026-09-25 of every session, published on the next.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.schema.event_days import MARGIN_LAST_WEEKLY, is_margin_day
from gogoku_pipeline.simulator.listings import Listings

CROWD_MEMORY, CROWD_ON_MOVE, CROWD_NOISE = 0.97, 2.6, 0.10
CROWD_SPREAD = 0.5
"""Typical standard deviation of crowding between issues: the unit of the planted effect."""

Floats = npt.NDArray[np.float64]


def balance_places(sessions: list[date]) -> npt.NDArray[np.int32]:
    """Place of the application date whose margin balances are the newest published by each evening, -1 for none."""
    newest = np.full(len(sessions), -1, dtype=np.int32)
    for place, day in enumerate(sessions):
        out = place + (2 if day <= MARGIN_LAST_WEEKLY else 1)
        if out < len(sessions) and is_margin_day(day):
            newest[out:] = place
    return newest


class Crowd:
    """Margin buyers of all issues, moved on session by session; issues of margin class 3 have none."""

    def __init__(self, seed: int, listings: Listings) -> None:
        self._rng = stream(seed, "crowding")
        self._has_margin = np.array(listings.margin) != "3"
        spread = CROWD_NOISE / np.sqrt(1.0 - CROWD_MEMORY**2)
        drawn = spread * self._rng.standard_normal(len(listings.codes))
        self.state: Floats = np.where(self._has_margin, drawn, 0.0)

    def step(self, relative_move: Floats, listed: npt.NDArray[np.bool_]) -> Floats:
        """Crowding at the close after a session with these relative log moves; 0 where not listed or without margin."""
        drawn = CROWD_NOISE * self._rng.standard_normal(len(self.state))
        crowded = listed & self._has_margin
        self.state = np.where(crowded, CROWD_MEMORY * self.state + CROWD_ON_MOVE * relative_move + drawn, 0.0)
        return self.state
