"""Splits and reverse splits: the factor of an ex-date, and the cumulative factor as somebody sees it later.

Ex-dates are drawn beforehand; what happens on one depends on the price then: dear shares are split, cheap ones
consolidated, others left alone. The cumulative factor of day t as of day a is the product of the factors of the days
strictly after t up to a: that is why served adjusted prices change when a split comes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream

Floats = npt.NDArray[np.float64]
ExDates = npt.NDArray[np.int8]
SPLITS = (0.5, 0.5, 1.0 / 3.0, 0.2)
REVERSE = 10.0
MAY_SPLIT, MAY_SPLIT_UNTRADED = 1, 2


@dataclass(frozen=True)
class SplitEvent:
    """One ex-date of one issue: session and issue as places, factor below 1 for a split."""

    session: int
    issue: int
    factor: float


def draw_ex_dates(seed: int, n_sessions: int, start_price: Floats, is_stock: npt.NDArray[np.bool_]) -> ExDates:
    """Possible ex-dates, shape [sessions, issues]: about one in six years and issue.

    Whatever the size of the market, the two cheapest stocks get one early on (a reverse split), and the dearest stock's
    falls on a session on which it does not trade.

    Args:
        seed: root of the random streams.
        n_sessions: sessions of the market.
        start_price: first prices in yen, shape [issues].
        is_stock: issues that may split, shape [issues].
    """
    rng = stream(seed, "ex-dates")
    draws = np.zeros((n_sessions, len(is_stock)), dtype=np.int8)
    for session in range(n_sessions):
        draws[session] = (rng.random(len(is_stock)) < 1.0 / 1500.0) & is_stock
    stocks = np.flatnonzero(is_stock)
    sure = rng.choice(stocks, size=max(4, len(stocks) // 10), replace=False)
    draws[rng.integers(n_sessions // 6, n_sessions * 5 // 6, len(sure)), sure] = MAY_SPLIT
    by_price = stocks[np.argsort(start_price[stocks])]
    draws[[n_sessions // 8, n_sessions // 5], by_price[:2]] = MAY_SPLIT
    draws[n_sessions // 4, by_price[-1]] = MAY_SPLIT_UNTRADED
    return draws


def out_of_reach(price: Floats, draws: Floats) -> npt.NDArray[np.bool_]:
    """Issues so dear or so cheap that the company acts, within a quarter or so: a chance of 1 in 60 per session.

    Args:
        price: last traded prices in yen, shape [issues].
        draws: uniform draws in [0, 1), shape [issues].
    """
    return ((price > 20_000.0) | (price < 100.0)) & (draws < 1.0 / 60.0)


def factor_for(price: float, pick: float) -> float:
    """The adjustment factor a company at this price chooses, 1 if it does nothing.

    Args:
        price: last traded price in yen.
        pick: a draw in [0, 1).
    """
    if price >= 1200.0:
        return SPLITS[int(pick * len(SPLITS))]
    return REVERSE if price < 350.0 else 1.0


class SplitTable:
    """All ex-dates of a market, ready to be multiplied up."""

    def __init__(self, events: tuple[SplitEvent, ...], n_issues: int) -> None:
        self._session = np.array([event.session for event in events], dtype=np.int64)
        self._issue = np.array([event.issue for event in events], dtype=np.int64)
        self._factor = np.array([event.factor for event in events], dtype=np.float64)
        self._n_issues = n_issues

    def on_day(self, after: int, upto: int) -> Floats:
        """Product of the factors of sessions in (after, upto], shape [issues]."""
        product = np.ones(self._n_issues)
        inside = (after < self._session) & (self._session <= upto)
        np.multiply.at(product, self._issue[inside], self._factor[inside])
        return product

    def of_issue(self, issue: int, after: npt.NDArray[np.int64], upto: npt.NDArray[np.int64]) -> Floats:
        """Products of one issue's factors over the intervals (after, upto], shape [intervals]."""
        product = np.ones(len(after))
        for place in np.flatnonzero(self._issue == issue):
            inside = (after < self._session[place]) & (self._session[place] <= upto)
            product[inside] *= self._factor[place]
        return product

    def events_until(self, as_of: int) -> int:
        """How many ex-dates lie at or before a session: served adjusted values change only when this does."""
        return int((self._session <= as_of).sum())
