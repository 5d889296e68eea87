"""The credit ledger: how many shares of each issue are bought and sold on margin at the close of a session.

Longs are a normal level times exp(crowding), so the planted crowding can be read from the printed number; the normal
level differs little from issue to issue. Shorts lean against the last month's relative move. Everything is counted in
shares of the session's own basis and in round lots: a split makes the number jump, as on the real tape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.once import once_per_market
from gogoku_pipeline.simulator.signals import MONTH

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Floats = npt.NDArray[np.float64]
Lots = npt.NDArray[np.int64]

LOT = 100
NORMAL_LONG, NORMAL_SHORT = 0.006, 0.0015
LONG_SPREAD, SHORT_SPREAD, WOBBLE = 0.06, 0.3, 0.01
SHORT_ON_MOVE = 1.5
LOOK_BACK = 250


@dataclass(frozen=True)
class Normals:
    """Fixed habits of the issues' margin traders, arrays [issues].

    Attributes:
        has_margin: whether the issue can be traded on margin at all (class 1 or 2).
        long, short: normal balances as a share of the company.
        long_standard, short_standard: part of the balance under the exchange's standardized terms.
        period, phase: slow wobble of the balances.
    """

    has_margin: npt.NDArray[np.bool_]
    long: Floats
    short: Floats
    long_standard: Floats
    short_standard: Floats
    period: Floats
    phase: Floats


@dataclass(frozen=True)
class Balances:
    """Balances at one close in shares, arrays [issues], multiples of a lot; total = negotiable + standardized."""

    short_negotiable: Lots
    short_standard: Lots
    long_negotiable: Lots
    long_standard: Lots

    @property
    def short(self) -> Lots:
        """All shares sold on margin."""
        return self.short_negotiable + self.short_standard

    @property
    def long(self) -> Lots:
        """All shares bought on margin."""
        return self.long_negotiable + self.long_standard


@once_per_market
def normals(market: Market) -> Normals:
    """The habits, drawn once. Only loan-eligible issues (class 2) can be sold under standardized terms."""
    rng = stream(market.config.seed, "ledgers")
    n = len(market.codes)
    margin = np.array(market.listings.margin)
    short = NORMAL_SHORT * np.exp(SHORT_SPREAD * rng.standard_normal(n))
    return Normals(
        has_margin=margin != "3",
        long=NORMAL_LONG * np.exp(LONG_SPREAD * rng.standard_normal(n)),
        short=np.where(margin == "2", short, 0.1 * short),
        long_standard=rng.uniform(0.5, 0.9, n),
        short_standard=np.where(margin == "2", rng.uniform(0.6, 0.95, n), 0.0),
        period=rng.uniform(15.0, 60.0, n),
        phase=rng.uniform(0.0, 2.0 * np.pi, n),
    )


def balances(market: Market, place: int, *, basis_of: int | None = None) -> Balances:
    """Balances of every issue at the close of a session (0 where the issue has no margin trading).

    Args:
        market: the market.
        place: the session.
        basis_of: session whose share counts are meant, `place` itself by default.
    """
    habits, history = normals(market), market.history
    basis = market.split_table.on_day(-1, place if basis_of is None else basis_of)
    shares = np.where(habits.has_margin, market.listings.shares, 0.0) / basis
    wobble = WOBBLE * np.sin(2.0 * np.pi * place / habits.period + habits.phase)
    crowding = history.crowding[place].astype(np.float64)
    month = (history.relative[place] - history.relative[max(place - MONTH, 0)]).astype(np.float64)
    long = _lots(shares * habits.long * np.exp(crowding + wobble))
    short = _lots(shares * habits.short * np.exp(SHORT_ON_MOVE * np.clip(month, -0.5, 0.5) - 4.0 * wobble))
    long_standard = _lots(long * habits.long_standard)
    short_standard = _lots(short * habits.short_standard)
    return Balances(short - short_standard, short_standard, long - long_standard, long_standard)


def last_close(market: Market, place: int) -> Floats:
    """Newest raw close at or before a session on its basis, shape [issues]; before any trade the first price."""
    basis = market.split_table.on_day(-1, place)
    price = np.round(market.exposures.start_price)
    missing = np.ones(len(price), dtype=bool)
    for past in range(place, max(place - LOOK_BACK, -1), -1):
        close = market.history.close[past]
        found = missing & (close > 0)
        if found.any():
            earlier = market.split_table.on_day(-1, past)
            price[found] = close[found] / 10.0 / earlier[found]
            missing &= ~found
        if not (missing & market.listings.listed(place)).any():
            break
    result: Floats = np.round(price * basis, 1)
    return result


def _lots(shares: Floats) -> Lots:
    """Whole lots nearest to a number of shares, in shares."""
    return np.rint(shares / LOT).astype(np.int64) * LOT
