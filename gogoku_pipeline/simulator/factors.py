"""The noise of one session: fat tails and clustering volatility, symmetric in the logarithm so that nothing is free.

Every shock is symmetric around 0 and volatilities depend on no sign, so without a planted drift any two issues are
equally likely to beat each other, whatever is known about them: the RankIC of every score is 0 in expectation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.code_lists import SECTOR33
from gogoku_pipeline.simulator.exposures import Exposures
from gogoku_pipeline.simulator.listings import Listings

Floats = npt.NDArray[np.float64]

NIGHT_VARIANCE = 0.3
MARKET_VOL, SECTOR_VOL, SIZE_VOL, VALUE_VOL = 0.009, 0.005, 0.003, 0.002
TAIL_DEGREES = 5
JUMP_CHANCE, JUMP_LEAST, JUMP_MOST = 0.0012, 0.12, 0.45
MARKET_MEMORY, MARKET_SHOCK, OWN_MEMORY, OWN_SHOCK = 0.97, 0.11, 0.95, 0.14
CALMEST, WILDEST = -1.0, 1.2
"""Bounds of the log-volatility states."""
_TAIL_SCALE = np.sqrt((TAIL_DEGREES - 2) / TAIL_DEGREES)


@dataclass
class Volatility:
    """Log-volatility states: of the market, of each group and of each issue, all slowly reverting to 0."""

    market: float
    groups: Floats
    own: Floats


class NoiseSource:
    """Draws the noise of session after session; one stream per market."""

    def __init__(self, seed: int, listings: Listings, exposures: Exposures) -> None:
        self._rng = stream(seed, "noise")
        self._listings = listings
        self._exposures = exposures
        self._state = Volatility(
            0.0, np.zeros(len(exposures.members)), self._rng.normal(0.0, 0.45, len(listings.codes))
        )

    def step(self) -> tuple[Floats, Floats]:
        """Move volatility one session on and draw it.

        Returns:
            Night log returns and day log returns, both without drift.
        """
        rng, state = self._rng, self._state
        n = len(state.own)
        state.market = MARKET_MEMORY * state.market + MARKET_SHOCK * float(rng.standard_normal())
        state.groups = OWN_MEMORY * state.groups + OWN_SHOCK * rng.standard_normal(len(state.groups))
        state.own = OWN_MEMORY * state.own + OWN_SHOCK * rng.standard_normal(n)
        market = np.exp(np.clip(state.market, CALMEST, WILDEST))
        groups = np.exp(np.clip(state.groups, CALMEST, WILDEST))
        own = np.exp(np.clip(state.own, CALMEST, WILDEST))
        night = self._draw(market, groups, own) * np.sqrt(NIGHT_VARIANCE)
        day = self._draw(market, groups, own) * np.sqrt(1.0 - NIGHT_VARIANCE)
        jumps = rng.random(n) < JUMP_CHANCE
        size = rng.uniform(JUMP_LEAST, JUMP_MOST, n) * np.where(rng.random(n) < 0.5, -1.0, 1.0)
        night = night + np.where(jumps & self._listings.is_stock, size, 0.0)
        return night, day

    def _draw(self, market: float, group_vol: Floats, own: Floats) -> Floats:
        """Log returns of one whole session's variance, shape [issues]."""
        rng, exposures = self._rng, self._exposures
        sectors = SECTOR_VOL * market * rng.standard_normal(len(SECTOR33))
        groups = group_vol * self._tail(len(group_vol))
        common = market * (
            MARKET_VOL * float(rng.standard_normal()) * exposures.beta
            + SIZE_VOL * float(rng.standard_normal()) * exposures.size
            + VALUE_VOL * float(rng.standard_normal()) * exposures.value
        )
        shared = exposures.sign * exposures.group_vol * groups[exposures.group]
        alone = exposures.own_vol * own * self._tail(len(own))
        drawn: Floats = common + exposures.sector_weight * sectors[self._listings.sector] + shared + alone
        return drawn

    def _tail(self, n: int) -> Floats:
        """Fat-tailed draws of unit variance."""
        return np.asarray(self._rng.standard_t(TAIL_DEGREES, n) * _TAIL_SCALE)


def expected_variance(listings: Listings, exposures: Exposures) -> Floats:
    """Long-run variance of an issue's log moves per session from noise alone, shape [issues]."""
    market, own = _mean_square(MARKET_MEMORY, MARKET_SHOCK), _mean_square(OWN_MEMORY, OWN_SHOCK)
    shared = (MARKET_VOL * exposures.beta) ** 2 + (SIZE_VOL * exposures.size) ** 2 + (VALUE_VOL * exposures.value) ** 2
    common = market * (shared + (SECTOR_VOL * exposures.sector_weight) ** 2)
    jumps = JUMP_CHANCE * (JUMP_LEAST**2 + JUMP_LEAST * JUMP_MOST + JUMP_MOST**2) / 3.0 * listings.is_stock
    variance: Floats = common + own * (exposures.group_vol**2 + exposures.own_vol**2) + jumps
    return variance


def _mean_square(memory: float, shock: float) -> float:
    """Long-run mean of the squared volatility whose logarithm has this memory and these shocks."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    state = np.clip(shock / np.sqrt(1.0 - memory**2) * nodes, CALMEST, WILDEST)
    return float(weights @ np.exp(2.0 * state) / weights.sum())
