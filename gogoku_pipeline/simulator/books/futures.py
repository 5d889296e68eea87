"""/derivatives/bars/daily/futures: every contract of every product, with settlement, open interest and rolls.

A contract is worth its underlying with the cost of carry up to its settlement. Open interest and trading sit in the
front month and move to the next one during its last eight sessions; the central month changes on the last trading
day. On the most violent session of the market emergency margin was called: index contracts then have a second row
(001) with prices of that moment. Out at 03:00 of the next calendar day. Source: API reference 2.19.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.simulator.book import Book, DayRows
from gogoku_pipeline.simulator.books import derivatives_calendar as months
from gogoku_pipeline.simulator.books import derivatives_rows as printed
from gogoku_pipeline.simulator.books.derivatives_market import (
    DAYS_IN_YEAR,
    DIVIDEND_YIELD,
    Floats,
    emergency_place,
    paths,
    rate_on,
)
from gogoku_pipeline.simulator.ledgers_release import place_of

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

STARTS = date(2008, 5, 7)
ROLL_DAYS = 12.0
KEYS = (
    *("Code", "ProdCat", "Date", "O", "H", "L", "C", "MO", "MH", "ML", "MC", "EO", "EH", "EL", "EC"),
    *("AO", "AH", "AL", "AC", "Vo", "OI", "Va", "CM", "VoOA", "EmMrgnTrgDiv", "LTD", "SQD", "Settle", "CCMFlag"),
)

_INDEX = months.Cycle(months.index_settlement, 15)
_INDEX_MONTHLY = months.Cycle(months.index_settlement, 9, 3)
_SHORT = months.Cycle(months.index_settlement, 9)


@dataclass(frozen=True)
class Product:
    """A futures product.

    Attributes:
        category: ProdCat.
        number: two characters of its contract codes.
        path: underlying (derivatives_market.paths).
        cycle: contract months.
        tick: price step.
        unit: yen per point.
        open_interest: contracts open over all months, typically.
        starts: first trading day.
        carry: how the price of later months differs: dividends, reversion to a mean, or not at all.
        is_split: whether the day session has a morning.
        has_emergency: whether emergency margin is called for it.
    """

    category: str
    number: str
    path: str
    cycle: months.Cycle
    tick: float
    unit: float
    open_interest: float
    starts: date = STARTS
    carry: str = "dividends"
    is_split: bool = False
    has_emergency: bool = True


PRODUCTS = (
    Product("NK225F", "18", "nikkei", _INDEX, 10.0, 1000.0, 350_000.0),
    Product("NK225MF", "19", "nikkei", _INDEX_MONTHLY, 5.0, 100.0, 900_000.0),
    Product("NK225MCF", "2A", "nikkei", _INDEX_MONTHLY, 5.0, 10.0, 400_000.0, date(2023, 5, 29)),
    Product("TOPIXF", "05", "topix", _INDEX, 0.5, 10_000.0, 550_000.0),
    Product("TOPIXMF", "06", "topix", _SHORT, 0.25, 1000.0, 30_000.0, date(2008, 6, 16)),
    Product("JN400F", "28", "jn400", _INDEX, 5.0, 100.0, 120_000.0, date(2014, 11, 25)),
    Product("REITF", "13", "reit", _SHORT, 0.5, 1000.0, 60_000.0, date(2008, 6, 16)),
    Product("MOTF", "29", "growth", _SHORT, 1.0, 1000.0, 25_000.0, date(2016, 7, 19)),
    Product(
        "NKVIF",
        "26",
        "vi",
        months.Cycle(months.volatility_settlement, 5, 5),
        0.05,
        10_000.0,
        8_000.0,
        date(2012, 2, 27),
        carry="reversion",
    ),
    Product(
        "JGBLF",
        "01",
        "bond",
        months.Cycle(months.bond_settlement, 9),
        0.01,
        1_000_000.0,
        120_000.0,
        carry="none",
        is_split=True,
        has_emergency=False,
    ),
    Product(
        "TOA3MF",
        "44",
        "money",
        months.Cycle(months.money_settlement, 12),
        0.0025,
        250_000.0,
        20_000.0,
        date(2023, 5, 29),
        carry="none",
        has_emergency=False,
    ),
    Product(
        "USDJPYF",
        "51",
        "usd",
        months.Cycle(months.money_settlement, 9),
        0.1,
        1000.0,
        9_000.0,
        date(2026, 4, 13),
        carry="none",
        has_emergency=False,
    ),
)
"""The name of the currency product is an assumption: the documents at hand do not give it."""

MEAN_VOLATILITY, REVERSION_DAYS = 22.0, 90.0


def day_rows(market: Market, day: date, now: datetime) -> DayRows:
    """Rows of every contract that trades on a session, in the order of products and months."""
    place = place_of(market, day)
    if place is None or not printed.is_published(day, now):
        return []
    parts = [_columns(market, place, product, None) for product in PRODUCTS if product.starts <= day]
    if place == emergency_place(market):
        parts += [
            _columns(market, place, product, _moment(paths(market)[product.path][place]))
            for product in PRODUCTS
            if product.starts <= day and product.has_emergency
        ]
    return printed.as_rows(printed.stacked(parts), KEYS, day)


def carried(product: Product, underlying: float, years: Floats, day: date) -> Floats:
    """Fair futures prices, shape [contracts]."""
    if product.carry == "dividends":
        return np.asarray(underlying * np.exp((rate_on(day) - DIVIDEND_YIELD) * years))
    if product.carry == "reversion":
        pull = 1.0 - np.exp(-years * DAYS_IN_YEAR / REVERSION_DAYS)
        return np.asarray(underlying + (MEAN_VOLATILITY - underlying) * pull)
    return np.asarray(underlying * np.ones_like(years))


def _columns(market: Market, place: int, product: Product, moment: float | None) -> printed.Columns:
    """Columns of a product's contracts; with a `moment`, as valued at that price of the underlying."""
    day, bars = market.sessions[place], paths(market)[product.path]
    listed = months.expiries(product.cycle, day)
    n = len(listed)
    years = np.array([(expiry.end - day).days for expiry in listed]) / DAYS_IN_YEAR
    left = np.array([(expiry.last - day).days for expiry in listed], dtype=np.float64)
    rng = stream(market.config.seed, "futures", product.category, place)
    draws = rng.random((5, n))
    tick = np.full(n, product.tick)
    today = [carried(product, float(bars[place, column]), years, day) for column in range(4)]
    earlier = carried(product, float(bars[max(place - 1, 0), 3]), years, day)
    prices = printed.DayPrices(earlier, today[0], today[1], today[2], today[3], tick)
    share = _share(left)
    open_interest = np.rint(product.open_interest * share * _activity(place) * np.exp(0.02 * draws[3]))
    volume = np.rint(0.4 * product.open_interest * share**1.5 * np.exp(0.6 * draws[4] - 0.3))
    traded = volume >= 1.0
    columns = printed.session_bars(prices, traded, draws[:3], is_split=np.full(n, product.is_split))
    printed.without_night(columns, np.array([expiry.listed == day for expiry in listed]))
    value = carried(product, float(bars[place, 3]) if moment is None else moment, years, day)
    central = next((number for number, expiry in enumerate(listed) if expiry.last > day), 0)
    return columns | {
        "Code": [f"16{expiry.stamp}00{product.number}" for expiry in listed],
        "ProdCat": [product.category] * n,
        "Date": [day.isoformat()] * n,
        "Vo": volume,
        "OI": np.where(left > 0.0, open_interest, np.rint(0.3 * open_interest)),
        "Va": np.where(traded, np.rint(volume * product.unit * 0.5 * (columns["H"] + columns["L"])), 0.0),
        "CM": [expiry.label for expiry in listed],
        "VoOA": np.rint(0.96 * volume),
        "EmMrgnTrgDiv": [printed.NORMAL if moment is None else printed.TRIGGERED] * n,
        "LTD": [expiry.last.isoformat() for expiry in listed],
        "SQD": [expiry.settled.isoformat() if expiry.settled else "" for expiry in listed],
        "Settle": printed.to_tick(value, tick),
        "CCMFlag": ["1" if number == central else "0" for number in range(n)],
    }


