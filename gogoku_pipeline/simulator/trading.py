"""One session of trading: from what everybody wants to what the exchange allows and the tape prints.

Per issue: the base price (last price x split factor) and its limits; an opening price (night move, fairly rounded,
cut at the limit); possibly a lock at the limit, with or without trades; a day move to the close, likewise cut; a high
and a low around them; volume. An issue that does not trade keeps its price, and the move it missed is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.exposures import Exposures
from gogoku_pipeline.simulator.grid import bounds, ceil_to_tick, fair_round, floor_to_tick
from gogoku_pipeline.simulator.listings import Listings
from gogoku_pipeline.simulator.signals import FAST_HALF_LIFE, SLOW_HALF_LIFE

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LOCK_CHANCE, SILENT_LOCK_CHANCE = 0.6, 0.5
VOLUME_MEMORY, VOLUME_SHOCK, VOLUME_NOISE, VOLUME_ON_MOVE = 0.93, 0.20, 0.25, 0.25
FAST_STEP = 1.0 - 0.5 ** (1.0 / FAST_HALF_LIFE)
SLOW_STEP = 1.0 - 0.5 ** (1.0 / SLOW_HALF_LIFE)


@dataclass(frozen=True)
class Bars:
    """One session's prints, arrays [issues], yen and shares; meaningless where `traded` is False.

    Attributes:
        open, high, low, close: raw prices.
        upper, lower: the day's limit prices.
        volume: shares, a multiple of 100.
        traded: whether the issue traded at all.
        night, day: realised log moves base -> open and open -> close; 0 without trade.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    upper: Floats
    lower: Floats
    volume: Floats
    traded: Flags
    night: Floats
    day: Floats


class Tape:
    """Trades session after session; owns the randomness of rounding, locks, idleness, ranges and volume."""

    def __init__(self, seed: int, listings: Listings, exposures: Exposures) -> None:
        self._rng = stream(seed, "tape")
        self._listings = listings
        self._exposures = exposures
        n = len(listings.codes)
        self._interest = self._rng.normal(0.0, VOLUME_SHOCK / np.sqrt(1.0 - VOLUME_MEMORY**2), n)
        self._base_volume = exposures.log_turnover + np.log(listings.shares)

    def session(self, base: Floats, night: Floats, day: Floats, split_basis: Floats) -> Bars:
        """Trade one session.

        Args:
            base: base prices in yen, shape [issues].
            night: wanted log moves from base to open.
            day: wanted log moves from open to close.
            split_basis: factor by which share counts have grown since the start, shape [issues].
        """
        rng, fine = self._rng, self._listings.is_fine
        n = len(base)
        lower, upper = bounds(base, fine)
        opening = np.clip(fair_round(base * np.exp(night), fine, rng.random(n)), lower, upper)
        at_limit = (opening >= upper) | (opening <= lower)
        locked = at_limit & (rng.random(n) < LOCK_CHANCE)
        silent = locked & (rng.random(n) < SILENT_LOCK_CHANCE)
        traded = (rng.random(n) >= self._exposures.idle) & ~silent
        closing = np.clip(fair_round(opening * np.exp(day), fine, rng.random(n)), lower, upper)
        closing = np.where(locked, opening, closing)
        reach = np.abs(rng.standard_normal((2, n))) * 0.006 * ~locked
        high = floor_to_tick(np.maximum(opening, closing) * (1.0 + reach[0]), fine)
        low = ceil_to_tick(np.minimum(opening, closing) * (1.0 - reach[1]), fine)
        moved = np.where(traded, np.log(closing / base), 0.0)
        return Bars(
            open=opening,
            high=np.clip(np.maximum(high, np.maximum(opening, closing)), lower, upper),
            low=np.clip(np.minimum(low, np.minimum(opening, closing)), lower, upper),
            close=closing,
            upper=upper,
            lower=lower,
            volume=self._volume(moved, split_basis),
            traded=traded,
            night=np.where(traded, np.log(opening / base), 0.0),
            day=np.where(traded, np.log(closing / opening), 0.0),
        )

    def _volume(self, moved: Floats, split_basis: Floats) -> Floats:
        """Shares traded, whole lots of 100; larger on days with a large move, with a memory of about two weeks."""
        rng = self._rng
        n = len(moved)
        self._interest = VOLUME_MEMORY * self._interest + VOLUME_SHOCK * rng.standard_normal(n)
        size = np.minimum(np.abs(moved) / 0.02, 5.0)
        log_shares = (
            self._base_volume + self._interest + VOLUME_NOISE * rng.standard_normal(n) + VOLUME_ON_MOVE * (size - 0.8)
        )
        return np.maximum(np.rint(np.exp(log_shares) * split_basis / 100.0), 1.0) * 100.0


class VolumeMemory:
    """Fast and slow means of log volume and the slow mean of log turnover: what the evening knows about interest."""

    def __init__(self, n: int) -> None:
        self.fast = np.zeros(n)
        self.slow = np.zeros(n)
        self.turnover = np.zeros(n)
        self.count = np.zeros(n)

    def update(self, log_shares: Floats, log_yen: Floats, traded: Flags) -> None:
        """Take in a session; issues without trade keep their means. Shares on the basis of the first session."""
        begins = traded & (self.count == 0)
        for name, value, step in (
            ("fast", log_shares, FAST_STEP),
            ("slow", log_shares, SLOW_STEP),
            ("turnover", log_yen, SLOW_STEP),
        ):
            old = getattr(self, name)
            setattr(self, name, np.where(begins, value, np.where(traded, old + step * (value - old), old)))
        self.count = self.count + traded

    @property
    def gap(self) -> Floats:
        """V: fast minus slow mean of log volume, 0 before 10 traded sessions."""
        return np.where(self.count >= 10, self.fast - self.slow, 0.0)

    @property
    def is_known(self) -> Flags:
        """Whether turnover has been seen on at least 10 sessions."""
        return self.count >= 10
