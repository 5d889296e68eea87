"""What foreigners buy and sell, week by week: one number, known to everybody from the Thursday after the week.

z is standard normal and remembers: z[w] = 0.8 * z[w-1] + 0.6 * shock. It has nothing to do with past prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream

FLOW_MEMORY = 0.8
PUBLISHED_AFTER = 4
"""Sessions from the last one of a week to the publication: its fourth session of the next week, mostly Thursday."""


@dataclass(frozen=True)
class Flows:
    """Foreigners' net buying; arrays [weeks] unless said. Weeks are those with a session in the market.

    Attributes:
        week_start, week_end: places of the first and last session of the week inside the market.
        published: place of the session on whose afternoon the week is published (may lie beyond the market).
        z: net buying in standard deviations.
        newest: newest week published at each evening, -1 for none, shape [sessions].
        known: its z, 0 for none, float32 [sessions].
    """

    week_start: npt.NDArray[np.int32]
    week_end: npt.NDArray[np.int32]
    published: npt.NDArray[np.int32]
    z: npt.NDArray[np.float64]
    newest: npt.NDArray[np.int32]
    known: npt.NDArray[np.float32]

    def expected(self, session: int, ahead: int) -> float:
        """What is to be expected of `known` some sessions ahead, from what is known at the evening of a session."""
        now = int(self.newest[session])
        if now < 0:
            return 0.0
        later = int(np.searchsorted(self.published, session + ahead, side="right")) - 1
        return float(self.z[now]) * FLOW_MEMORY ** (later - now)


def make_flows(seed: int, sessions: list[date]) -> Flows:
    """Draw the weekly flows of a market."""
    weeks = np.array([day.isocalendar()[0] * 100 + day.isocalendar()[1] for day in sessions])
    start = np.flatnonzero(np.r_[True, weeks[1:] != weeks[:-1]]).astype(np.int32)
    end = np.r_[start[1:] - 1, len(sessions) - 1].astype(np.int32)
    published = (end + PUBLISHED_AFTER).astype(np.int32)
    shocks = stream(seed, "flows").standard_normal(len(start))
    z = np.zeros(len(start))
    z[0] = shocks[0]
    for week in range(1, len(z)):
        z[week] = FLOW_MEMORY * z[week - 1] + np.sqrt(1.0 - FLOW_MEMORY**2) * shocks[week]
    newest = (np.searchsorted(published, np.arange(len(sessions)), side="right") - 1).astype(np.int32)
    known = np.where(newest >= 0, z[np.maximum(newest, 0)], 0.0).astype(np.float32)
    return Flows(start, end, published, z, newest, known)
