"""/derivatives/bars/daily/options: all options, monthly and weekly, on indices, bonds and single shares.

Weekly contracts have a contract month YYYY-WW; those of category NK225E come from 2015-05-25, the mini ones (NK225MWE)
from 2023-05-29. Single-share options (EQOP) name their underlying in UndSSO, everything else has "-" there. Out at
03:00 of the next calendar day. Source: API reference 2.19.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from gogoku_pipeline.simulator.book import Book, DayRows
from gogoku_pipeline.simulator.books import derivatives_calendar as months
from gogoku_pipeline.simulator.books import derivatives_rows as printed
from gogoku_pipeline.simulator.books.derivatives_market import Floats, Surface, paths, stock_path, surface_of
from gogoku_pipeline.simulator.books.derivatives_options import OptionClass, day_columns
from gogoku_pipeline.simulator.books.derivatives_strikes import StrikeGrid
from gogoku_pipeline.simulator.books.index_options import NIKKEI
from gogoku_pipeline.simulator.ledgers_release import place_of
from gogoku_pipeline.simulator.once import once_per_market

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

KEYS = (
    *("Code", "ProdCat", "UndSSO", "Date", "O", "H", "L", "C", "MO", "MH", "ML", "MC", "EO", "EH", "EL", "EC"),
    *("AO", "AH", "AL", "AC", "Vo", "OI", "Va", "CM", "Strike", "VoOA", "EmMrgnTrgDiv", "PCDiv", "LTD", "SQD"),
    *("Settle", "Theo", "BaseVol", "UnderPx", "IV", "IR", "CCMFlag"),
)

SINGLE_SHARES = 4
_SERIAL = partial(months.expiries, months.Cycle(months.index_settlement, 6, 2))


def _bond_surface(market: Market, place: int) -> Surface:
    return Surface(0.028, 0.002, 0.002)


WEEKLY = OptionClass(
    "NK225E",
    "78",
    months.weekly_expiries,
    StrikeGrid(125.0, reach=0.08),
    surface_of,
    1000.0,
    250.0,
    starts=date(2015, 5, 25),
)
WEEKLY_MINI = OptionClass(
    "NK225MWE",
    "68",
    months.weekly_expiries,
    StrikeGrid(125.0, reach=0.08),
    surface_of,
    100.0,
    400.0,
    starts=date(2023, 5, 29),
)
TOPIX_OPTIONS = OptionClass(
    "TOPIXE",
    "05",
    _SERIAL,
    StrikeGrid(25.0, share=0.012, reach=0.15, wider=1.5),
    surface_of,
    10_000.0,
    60.0,
    tick=(0.1, 0.5),
    tick_from=20.0,
)
BOND_OPTIONS = OptionClass(
    "JGBLFE",
    "01",
    partial(months.expiries, months.Cycle(months.bond_settlement, 6, 2)),
    StrikeGrid(0.5, share=0.002, reach=0.03, wider=1.0),
    _bond_surface,
    1_000_000.0,
    150.0,
    tick=(0.01, 0.01),
    is_split=True,
    has_emergency=False,
)


@once_per_market
def single_shares(market: Market) -> tuple[tuple[OptionClass, Floats], ...]:
    """Options on the most traded issues that are listed throughout and never split, with the bars of each."""
    listings, exposures = market.listings, market.exposures
    steady = listings.is_stock & (listings.first == 0) & (listings.last == len(market.sessions) - 1)
    steady[[event.issue for event in market.splits]] = False
    ranking = np.argsort(np.where(steady, -(exposures.log_turnover + np.log(listings.shares)), np.inf), kind="stable")
    chosen = np.sort(ranking[: min(SINGLE_SHARES, int(steady.sum()))]).tolist()
    return tuple((_single(market, issue, number), stock_path(market, issue)) for number, issue in enumerate(chosen))


def _single(market: Market, issue: int, number: int) -> OptionClass:
    """Options on one issue: strikes about 2.5 % of the price apart."""
    level = 16.0 * float(np.hypot(market.exposures.own_vol[issue], market.exposures.group_vol[issue]))
    step = float(10.0 ** np.floor(np.log10(market.exposures.start_price[issue] / 20.0)))
    return OptionClass(
        "EQOP",
        f"E{number}",
        partial(months.expiries, months.Cycle(months.index_settlement, 3, 1)),
        StrikeGrid(step, share=0.025, wider=1.0),
        lambda market, place: Surface(max(level, 0.1), 0.02, 0.0),
        100.0,
        20.0,
        tick=(0.1, 0.5),
        tick_from=50.0,
        underlying=market.codes[issue],
    )


def day_rows(market: Market, day: date, now: datetime) -> DayRows:
    """Rows of every option that trades on a session, class by class, by expiry and strike, puts before calls."""
    place = place_of(market, day)
    if place is None or not printed.is_published(day, now):
        return []
    found, bars = [], paths(market)
    for kind, path in ((NIKKEI, "nikkei"), (WEEKLY, "nikkei"), (WEEKLY_MINI, "nikkei"), (TOPIX_OPTIONS, "topix")):
        found += day_columns(market, place, kind, bars[path])
    found += day_columns(market, place, BOND_OPTIONS, bars["bond"])
    for kind, own in single_shares(market):
        found += day_columns(market, place, kind, own)
    return printed.as_rows(printed.stacked(found), KEYS, day)


BOOK = Book(
    "/derivatives/bars/daily/options",
    "premium",
    date(2008, 5, 7),
    day_rows,
    code_key="",
    filters={"category": "ProdCat", "contract_flag": "CCMFlag"},
    needs_one_of=("date",),
    has_range=False,
    keys=KEYS,
    version=printed.version,
)
