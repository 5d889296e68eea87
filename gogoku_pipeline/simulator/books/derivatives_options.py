"""A day of options: strikes, theoretical prices from the surface, trades and open interest.

Prices are Black-76 on the price of the underlying, so call - put = exp(-r T) (UnderPx - Strike) for theoretical prices.
Options near and a little out of the money trade most; those without trades print 0.0. Volatilities and the interest
rate are printed in percent, as the publisher does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.books import derivatives_rows as printed
from gogoku_pipeline.simulator.books.derivatives_calendar import Expiry
from gogoku_pipeline.simulator.books.derivatives_market import (
    DAYS_IN_YEAR,
    Floats,
    Surface,
    black76,
    emergency_place,
    rate_on,
)
from gogoku_pipeline.simulator.books.derivatives_strikes import StrikeGrid, listed_strikes

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

PUT, CALL = "1", "2"
HALF_A_DAY = 0.5
"""Time value left on a last trading day that is the expiry itself."""


@dataclass(frozen=True)
class OptionClass:
    """Options on one underlying.

    Attributes:
        category: ProdCat.
        number: two characters of its contract codes.
        months: contract months that trade on a day.
        grid: spacing of strikes.
        surface: volatility surface of a session.
        unit: yen per point.
        size: contracts traded in the busiest option of a day, typically.
        tick: price step below and above `tick_from`.
        tick_from: see tick.
        starts: first trading day.
        underlying: UndSSO.
        is_split: whether the day session has a morning.
        has_emergency: whether emergency margin is called for it.
    """

    category: str
    number: str
    months: Callable[[date], tuple[Expiry, ...]]
    grid: StrikeGrid
    surface: Callable[[Market, int], Surface]
    unit: float
    size: float
    tick: tuple[float, float] = (1.0, 5.0)
    tick_from: float = 100.0
    starts: date = date(2008, 5, 7)
    underlying: str = "-"
    is_split: bool = False
    has_emergency: bool = True


@dataclass(frozen=True)
class Contracts:
    """The contracts of a class on a day; arrays [contracts], each strike first as put, then as call."""

    expiry: list[Expiry]
    nearest: npt.NDArray[np.bool_]
    steps: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.int64]
    since: npt.NDArray[np.int64]
    is_call: npt.NDArray[np.bool_]
    years: Floats


def day_columns(market: Market, place: int, kind: OptionClass, bars: Floats) -> list[printed.Columns]:
    """Columns of a class on a session: normal rows, and those of the emergency margin if it was called.

    Args:
        market: the market.
        place: the session.
        kind: class of options.
        bars: open, high, low, close of the underlying, shape [sessions, 4].
    """
    found = contracts_on(market, place, kind, bars[:, 3])
    if not len(found.steps):
        return []
    parts = [_columns(market, place, kind, bars, found, None)]
    if kind.has_emergency and place == emergency_place(market):
        opening, high, low, close = bars[place]
        parts.append(_columns(market, place, kind, bars, found, 0.5 * (opening + (low if close < opening else high))))
    return parts


def contracts_on(market: Market, place: int, kind: OptionClass, close: Floats) -> Contracts:
    """The contracts of a class that trade on a session."""
    day = market.sessions[place]
    months = kind.months(day) if day >= kind.starts else ()
    expiry: list[Expiry] = []
    nearest, years = [np.zeros(0, bool)], [np.zeros(0)]
    whole = {name: [np.zeros(0, np.int64)] for name in ("steps", "numbers", "since")}
    for number, month in enumerate(months):
        listed = listed_strikes(market, place, month, close, kind.grid)
        n = 2 * len(listed.steps)
        expiry += [month] * n
        nearest.append(np.full(n, number == 0))
        years.append(np.full(n, max((month.end - day).days, HALF_A_DAY) / DAYS_IN_YEAR))
        for name, parts in whole.items():
            parts.append(np.repeat(getattr(listed, name), 2))
    steps, numbers, since = (np.concatenate(parts) for parts in whole.values())
    is_call = np.arange(len(steps)) % 2 == 1
    return Contracts(expiry, np.concatenate(nearest), steps, numbers, since, is_call, np.concatenate(years))


def _columns(
    market: Market, place: int, kind: OptionClass, bars: Floats, found: Contracts, moment: float | None
) -> printed.Columns:
    """Columns in the publisher's keys; with a `moment`, valued at that price of the underlying."""
    day, n = market.sessions[place], len(found.steps)
    strike = np.round(found.steps * kind.grid.step, 4)
    surface, rate = kind.surface(market, place), rate_on(day)
    under = round(float(bars[place, 3] if moment is None else moment), 2)
    vol = np.round(surface.volatility(np.log(strike / under), found.years), 6)
    value = _value(found, under, strike, vol, rate)
    tick = np.where(value < kind.tick_from, kind.tick[0], kind.tick[1])
    draws = stream(market.config.seed, "options", kind.category, kind.number, place).random((5, n))
    volume, open_interest = _activity(found, place, kind.size, strike / under, surface, draws)
    traded = volume >= 1.0
    prices = _session_prices(market, place, kind, bars, found, tick)
    columns = printed.session_bars(prices, traded, draws[:3], is_split=np.full(n, kind.is_split))
    printed.without_night(columns, found.since == place)
    return columns | {
        "Code": [
            f"1{'4' if call else '3'}{month.stamp}{printed.strike_digits(step)}{kind.number}"
            for call, month, step in zip(found.is_call, found.expiry, found.numbers.tolist(), strict=True)
        ],
        "ProdCat": [kind.category] * n,
        "UndSSO": [kind.underlying] * n,
        "Date": [day.isoformat()] * n,
        "Vo": volume,
        "OI": open_interest,
        "Va": np.where(traded, np.rint(volume * kind.unit * 0.5 * (columns["H"] + columns["L"])), 0.0),
        "CM": [month.label for month in found.expiry],
        "Strike": strike,
        "VoOA": np.rint(0.97 * volume),
        "EmMrgnTrgDiv": [printed.NORMAL if moment is None else printed.TRIGGERED] * n,
        "PCDiv": np.where(found.is_call, CALL, PUT),
        "LTD": [month.last.isoformat() for month in found.expiry],
        "SQD": [month.settled.isoformat() if month.settled else "" for month in found.expiry],
        "Settle": printed.to_tick(value, tick),
        "Theo": np.round(value, 4),
        "BaseVol": np.round(100.0 * surface.atm(found.years), 4),
        "UnderPx": np.full(n, under),
        "IV": np.round(100.0 * vol, 4),
        "IR": np.full(n, round(100.0 * rate, 4)),
        "CCMFlag": np.where(found.nearest, "1", "0"),
    }


