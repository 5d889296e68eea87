"""From arrays by stock to a table by session: which rows are put out, and where each one goes.

Belongs here: the order of the output and the cast to Float32. Does not belong here: values (`engine`).
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.axes import StockAxis
from gogoku_pipeline.features.expressions import Claims, Floats, Values, Whole

Places = npt.NDArray[np.uint32]


def output_rows(axis: StockAxis, start: date, end: date) -> Whole:
    """[rows] place of each row in the output, by session and code; -1 for gaps and rows outside the range."""
    first, last = (day.toordinal() - date(1970, 1, 1).toordinal() for day in (start, end))
    days = axis.sessions[axis.place]
    wanted = ~axis.is_gap & (days >= first) & (days <= last)
    return np.asarray(order_by_place(axis.place, wanted, axis.sessions.size), dtype=np.int64)


@compiled
def order_by_place(place: Whole, wanted: Claims, sessions: int) -> Whole:
    """Place of each wanted row in an order by session, then by row; -1 for the others."""
    fill = np.zeros(sessions + 1, np.int64)
    for i in range(place.size):
        if wanted[i]:
            fill[place[i] + 1] += 1
    for k in range(sessions):
        fill[k + 1] += fill[k]
    out = np.full(place.size, np.int64(-1))
    for i in range(place.size):
        if wanted[i]:
            out[i] = fill[place[i]]
            fill[place[i]] += 1
    return out


@compiled
def in_output_order(out_row: Whole, place: Whole) -> Whole:
    """Rows that are put out, by session and then by row, so that writing runs forward through memory."""
    low = place[0] if place.size else 0
    high = low
    for i in range(place.size):
        low, high = min(low, place[i]), max(high, place[i])
    fill = np.zeros(high - low + 2, np.int64)
    for i in range(place.size):
        if out_row[i] >= 0:
            fill[place[i] - low + 1] += 1
    for k in range(fill.size - 1):
        fill[k + 1] += fill[k]
    out = np.empty(fill[-1], np.int64)
    for i in range(place.size):
        if out_row[i] >= 0:
            out[fill[place[i] - low]] = i
            fill[place[i] - low] += 1
    return out


FIRST = np.zeros(1, np.int64)
"""The only row of values that stand alone."""


LINE = 16
"""Cells of the output that come into the cache together."""


class Order(NamedTuple):
    """Rows that are put out and the place of each, in any order; made once for many columns.

    Attributes:
        rows: of the values; targets: where they go; lines: one target of every LINE of them.
    """

    rows: Places
    targets: Places
    lines: Places


def order_of_block(out_row: Whole) -> Order:
    """The rows of a few stocks in their own order: neighbours in the output follow each other soon enough."""
    rows = np.flatnonzero(out_row >= 0)
    targets = out_row[rows].astype(np.uint32)
    return Order(rows.astype(np.uint32), targets, np.asarray(lines_of(targets), dtype=np.uint32))


@compiled
def lines_of(targets: Places) -> Places:
    """The first of the targets that share a line."""
    last = 0
    for i in range(targets.size):
        last = max(last, targets[i])
    known, out, many = np.zeros(last // LINE + 1, np.bool_), np.empty(targets.size, np.uint32), 0
    for i in range(targets.size):
        if not known[targets[i] // LINE]:
            known[targets[i] // LINE] = True
            out[many] = targets[i]
            many += 1
    return out[:many].copy()


@compiled
def put(values: Values, slots: Whole, order: Order, out: Floats, columns: Whole) -> float:
    """Write rows `slots` of values [slots, rows] to rows `columns` of the Float32 output [columns, rows put out].

    What is not finite becomes NaN, the null of arrays. Every line of the output is looked at before it is written to:
    looks do not wait for each other, as writes do. Returns their sum, which means nothing and makes them happen.
    """
    rows, targets, lines, looked = order.rows, order.targets, order.lines, np.float32(0)
    for k in range(slots.size):
        value, column = values[slots[k]], out[columns[k]]
        for i in range(lines.size):
            looked += column[lines[i]]
        for i in range(rows.size):
            single = np.float32(value[rows[i]])
            column[targets[i]] = single if abs(single) < np.inf else np.float32(np.nan)
    return float(looked)


def nullable(name: str, values: Floats) -> pl.Series:
    """A column over these very numbers, null where one is NaN; the array is not copied and must not be written to."""
    seen = np.packbits(values == values, bitorder="little")
    buffers = [pa.py_buffer(seen), pa.py_buffer(values)]
    return pl.Series(name, pa.Array.from_buffers(pa.float32(), values.size, buffers))


@compiled
def finite(values: Values) -> Values:
    """Values, NaN where one is not finite."""
    out = np.empty(values.size)
    for i in range(values.size):
        out[i] = values[i] if abs(values[i]) < np.inf else np.nan
    return out


@compiled
def observed_often(values: Values, observed: Values, least: int) -> Values:
    """Values, NaN where one is not finite or has fewer observations than `least`."""
    out = np.empty(values.size)
    for i in range(values.size):
        good = (abs(values[i]) < np.inf) & (observed[i] >= least)
        out[i] = values[i] if good else np.nan
    return out
