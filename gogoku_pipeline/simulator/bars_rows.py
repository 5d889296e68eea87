"""Daily bars as the service prints them, with adjusted values as of the serving day.

Adjusted prices are raw x cumulative factor, rounded to one decimal, half up; adjusted volumes raw / cumulative factor.
Market values are million yen, cut off below; funds and issues without a trade have none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.simulator.prints import Cells, Prints, day_prints, half_prints

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Columns = dict[str, pl.Series]

PRINT_KEYS = ("O", "H", "L", "C", "UL", "LL", "Vo", "Va")
ADJUSTED_KEYS = ("AdjO", "AdjH", "AdjL", "AdjC", "AdjVo")
SESSION_KEYS = tuple(half + key for half in "MA" for key in PRINT_KEYS + ADJUSTED_KEYS)
"""Keys of the morning and the afternoon, absent below Premium."""
BAR_KEYS = ("Date", "Code", *PRINT_KEYS, "AdjFactor", *ADJUSTED_KEYS, *SESSION_KEYS, "MktCap", "ExRT")
"""All 44 keys in the publisher's order."""


def bars_frame(market: Market, cells: Cells) -> pl.DataFrame:
    """The rows of chosen cells (at least one), the 44 keys in the publisher's order."""
    days = [market.sessions[place].isoformat() for place in range(cells.sessions[0], cells.sessions[-1] + 1)]
    columns = {
        "Date": pl.Series(days).gather(cells.sessions - cells.sessions[0]),
        "Code": pl.Series(market.codes).gather(cells.issues),
        **_columns(market, cells),
    }
    return pl.DataFrame(columns)


def _columns(market: Market, cells: Cells) -> Columns:
    """Every key but Date and Code."""
    day = day_prints(market, cells)
    columns = _print_columns("", day, cells)
    for prefix, half in zip("MA", half_prints(market, cells, day), strict=True):
        columns |= _print_columns(prefix, half, cells)
    value = market.listings.shares[cells.issues] / cells.basis * day.prices["C"] / 1e6
    columns["MktCap"] = _numbers(np.floor(value), day.traded & ~market.listings.is_fund[cells.issues])
    columns["ExRT"] = pl.Series([_kind(factor) for factor in cells.today.tolist()], dtype=pl.String)
    return columns


def _print_columns(prefix: str, prints: Prints, cells: Cells) -> Columns:
    columns: Columns = {prefix + key: _numbers(prints.prices[key], prints.traded) for key in "OHLC"}
    columns[prefix + "UL"] = _flags(prints.upper & prints.traded)
    columns[prefix + "LL"] = _flags(prints.lower & prints.traded)
    columns[prefix + "Vo"] = _numbers(prints.volume, prints.traded)
    columns[prefix + "Va"] = _numbers(prints.turnover, prints.traded)
    if not prefix:
        columns["AdjFactor"] = pl.Series(cells.today)
    for key in "OHLC":
        columns[f"{prefix}Adj{key}"] = _numbers(half_up(prints.prices[key] * cells.cumulative), prints.traded)
    columns[prefix + "AdjVo"] = _numbers(half_up(prints.volume / cells.cumulative), prints.traded)
    return columns


def half_up(values: Floats) -> Floats:
    """Rounded to one decimal, a half going up; a hair of tolerance for binary fractions."""
    return np.floor(values * 10.0 + 0.5 + 1e-7) / 10.0


def _numbers(values: Floats, present: Flags) -> pl.Series:
    """Numbers, null where absent."""
    return pl.Series(np.where(present, values, np.nan), nan_to_null=True)


def _flags(values: Flags) -> pl.Series:
    return pl.Series(values.astype(np.int8)).cast(pl.String)


def _kind(factor: float) -> str | None:
    if factor == 1.0:
        return None
    return "1" if factor < 1.0 else "2"
