"""What futures and options are written on, and what options are worth: underlyings, interest, surface, Black-76.

The Nikkei-like index and JN400 follow TOPIX with a small mean-reverting gap of their own; the REIT and growth indices
are those of the indices book; the volatility index is the surface's level. Bond, money and currency prices are
independent walks. Sessions before the first row of a path do not exist.

    iv(K, T) = atm(T) - skew * 0.5 * tanh(u) / tanh(0.6745),     u = ln(K / F) / (atm(T) * sqrt(T))
    atm(T) = level + term * h,   h = ln(T / 30 days) / ln 3, kept in [-0.6, 1.3]

so that the put and the call of 25 delta lie about `skew` apart at every term. F is the price of the underlying.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.ledgers_indices import index_levels
from gogoku_pipeline.simulator.once import once_per_market

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Floats = npt.NDArray[np.float64]

DIVIDEND_YIELD = 0.019
QUARTER_DELTA = 0.6745
DAYS_IN_YEAR = 365.0
RATES = (
    (date(2024, 3, 19), 0.0005),
    (date(2024, 7, 31), 0.001),
    (date(2025, 1, 24), 0.0025),
    (date(2025, 12, 19), 0.005),
    (date.max, 0.0075),
)
"""Interest rate up to a day."""


@dataclass(frozen=True)
class Surface:
    """Volatility surface of one session, annual decimals; see module."""

    level: float
    skew: float
    term: float

    def atm(self, years: Floats) -> Floats:
        """Volatility at the money."""
        ahead = np.clip(np.log(years * DAYS_IN_YEAR / 30.0) / np.log(3.0), -0.6, 1.3)
        result: Floats = self.level + self.term * ahead
        return result

    def volatility(self, moneyness: Floats, years: Floats) -> Floats:
        """Volatility at ln(K / F) and a term in years."""
        atm = self.atm(years)
        lean = 0.5 * self.skew / np.tanh(QUARTER_DELTA) * np.tanh(moneyness / (atm * np.sqrt(years)))
        result: Floats = np.maximum(atm - lean, 0.02)
        return result


@once_per_market
def paths(market: Market) -> dict[str, Floats]:
    """Open, high, low and close of every underlying, shape [sessions, 4] each."""
    rng = stream(market.config.seed, "underlyings")
    topix, n = market.history.topix, len(market.sessions)
    levels = index_levels(market)
    found = {"topix": topix}
    for name, scale in (("nikkei", 13.3), ("jn400", 9.0)):
        gap = np.zeros(n)
        for place, shock in enumerate(rng.standard_normal(n)):
            gap[place] = 0.98 * gap[place - 1] + 0.0025 * shock if place else 0.0
        found[name] = _ordered(np.round(scale * topix * np.exp(gap)[:, None], 2))
    for name, code in (("reit", "0075"), ("growth", "0070")):
        found[name] = levels.bars[:, levels.codes.index(code)]
    level = 100.0 * market.volatility.level.astype(np.float64)
    found["vi"] = _bars(level, 0.01, rng)
    for name, start, vol in (("bond", 145.0, 0.002), ("money", 99.7, 0.0001), ("usd", 1450.0, 0.005)):
        walk = np.zeros(n)
        for place, shock in enumerate(rng.standard_normal(n)):
            walk[place] = 0.998 * walk[place - 1] + vol * shock if place else 0.0
        found[name] = _bars(start * np.exp(walk), 0.4 * vol, rng)
    return found


def stock_path(market: Market, issue: int) -> Floats:
    """Raw bars of an issue, shape [sessions, 4]; sessions without trade repeat the last close."""
    history = market.history
    bars = np.stack([getattr(history, name)[:, issue] for name in ("open", "high", "low", "close")], axis=1) / 10.0
    last = float(np.round(market.exposures.start_price[issue]))
    for place in range(len(bars)):
        if bars[place, 3] == 0.0:
            bars[place] = last
        last = float(bars[place, 3])
    return bars


def surface_of(market: Market, place: int) -> Surface:
    """The index option surface of a session."""
    planted = market.volatility
    return Surface(float(planted.level[place]), float(planted.skew[place]), float(planted.term[place]))


def rate_on(day: date) -> float:
    """Interest rate of theoretical prices, annual decimal."""
    return next(rate for until, rate in RATES if day <= until)


def black76(forward: float, strike: Floats, years: Floats, vol: Floats, rate: float) -> tuple[Floats, Floats]:
    """Value of calls and of puts on a forward price."""
    spread = vol * np.sqrt(years)
    upper = np.log(forward / strike) / spread + 0.5 * spread
    discount = np.exp(-rate * years)
    call = discount * (forward * ndtr(upper) - strike * ndtr(upper - spread))
    put = call - discount * (forward - strike)
    return np.maximum(call, 0.0), np.maximum(put, 0.0)


@once_per_market
def emergency_place(market: Market) -> int:
    """The session with the largest move of the index: emergency margin was called in the middle of it."""
    close = np.log(market.history.topix[:, 3])
    return int(np.argmax(np.abs(np.diff(close)))) + 1


def _bars(close: Floats, edge: float, rng: np.random.Generator) -> Floats:
    """Bars around closes: the open lies between the last close and this one."""
    before = np.concatenate([close[:1], close[:-1]])
    opening = before + rng.random(len(close)) * (close - before)
    reach = np.abs(rng.standard_normal((2, len(close)))) * edge
    high = np.maximum(opening, close) * (1.0 + reach[0])
    low = np.minimum(opening, close) * (1.0 - reach[1])
    return np.stack([opening, high, low, close], axis=1)


def _ordered(bars: Floats) -> Floats:
    """Highs not below and lows not above the other prices."""
    bars[:, 1], bars[:, 2] = bars.max(axis=1), bars.min(axis=1)
    return bars
