"""Staged prices in, the table of 158 columns out.

Stocks are taken a few at a time: their columns are made one stock after the other and then written by session, so
that neighbouring codes of a session fill whole lines of memory.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.alpha158.bars import Bars
from gogoku_pipeline.features.alpha158.chains import PAD
from gogoku_pipeline.features.alpha158.names import NAMES
from gogoku_pipeline.features.alpha158.stock import stock_columns
from gogoku_pipeline.features.axes import StockAxis, build_axis
from gogoku_pipeline.features.expressions import Floats, Values, Whole
from gogoku_pipeline.features.inputs import TOPIX_COLUMNS, UNIVERSE_COLUMNS, FeatureInputs
from gogoku_pipeline.features.output import in_output_order, order_by_place

Places = npt.NDArray[np.uint32]

TILE = 16
"""Stocks per tile: their values of one session fill a line of memory."""


def alpha158(prices: pl.DataFrame) -> pl.DataFrame:
    """The 158 columns of qlib's Alpha158 for every stock and session.

    A session without a trade (no close, or a volume of 0) is a suspended day of qlib: all its inputs are null. `vwap`
    is yen turnover over shares, brought to the basis of the other prices. A value of t needs no later row and at most
    60 sessions before it.

    Args:
        prices: `tables.stage_prices` (STAGED_SCHEMA), any row order.

    Returns:
        [session, code, 158 columns Float32], one row per row of `prices` that is no gap, sorted by session and code.

    Raises:
        SchemaError: a column is missing.
        DataError: a stock's sessions are doubled or not consecutive.
    """
    nothing = pl.DataFrame(schema=dict.fromkeys(UNIVERSE_COLUMNS, pl.String))
    index = pl.DataFrame(schema=dict.fromkeys(TOPIX_COLUMNS, pl.Date))
    axis = build_axis(FeatureInputs(prices, nothing, index))
    out_row = order_by_place(axis.place, ~axis.is_gap, axis.sessions.size)
    values = np.empty((len(NAMES), int((out_row >= 0).sum())), np.float32)
    fill_tiles(_bars(axis), axis.starts, axis.place, out_row, values)
    order = np.empty(values.shape[1], np.int64)
    kept = np.flatnonzero(out_row >= 0)
    order[out_row[kept]] = kept
    columns = {
        "session": pl.Series("session", axis.sessions[axis.place[order]].astype(np.int32)).cast(pl.Date),
        "code": axis.codes.gather(axis.code_id[order]).alias("code"),
    }
    for name, column in zip(NAMES, values, strict=True):
        columns[name] = pl.Series(name, column, nan_to_null=True)
    return pl.DataFrame(columns)


def _bars(axis: StockAxis) -> Bars:
    """Open, high, low, close, volume and vwap by stock, NaN on sessions without a trade."""
    shares = axis.price("volume_shares")
    with np.errstate(all="ignore"):
        vwap = axis.price("turnover") / shares / axis.price("factor")
    o, h, low, c, volume = (axis.price(name) for name in ("open", "high", "low", "close", "volume"))
    return Bars(o, h, low, c, volume, vwap)


@compiled
def fill_tiles(bars: Bars, starts: Whole, place: Whole, out_row: Whole, out: Floats) -> None:
    """Fill [158, output rows], a few stocks at a time."""
    stocks = starts.size - 1
    widest = 0
    for u in range(0, stocks, TILE):
        widest = max(widest, starts[min(u + TILE, stocks)] - starts[u])
    memory = np.empty(out.shape[0] * widest, np.float32)
    for u in range(0, stocks, TILE):
        a, b = starts[u], starts[min(u + TILE, stocks)]
        tile = memory[: out.shape[0] * (b - a)].reshape(out.shape[0], b - a)
        for stock in range(u, min(u + TILE, stocks)):
            low, high = starts[stock], starts[stock + 1]
            stock_columns(padded_bars(bars, low, high), tile[:, low - a : high - a])
        rows = in_output_order(out_row[a:b], place[a:b])
        sources, targets = rows.astype(np.uint32), out_row[a:b][rows].astype(np.uint32)
        for column in range(out.shape[0]):
            write(tile[column], sources, targets, out[column])


@compiled
def write(values: Floats, rows: Places, targets: Places, out: Floats) -> None:
    """Write values to their places; what is not finite becomes NaN."""
    for i in range(values.size):
        values[i] = values[i] if abs(values[i]) < np.inf else np.float32(np.nan)
    for i in range(rows.size):
        out[targets[i]] = values[rows[i]]


@compiled
def padded_bars(bars: Bars, low: int, high: int) -> Bars:
    """Rows low .. high-1 behind PAD empty places; a session without a close or a volume is empty throughout."""
    return Bars(
        padded(bars.open, bars, low, high),
        padded(bars.high, bars, low, high),
        padded(bars.low, bars, low, high),
        padded(bars.close, bars, low, high),
        padded(bars.volume, bars, low, high),
        padded(bars.vwap, bars, low, high),
    )


@compiled
def padded(x: Values, bars: Bars, low: int, high: int) -> Values:
    """One input of a stock behind PAD empty places."""
    out = np.full(PAD + high - low, np.nan)
    for t in range(low, high):
        if bars.close[t] == bars.close[t] and bars.volume[t] > 0.0:
            out[PAD + t - low] = x[t]
    return out