def _share(left: Floats) -> Floats:
    """Share of each month in a product's open interest; days up to the last trading day, nearest month first."""
    stays = np.clip((left[:1] - 1.0) / ROLL_DAYS, 0.02, 1.0)
    steady = 0.95 * 0.05 ** np.arange(len(left), dtype=np.float64)
    moved: npt.NDArray[np.float64] = steady.copy()
    moved[0] = steady[0] * stays[0]
    if len(left) > 1:
        moved[1] += steady[0] * (1.0 - stays[0])
    return np.asarray(moved / moved.sum())


def _activity(place: int) -> float:
    """Slow breathing of open interest."""
    return float(np.exp(0.08 * np.sin(place / 37.0) + 0.05 * np.sin(place / 11.0)))


def _moment(bar: Floats) -> float:
    """Price at which emergency margin was called: half way to the extreme of the session."""
    extreme = bar[2] if bar[3] < bar[0] else bar[1]
    return float(0.5 * (bar[0] + extreme))


BOOK = Book(
    "/derivatives/bars/daily/futures",
    "premium",
    STARTS,
    day_rows,
    code_key="",
    filters={"category": "ProdCat", "contract_flag": "CCMFlag"},
    needs_one_of=("date",),
    has_range=False,
    keys=KEYS,
    version=printed.version,
)
