"""Which issues are under daily publication of their margin balances, why, and how strict the measure is.

An issue comes under the exchange's daily publication when its margin longs are far above normal or its week was wild,
and leaves when both have calmed down. Measures grow with the crowding: restriction, then second, third and fourth
stage. The securities finance company warns about loan-eligible issues that are short of stock, and about funds from
time to time. An issue about to be delisted is monitored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.simulator.ledgers import normals
from gogoku_pipeline.simulator.once import once_per_market
from gogoku_pipeline.simulator.signals import MONTH, WEEK

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Flags = npt.NDArray[np.bool_]

ENTER, LEAVE = 2.0, 1.4
"""Crowding at which daily publication begins and ends, in standard deviations of crowding among stocks."""
STAGES = (2.6, 3.2, 3.8, 4.4)
WILD, CALM = 0.30, 0.12
SQUEEZED, VERY_SQUEEZED = 0.25, 0.40
LAST_SESSIONS = 10
NONE, WARNED, DAILY, RESTRICTED = 0, 1, 2, 3


@dataclass(frozen=True)
class Watch:
    """State of every issue after every session, shape [sessions, issues].

    Attributes:
        stage: 0 none, 1 warned by the finance company, 2 daily publication, 3-6 stages of restriction.
        is_halted: new loans restricted by the finance company.
        is_monitored: about to be delisted.
    """

    stage: npt.NDArray[np.int8]
    is_halted: Flags
    is_monitored: Flags

    def watched(self, place: int) -> Flags:
        """Issues whose balances of a session are published, shape [issues]."""
        result: Flags = (self.stage[place] > NONE) | self.is_monitored[place]
        return result


@once_per_market
def watch(market: Market) -> Watch:
    """Follow every issue through the market's sessions."""
    history, listings = market.history, market.listings
    habits, n_sessions = normals(market), len(market.sessions)
    loanable = np.array(listings.margin) == "2"
    shape = history.relative.shape
    stage, halted, monitored = np.zeros(shape, dtype=np.int8), np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    inside = np.zeros(shape[1], dtype=bool)
    for place in range(n_sessions):
        listed = listings.listed(place) & habits.has_margin
        heat = _heat(market, place)
        week = np.abs(history.relative[place] - history.relative[max(place - WEEK, 0)])
        month = history.relative[place] - history.relative[max(place - MONTH, 0)]
        inside = listed & np.where(inside, (heat > LEAVE) | (week > CALM), (heat > ENTER) | (week > WILD))
        squeezed = listed & loanable & np.where(listings.is_fund, _fund_season(place, habits.phase), month > SQUEEZED)
        strict = DAILY + np.searchsorted(STAGES, heat)
        stage[place] = np.where(inside, strict, np.where(squeezed, WARNED, NONE))
        halted[place] = listed & loanable & (month > VERY_SQUEEZED) & (stage[place] > NONE)
        monitored[place] = listed & (listings.last < n_sessions - 1) & (listings.last - place < LAST_SESSIONS)
    return Watch(stage, halted, monitored)


def _heat(market: Market, place: int) -> npt.NDArray[np.float64]:
    """Crowding in standard deviations among the listed stocks of the session, shape [issues]."""
    crowding = market.history.crowding[place].astype(np.float64)
    counted = market.listings.listed(place) & market.listings.is_stock
    spread = float(np.sqrt(np.mean(crowding[counted] ** 2))) if counted.any() else 0.0
    heat: npt.NDArray[np.float64] = crowding / max(spread, 0.05)
    return heat


def _fund_season(place: int, phase: npt.NDArray[np.float64]) -> Flags:
    """Whether lenders of a fund are short of units: about a third of the time, weeks on end."""
    result: Flags = np.sin(2.0 * np.pi * place / 60.0 + phase) > 0.5
    return result
