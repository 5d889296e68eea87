"""Index levels: value-weighted returns of each index's constituents, chained from the first session on.

The weight of a constituent is its market value at the session's base price; only issues that trade count. Code 0000 is
the market's own index. An index without constituents in this market stands still.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.simulator.code_lists import SECTOR33
from gogoku_pipeline.simulator.once import once_per_market
from gogoku_pipeline.simulator.tide import index_weights
from gogoku_pipeline.simulator.truth import SEGMENTS_FROM

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

START = 1000.0
CORE, LARGE, MID, SMALL1, SMALL2 = (
    "TOPIX Core30",
    "TOPIX Large70",
    "TOPIX Mid400",
    "TOPIX Small 1",
    "TOPIX Small 2",
)
SIZES: dict[str, tuple[str, ...]] = {
    "0028": (CORE,),
    "0029": (LARGE,),
    "002A": (CORE, LARGE),
    "002B": (MID,),
    "002C": (CORE, LARGE, MID),
    "002D": (SMALL1, SMALL2),
    "002E": (CORE, LARGE, MID, SMALL1),
    "002F": (SMALL1,),
}
SECTIONS: dict[str, tuple[str, ...]] = {
    "0001": ("0102",),
    "0070": ("0104", "0113"),
    "0091": ("0106", "0107"),
    "0500": ("0111",),
    "0501": ("0112",),
    "0502": ("0113",),
}
REITS = ("0075", "8501", "8502", "8503")
REIT_FUND = "15550"
ALL_SIZES = (CORE, LARGE, MID, SMALL1, SMALL2, "-")
STYLES: dict[str, tuple[bool, tuple[str, ...]]] = {
    "8100": (True, ALL_SIZES),
    "812C": (True, SIZES["002C"]),
    "812D": (True, SIZES["002D"]),
    "8200": (False, ALL_SIZES),
    "822C": (False, SIZES["002C"]),
    "822D": (False, SIZES["002D"]),
}
SECTOR33_CODES = tuple(f"{0x40 + place:04X}" for place in range(33))
SECTOR17_CODES = tuple(f"{0x80 + place:04X}" for place in range(17))
CODES = tuple(sorted(["0000", "0503", *SIZES, *SECTIONS, *REITS, *STYLES, *SECTOR33_CODES, *SECTOR17_CODES]))
"""The 76 index codes of January 2026, in text order."""


@dataclass(frozen=True)
class IndexLevels:
    """Levels of every index, shape [sessions, codes, 4]: open, high, low, close, two decimals."""

    codes: tuple[str, ...]
    bars: Floats


@once_per_market
def index_levels(market: Market) -> IndexLevels:
    """Chain all indices through the market's sessions."""
    n_sessions = len(market.sessions)
    bars = np.zeros((n_sessions, len(CODES), 4))
    members = {later: _members(market, later=later) for later in (False, True)}
    level = np.full(len(CODES), START)
    price = np.round(market.exposures.start_price)
    factors: dict[int, list[tuple[int, float]]] = {event.session: [] for event in market.splits}
    for event in market.splits:
        factors[event.session].append((event.issue, event.factor))
    basis = np.ones(len(market.codes))
    for place, day in enumerate(market.sessions):
        for issue, factor in factors.get(place, []):
            basis[issue] *= factor
            price[issue] *= factor
        close, opening = market.history.close[place] / 10.0, market.history.open[place] / 10.0
        traded = close > 0
        value = np.where(traded, market.listings.shares / basis * price, 0.0)
        shares = np.where(market.listings.is_stock, value, 0.0)
        weight = np.where(market.listings.is_stock, index_weights(shares) * shares.sum(), value)
        total = members[day >= SEGMENTS_FROM] @ weight
        moves = [np.where(traded, to / price - 1.0, 0.0) * weight for to in (opening, close)]
        night, whole = (members[day >= SEGMENTS_FROM] @ move / np.maximum(total, 1.0) for move in moves)
        bars[place] = _bar(level, night, whole, total > 0)
        level = bars[place, :, 3]
        price = np.where(traded, close, price)
    bars[:, CODES.index("0000")] = market.history.topix
    return IndexLevels(CODES, bars)


def members_of(market: Market, code: str, *, later: bool) -> Flags:
    """Constituents of an index, shape [issues]; `later` means from 2022-04-04 on."""
    listings = market.listings
    stock, scale = listings.is_stock, np.array(listings.scale)
    section = np.array(listings.market_after if later else listings.market_before)
    found = stock.copy()
    if code in SIZES:
        found = stock & np.isin(scale, SIZES[code])
    elif code in SECTIONS:
        found = stock & np.isin(section, SECTIONS[code])
    elif code in REITS:
        found = np.array(listings.codes) == REIT_FUND
    elif code in STYLES:
        is_value, sizes = STYLES[code]
        found = stock & ((market.exposures.value > 0) == is_value) & np.isin(scale, sizes)
    elif code == "0503":
        found = stock & (section == ("0111" if later else "0101")) & np.isin(scale, SIZES["002C"])
        found &= market.exposures.value <= 0
    elif code in SECTOR33_CODES:
        found = stock & (listings.sector == SECTOR33_CODES.index(code))
    elif code in SECTOR17_CODES:
        wanted = str(SECTOR17_CODES.index(code) + 1)
        found = stock & np.isin(listings.sector, [place for place, row in enumerate(SECTOR33) if row[2] == wanted])
    return found


def _members(market: Market, *, later: bool) -> Floats:
    return np.stack([members_of(market, code, later=later) for code in CODES]).astype(np.float64)


def _bar(level: Floats, night: Floats, whole: Floats, is_alive: Flags) -> Floats:
    """Bars [codes, 4] of one session; indices whose constituents did not trade repeat the last close."""
    opening, close = level * (1.0 + night), level * (1.0 + whole)
    edge = 0.002 * (1.0 + np.abs(close / opening - 1.0) * 50.0)
    bar = np.stack(
        [opening, np.maximum(opening, close) * (1.0 + edge), np.minimum(opening, close) * (1.0 - edge), close], axis=1
    )
    result: Floats = np.where(is_alive[:, None], np.round(bar, 2), level[:, None])
    return result
