"""From arrays by stock to a table by session: which rows are put out, and where each one goes.

Belongs here: the order of the output and the cast to Float32. Does not belong here: values (`engine`).
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np

from gogoku_pipeline.features.axes import StockAxis
from gogoku_pipeline.features.expressions import Claims, Floats, Values, Whole
from gogoku_pipeline.features.operators.windows import compiled


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


class Order(NamedTuple):
    """Rows that are put out, in the order of the output, and the place of each; made once for many columns."""

    rows: Whole
    targets: Whole


def order_of(out_row: Whole, place: Whole) -> Order:
    """The order of some rows, as `in_output_order`, with their places."""
    rows = in_output_order(out_row, place)
    return Order(rows, out_row[rows])


@compiled
def put(values: Values, order: Order, out: Floats) -> None:
    """Write rows into the Float32 output; what is not finite becomes NaN, the null of arrays."""
    rows, targets = order.rows.view(np.uint64), order.targets.view(np.uint64)
    for i in range(rows.size):
        value = np.float32(values[rows[i]])
        out[targets[i]] = value if np.isfinite(value) else np.float32(np.nan)


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


@compiled
def emit(values: Values, order: Whole, out_row: Whole, out: Floats) -> None:
    """Write rows into the Float32 output; what is not finite becomes NaN, the null of arrays."""
    targets = out_row.view(np.uint64)
    for i in order.view(np.uint64):
        value = np.float32(values[i])
        out[targets[i]] = value if np.isfinite(value) else np.float32(np.nan)
