"""Which strikes of an expiry are listed on a day, and since when: around every price seen since the expiry's listing.

A strike is listed when the underlying comes near it, on a grid that gets finer as the expiry approaches, and stays
until the end. Smaller markets have wider grids, so that a day of a small market stays small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.simulator.books.derivatives_calendar import Expiry
from gogoku_pipeline.simulator.once import once_per_market

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Floats = npt.NDArray[np.float64]

FAR_DAYS, NEAR_DAYS = 100, 45
MIDDLE_SPACING, FAR_SPACING = 2, 4
FULL_MARKET_ISSUES = 1000
SMALL_MARKET_REACH = 0.6


@dataclass(frozen=True)
class StrikeGrid:
    """How the strikes of a product are spaced.

    Attributes:
        step: finest strike step; spacings are 1, 2, 4, 8 ... steps.
        share: spacing of the near months as a share of the price at listing; months between 45 and 100 days away have
            twice, later ones four times this spacing until they come near.
        reach: how far strikes lie from the price, as a decimal.
        wider: factor on the spacing in markets with fewer than 1,000 issues.
    """

    step: float
    share: float = 0.004
    reach: float = 0.2
    wider: float = 3.0


@dataclass(frozen=True)
class Listed:
    """Strikes of one expiry on a day, ascending.

    Attributes:
        steps: strikes in steps.
        numbers: strikes in the expiry's own finest spacing, for contract codes.
        since: place of the session on which each was listed, -1 before the market.
    """

    steps: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.int64]
    since: npt.NDArray[np.int64]


def listed_strikes(market: Market, place: int, expiry: Expiry, close: Floats, grid: StrikeGrid) -> Listed:
    """The strikes of an expiry that exist on a session.

    Args:
        market: the market.
        place: the session.
        expiry: the contract month.
        close: closes of the underlying, shape [sessions].
        grid: how strikes are spaced.
    """
    first = int(np.searchsorted(_axis(market), np.datetime64(expiry.listed)))
    seen = np.maximum(np.arange(first, place + 1) - 1, 0)
    is_small = len(market.codes) < FULL_MARKET_ISSUES
    reach = grid.reach * (SMALL_MARKET_REACH if is_small else 1.0)
    low, high = close[seen] * (1.0 - reach) / grid.step, close[seen] * (1.0 + reach) / grid.step
    left = (np.datetime64(expiry.end) - _axis(market)[first : place + 1]).astype(np.int64)
    wanted = grid.share * float(close[seen[0]]) * (grid.wider if is_small else 1.0) / grid.step
    finest = 2 ** max(round(float(np.log2(wanted))), 0)
    spacing = finest * np.where(left <= NEAR_DAYS, 1, np.where(left <= FAR_DAYS, MIDDLE_SPACING, FAR_SPACING))
    steps = np.arange(max(int(np.ceil(low.min())), 1), int(np.floor(high.max())) + 1)
    there = (low[:, None] <= steps) & (steps <= high[:, None]) & (steps % spacing[:, None] == 0)
    exists = there.any(axis=0)
    since = first + there.argmax(axis=0)
    if first == 0 and expiry.listed < market.sessions[0]:
        since = np.where(since == 0, -1, since)
    steps = steps[exists].astype(np.int64)
    return Listed(steps, steps // finest, since[exists].astype(np.int64))


@once_per_market
def _axis(market: Market) -> npt.NDArray[np.datetime64]:
    """Session dates as NumPy days."""
    return np.array(market.sessions, dtype="datetime64[D]")
