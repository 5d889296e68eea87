"""The printed day of a set of contracts: session bars, volumes and the publisher's forms for what does not exist.

Columns are NumPy arrays over the contracts of a day. Night, morning and day sessions follow the underlying: the night
leads from the last close to today's open, the day from the open to the close. Without trades every price is 0.0.
`""` stands for a session that does not exist (night on the first trading day; morning where the day is not split)
and for whatever was not published before 2016-07-19.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.simulator.ledgers_release import is_out

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Columns = dict[str, Any]

OUT_AT = time(3, 0)
DETAILS_FROM = date(2016, 7, 19)
LATER_KEYS = ("VoOA", "LTD", "SQD", "Settle", "Theo", "BaseVol", "UnderPx", "IV", "IR", "CCMFlag")
DIGITS = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
"""Digits of a strike in a contract code: no I, O and Q."""

TRIGGERED, NORMAL = "001", "002"


@dataclass(frozen=True)
class DayPrices:
    """Prices of the contracts on one day, arrays [contracts].

    Attributes:
        before: price at the last close.
        open, high, low, close: prices of the day session.
        tick: price step.
    """

    before: Floats
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    tick: Floats


def is_published(day: date, now: datetime) -> bool:
    """Whether the rows of a trading day are out: from 03:00 of the next calendar day."""
    return is_out(day + timedelta(days=1), OUT_AT, now)


def version(market: Market, day: date, now: datetime) -> bool:
    """What is served for a day changes once."""
    return is_published(day, now)


def session_bars(prices: DayPrices, traded: Flags, draws: Floats, *, is_split: Flags) -> Columns:
    """Bars of the whole day and of each session, keys O .. AC.

    Args:
        prices: of the contracts.
        traded: contracts with trades.
        draws: uniform draws, shape [3, contracts].
        is_split: contracts whose day session has a morning.
    """
    tick = prices.tick
    wiggle = np.rint(2.0 * draws - 1.0) * tick
    night = _bar(prices.before + wiggle[0], prices.open + wiggle[1], draws[0], tick)
    day = _bar(prices.open, prices.close + wiggle[2], draws[1], tick, high=prices.high, low=prices.low)
    middle = 0.5 * (prices.open + prices.close)
    morning = _bar(prices.open, middle, draws[2], tick)
    day["H"], day["L"] = np.maximum(day["H"], morning["H"]), np.minimum(day["L"], morning["L"])
    whole = {
        "O": night["O"],
        "H": np.maximum(night["H"], day["H"]),
        "L": np.minimum(night["L"], day["L"]),
        "C": day["C"],
    }
    halves = (("", whole), ("M", morning), ("E", night), ("A", day))
    columns = {f"{half}{name}": np.where(traded, bar[name], 0.0) for half, bar in halves for name in "OHLC"}
    for name in "OHLC":
        columns[f"M{name}"] = np.where(is_split, columns[f"M{name}"], np.nan)
    return columns


def without_night(columns: Columns, is_new: Flags) -> None:
    """On the first trading day there is no night session: the day session is the whole day."""
    for name in "OHLC":
        columns[name] = np.where(is_new, columns[f"A{name}"], columns[name])
        columns[f"E{name}"] = np.where(is_new, np.nan, columns[f"E{name}"])


def to_tick(price: Floats, tick: Floats) -> Floats:
    """Prices on the grid, at least one step."""
    result: Floats = np.round(np.maximum(np.rint(price / tick), 1.0) * tick, 4)
    return result


def strike_digits(number: int) -> str:
    """Two characters for a strike counted in steps."""
    base = len(DIGITS)
    return DIGITS[number // base % base] + DIGITS[number % base]


def as_rows(columns: Mapping[str, Any], keys: Sequence[str], day: date) -> list[dict[str, Any]]:
    """Rows in the publisher's key order and forms; NaN is written as an empty text."""
    frame = pl.DataFrame({key: columns[key] for key in keys}, strict=False)
    holes = [key for key in keys if frame[key].dtype.is_float() and frame[key].is_nan().any()]
    rows = frame.to_dicts()
    blank = [key for key in LATER_KEYS if key in keys] if day < DETAILS_FROM else []
    for row in rows:
        for key in holes:
            if row[key] != row[key]:
                row[key] = ""
        for key in blank:
            row[key] = ""
    return rows


def stacked(parts: Sequence[Columns]) -> Columns:
    """Columns of several sets of contracts, one after the other."""
    return {key: np.concatenate([np.asarray(part[key]) for part in parts]) for key in parts[0]} if parts else {}


def _bar(
    opening: Floats,
    close: Floats,
    draw: Floats,
    tick: Floats,
    *,
    high: Floats | None = None,
    low: Floats | None = None,
) -> dict[str, Floats]:
    """Open, high, low and close on the grid; the range reaches a little beyond unless it is given."""
    first, last = to_tick(opening, tick), to_tick(close, tick)
    top = np.maximum(first, last) + np.rint(2.0 * draw) * tick if high is None else high
    bottom = np.minimum(first, last) - np.rint(2.0 * (1.0 - draw)) * tick if low is None else low
    top, bottom = to_tick(top, tick), to_tick(bottom, tick)
    return {
        "O": first,
        "H": np.maximum(top, np.maximum(first, last)),
        "L": np.minimum(bottom, np.minimum(first, last)),
        "C": last,
    }