def _value(found: Contracts, under: float, strike: Floats, vol: Floats, rate: float) -> Floats:
    call, put = black76(under, strike, found.years, vol, rate)
    return np.where(found.is_call, call, put)


def _session_prices(
    market: Market, place: int, kind: OptionClass, bars: Floats, found: Contracts, tick: Floats
) -> printed.DayPrices:
    """Option prices when the underlying stood at its last close and at today's open, high, low and close."""
    strike, rate = found.steps.astype(np.float64) * kind.grid.step, rate_on(market.sessions[place])
    surface = kind.surface(market, place)

    def at(under: float) -> Floats:
        vol = surface.volatility(np.log(strike / under), found.years)
        return _value(found, under, strike, vol, rate)

    before = at(float(bars[max(place - 1, 0), 3]))
    opening, top, bottom, close = (at(float(price)) for price in bars[place])
    return printed.DayPrices(before, opening, np.maximum(top, bottom), np.minimum(top, bottom), close, tick)


def _activity(
    found: Contracts, place: int, size: float, moneyness: Floats, surface: Surface, draws: Floats
) -> tuple[Floats, Floats]:
    """Contracts traded and open: most a little out of the money and near in time; open interest builds over weeks."""
    width = surface.atm(found.years) * np.sqrt(found.years)
    out = np.log(moneyness) / width * np.where(found.is_call, 1.0, -1.0)
    weight = np.exp(-0.5 * ((out - 0.6) / 0.9) ** 2) / (1.0 + 12.0 * found.years)
    weight = weight * np.where(found.numbers % 2 == 0, 1.0, 0.45)
    volume = np.rint(size * weight * np.exp(1.6 * (draws[4] - 0.8)))
    age = np.minimum((place - found.since) / 25.0, 1.0)
    open_interest = np.rint(6.0 * size * weight * age * np.exp(0.05 * draws[3]))
    return volume, open_interest
