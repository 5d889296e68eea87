"""Session after session: drift from yesterday's public facts, noise, trading, and what the evening then knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import OUTAGE
from gogoku_pipeline.simulator.background import Background
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.crowding import Crowd
from gogoku_pipeline.simulator.exposures import Exposures
from gogoku_pipeline.simulator.factors import NoiseSource
from gogoku_pipeline.simulator.grid import to_tenths
from gogoku_pipeline.simulator.listings import Listings
from gogoku_pipeline.simulator.signals import (
    DAY_SHARE,
    MOMENTUM_LOOK,
    MOMENTUM_SKIP,
    MONTH,
    NIGHT_SHARE,
    WEEK,
    Facts,
    disclosure_jump,
    drift,
    liquidity_tilt,
    relatives_pull,
)
from gogoku_pipeline.simulator.splits import MAY_SPLIT_UNTRADED, ExDates, SplitEvent, factor_for, out_of_reach
from gogoku_pipeline.simulator.tide import FLOW_SHARE, Tide, index_weights
from gogoku_pipeline.simulator.trading import Bars, Tape, VolumeMemory

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Tenths = npt.NDArray[np.int32]

TOPIX_START = 1500.0


@dataclass(frozen=True)
class History:
    """What happened. Arrays [sessions, issues] unless said.

    Attributes:
        open, high, low, close: raw prices in tenths of a yen, 0 where the issue did not trade or is not listed.
        lots: hundreds of shares traded.
        limits: bit 1 the upper limit was touched, bit 2 the lower one.
        relative: Q, the log price relative to the equal-weight market.
        tilt, pull: liquidity tilt and relatives' pull at the close (see signals.py).
        crowding: log ratio of margin longs to normal at the close (see crowding.py).
        topix: open, high, low, close of the index, shape [sessions, 4].
        splits: ex-dates with their factors.
        background: what people know besides prices.
    """

    open: Tenths
    high: Tenths
    low: Tenths
    close: Tenths
    lots: Tenths
    limits: npt.NDArray[np.uint8]
    relative: Singles
    tilt: Singles
    pull: Singles
    crowding: Singles
    topix: Floats
    splits: tuple[SplitEvent, ...]
    background: Background

    @classmethod
    def empty(cls, n_sessions: int, n_issues: int, background: Background) -> History:
        """Room for a market of this shape."""
        shape = (n_sessions, n_issues)
        return cls(
            open=np.zeros(shape, dtype=np.int32),
            high=np.zeros(shape, dtype=np.int32),
            low=np.zeros(shape, dtype=np.int32),
            close=np.zeros(shape, dtype=np.int32),
            lots=np.zeros(shape, dtype=np.int32),
            limits=np.zeros(shape, dtype=np.uint8),
            relative=np.zeros(shape, dtype=np.float32),
            tilt=np.zeros(shape, dtype=np.float32),
            pull=np.zeros(shape, dtype=np.float32),
            crowding=np.zeros(shape, dtype=np.float32),
            topix=np.zeros((n_sessions, 4)),
            splits=(),
            background=background,
        )

    def facts(self, session: int) -> Facts:
        """Public facts at the close of a session; shorter histories count from the first session."""
        now = self.relative[session]
        return Facts(
            week=now - self.relative[max(session - WEEK, 0)],
            month=now - self.relative[max(session - MONTH, 0)],
            momentum=self.relative[max(session - MOMENTUM_SKIP, 0)] - self.relative[max(session - MOMENTUM_LOOK, 0)],
            day=now - self.relative[max(session - 1, 0)],
            tilt=self.tilt[session],
            pull=self.pull[session],
            news=self.background.reports.drifting[session],
            crowding=self.published_crowding(session),
            flow=float(self.background.flows.known[session]),
            skew=float(self.background.skew_known[session]),
        )

    def published_crowding(self, session: int) -> Singles:
        """Crowding in the newest margin balances published by the evening of a session, 0 before the first."""
        place = int(self.background.balances[session])
        return self.crowding[place] if place >= 0 else np.zeros(self.crowding.shape[1], dtype=np.float32)


def simulate(
    config: MarketConfig,
    listings: Listings,
    exposures: Exposures,
    *,
    sessions: Sequence[date],
    background: Background,
    noise: NoiseSource,
    tape: Tape,
    ex_dates: ExDates,
) -> History:
    """Run the market from the first session to the last.

    Args:
        config: size, seed and dials.
        listings: the issues.
        exposures: what moves them.
        sessions: their dates.
        background: what happens whatever prices do.
        noise: draws every session's moves without drift.
        tape: turns wanted moves into prints.
        ex_dates: possible ex-dates, shape [sessions, issues].
    """
    n = len(listings.codes)
    history = History.empty(config.n_sessions, n, background)
    day_loop = _DayLoop(history, listings, exposures, config.seed)
    tide = Tide(listings, exposures)
    dials, outage = config.dials_on(sessions), sessions.index(OUTAGE) if OUTAGE in sessions else -1
    before, older, steady, steady_older = np.zeros((4, n))
    for session in range(config.n_sessions):
        night, day = noise.step()
        night_news, day_news = (disclosure_jump(part, dials[session]) for part in background.reports.shocks(session))
        base = day_loop.base_prices(session, ex_dates[session])
        value = listings.shares / day_loop.basis * base
        tide_night, tide_day = tide.moves(session, value, NIGHT_SHARE * steady_older + DAY_SHARE * steady)
        night = night + NIGHT_SHARE * older + night_news + tide_night
        day = day + DAY_SHARE * before + day_news + tide_day
        bars = tape.session(base, night, day, 1.0 / day_loop.basis)
        silent = (ex_dates[session] == MAY_SPLIT_UNTRADED) | (session == outage)
        day_loop.record(session, bars, base, silent)
        older, steady_older, facts = before, steady, history.facts(session)
        before, steady = (
            np.asarray(drift(facts, law, exposures, listings.is_stock), dtype=np.float64)
            for law in (dials[session], replace(dials[session], flow=FLOW_SHARE * dials[session].flow))
        )
    return replace(history, splits=tuple(day_loop.events))


class _DayLoop:
    """State carried from one session to the next: last prices, split basis, volume memory, crowd, index level."""

    def __init__(self, history: History, listings: Listings, exposures: Exposures, seed: int) -> None:
        n = len(listings.codes)
        self.history, self.listings, self.exposures = history, listings, exposures
        self.split_draws = stream(seed, "splits")
        self.price = np.round(exposures.start_price)
        self.basis = np.ones(n)
        self.relative = np.zeros(n)
        self.memory = VolumeMemory(n)
        self.crowd = Crowd(seed, listings)
        self.index = TOPIX_START
        self.events: list[SplitEvent] = []

    def base_prices(self, session: int, may_split: ExDates) -> Floats:
        """Base prices of a session, ex-dates applied."""
        factor = np.ones(len(self.price))
        pressed = out_of_reach(self.price, self.split_draws.random(len(self.price))) & self.listings.is_stock
        stays = self.listings.listed(session) & self.listings.listed(session - 1)
        for issue in np.flatnonzero(((may_split > 0) | pressed) & stays):
            factor[issue] = factor_for(float(self.price[issue]), float(self.split_draws.random()))
            if factor[issue] != 1.0:
                self.events.append(SplitEvent(session, int(issue), float(factor[issue])))
        self.basis = self.basis * factor
        self.price = self.price * factor
        return self.price

    def record(self, session: int, bars: Bars, base: Floats, silent: npt.NDArray[np.bool_]) -> None:
        """Write a session down and carry the state on; `silent` issues do not trade."""
        listed = self.listings.listed(session)
        traded = bars.traded & listed & ~silent
        history = self.history
        for name in ("open", "high", "low", "close"):
            getattr(history, name)[session] = np.where(traded, to_tenths(getattr(bars, name)), 0)
        history.lots[session] = np.where(traded, bars.volume / 100.0, 0.0).astype(np.int32)
        touched = (bars.high >= bars.upper) + 2 * (bars.low <= bars.lower)
        history.limits[session] = np.where(traded, touched, 0)
        self._carry_index(session, bars, base, traded)
        move = np.where(traded, bars.night + bars.day, 0.0)
        counted = traded & self.listings.is_stock
        before = self.relative
        self.relative = np.where(listed, self.relative + move - (move[counted].mean() if counted.any() else 0.0), 0.0)
        history.relative[session] = self.relative
        history.crowding[session] = self.crowd.step(self.relative - before, listed)
        self.price = np.where(traded, bars.close, self.price)
        shares = bars.volume * self.basis
        self.memory.update(np.log(shares), np.log(bars.volume * bars.close), traded)
        history.tilt[session] = liquidity_tilt(self.memory.turnover, self.memory.is_known & self.listings.is_stock)
        history.pull[session] = relatives_pull(np.where(listed, self.memory.gap, 0.0), self.exposures)

    def _carry_index(self, session: int, bars: Bars, base: Floats, traded: npt.NDArray[np.bool_]) -> None:
        """The value-weighted index of ordinary shares; a session without trades repeats the last close."""
        weight = index_weights(np.where(traded & self.listings.is_stock, self.listings.shares / self.basis * base, 0.0))
        last = self.index
        if traded.any():
            opening = last * (1.0 + float(weight @ np.expm1(bars.night)))
            self.index = last * (1.0 + float(weight @ np.expm1(bars.night + bars.day)))
            edge = 0.002 * (1.0 + abs(self.index / opening - 1.0) * 50.0)
            high, low = max(opening, self.index) * (1.0 + edge), min(opening, self.index) * (1.0 - edge)
            self.history.topix[session] = np.round([opening, high, low, self.index], 2)
            self.index = float(np.round(self.index, 2))
        else:
            self.history.topix[session] = last
