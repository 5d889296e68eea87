"""The market: every price, volume and event from the first session to the last, and the truth behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.sessions import OUTAGE, tse_calendar
from gogoku_pipeline.simulator.background import make_background
from gogoku_pipeline.simulator.config import Dials, MarketConfig
from gogoku_pipeline.simulator.exposures import Exposures, make_exposures
from gogoku_pipeline.simulator.factors import NoiseSource
from gogoku_pipeline.simulator.flows import Flows
from gogoku_pipeline.simulator.history import History, simulate
from gogoku_pipeline.simulator.listings import Listings, make_listings
from gogoku_pipeline.simulator.oracle import oracle_scores
from gogoku_pipeline.simulator.reports import Reports
from gogoku_pipeline.simulator.splits import SplitEvent, SplitTable, draw_ex_dates
from gogoku_pipeline.simulator.trading import Tape
from gogoku_pipeline.simulator.truth import truth_document
from gogoku_pipeline.simulator.volatility import Volatility, make_volatility

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Market:
    """A finished market. Arrays are [sessions, issues] in the order of `sessions` and `codes`.

    Attributes:
        config: what it was made from.
        sessions: ascending session dates.
        listings: the issues.
        exposures: what moves them (truth).
        history: prices, volumes, index and the facts behind the planted drift.
    """

    config: MarketConfig
    sessions: list[date]
    listings: Listings
    exposures: Exposures
    history: History

    @property
    def codes(self) -> tuple[str, ...]:
        """Issue codes in column order."""
        return self.listings.codes

    @property
    def splits(self) -> tuple[SplitEvent, ...]:
        """Every split and reverse split, in order of ex-date."""
        return self.history.splits

    @cached_property
    def dials(self) -> tuple[Dials, ...]:
        """Strength of the planted effects on each session."""
        return self.config.dials_on(self.sessions)

    @cached_property
    def outage(self) -> int | None:
        """Place of the session on which nothing traded, None if the market does not contain it."""
        return self.sessions.index(OUTAGE) if OUTAGE in self.sessions else None

    @property
    def reports(self) -> Reports:
        """When companies report, and by how much they surprise."""
        return self.history.background.reports

    @property
    def flows(self) -> Flows:
        """Foreigners' weekly net buying."""
        return self.history.background.flows

    @cached_property
    def volatility(self) -> Volatility:
        """Level, skew and term structure of the index options."""
        return make_volatility(self.config.seed, self.history.topix, self.history.background.skew)

    @cached_property
    def crowding_known(self) -> npt.NDArray[np.float32]:
        """Crowding with margin buyers as published by each evening, shape [sessions, issues]."""
        return np.stack([self.history.published_crowding(place) for place in range(len(self.sessions))])

    def traded(self) -> npt.NDArray[np.bool_]:
        """Whether an issue traded on a session, shape [sessions, issues]."""
        result: npt.NDArray[np.bool_] = self.history.close > 0
        return result

    @cached_property
    def split_table(self) -> SplitTable:
        """The ex-dates, ready for cumulative factors."""
        return SplitTable(self.splits, len(self.codes))

    def cumulative_factor(self, session: int, as_of: int) -> Floats:
        """Adjustment factor of a session's prices as seen after session `as_of`, shape [issues]."""
        return self.split_table.on_day(session, as_of)

    def oracle_scores(self, horizon_d: int) -> pl.DataFrame:
        """What is truly to be expected of ret_open over a horizon, for every issue listed on a session.

        Args:
            horizon_d: sessions from open(t+1) to open(t+1+horizon_d), 1 to 20.

        Returns:
            Frame [session, code, horizon_d, score], sorted by (session, code); score is an expected relative log
            return (see oracle.py for the approximations).
        """
        return oracle_scores(self.sessions, self.listings, self.exposures, self.history, self.dials, horizon_d)

    def truth_document(self) -> dict[str, Any]:
        """Everything planted, as data; `truth.truth_text` prints it."""
        return truth_document(self.config, self.sessions, self.listings, self.exposures, self.history)


def generate_market(config: MarketConfig) -> Market:
    """Make a market; the same configuration gives the same bytes."""
    calendar = tse_calendar(config.start)
    sessions = list(calendar.sessions[: config.n_sessions])
    if len(sessions) < config.n_sessions:  # one session too far: the calendar's own error says what is missing
        calendar.shift(sessions[-1], 1)
    listings = make_listings(config)
    exposures = make_exposures(config.seed, listings)
    history = simulate(
        config,
        listings,
        exposures,
        sessions=sessions,
        background=make_background(config.seed, sessions, listings),
        noise=NoiseSource(config.seed, listings, exposures),
        tape=Tape(config.seed, listings, exposures),
        ex_dates=draw_ex_dates(
            config.seed, len(sessions), exposures.start_price, listings.is_stock & (listings.first == 0)
        ),
    )
    return Market(config, sessions, listings, exposures, history)
