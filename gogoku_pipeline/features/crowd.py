"""Rows session after session instead of stock after stock, and who is compared with whom on each session.

Belongs here: where a row lies, the order of rows, moving columns into it and back, groups within a session. Does not
belong here: what is compared (`operators.cross_section`), evaluation (`evaluation`, `days`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Claims, Values, Whole
from gogoku_pipeline.features.operators.ordering import Places


@dataclass(frozen=True)
class SessionOrder:
    """Rows by session, then by code.

    Attributes:
        rows: [rows] the rows in this order; first: [sessions + 1] where each session begins.
    """

    rows: Places
    first: Whole

    @classmethod
    def of(cls, place: Whole, sessions: int) -> SessionOrder:
        """The order of rows that come by code, from the number of the session of each."""
        return cls(*_by_session(place, sessions))


@dataclass(frozen=True)
class Crowd:
    """The members of U on each session, in groups.

    Attributes:
        order: rows session after session.
        group: [rows, in this order] number of the row's group; -1 for rows outside U or without a group.
        groups: how many groups a session has.
    """

    order: SessionOrder
    group: Places
    groups: int

    @classmethod
    def of(cls, order: SessionOrder, member: Claims, cell: Whole, cells: int) -> Crowd:
        """Members in cells: group times sessions plus session, -1 for none; as many cells as sessions are no groups."""
        sessions = max(order.first.size - 1, 1)
        return cls(order, _groups(order.rows, member, cell, sessions), max(cells // sessions, 1))

    def compared(self, kernel: Callable[..., Any], x: Values) -> Values:
        """[rows by code] each member's value of a comparison, from x [rows by code]."""
        found = kernel(taken_in_order(x, self.order.rows), self.order.first, self.group, self.groups)
        out = np.empty(x.size)
        out[self.order.rows] = found
        return out

    def reduced(self, kernel: Callable[..., Any], x: Values) -> Values:
        """[groups * sessions] one value of each group on each session, a group's sessions in one piece."""
        found = kernel(taken_in_order(x, self.order.rows), self.order.first, self.group, self.groups)
        return np.ascontiguousarray(found.reshape(-1, self.groups).T).reshape(-1)


@compiled
def _by_session(place: Whole, sessions: int) -> tuple[Places, Whole]:
    first = np.zeros(sessions + 1, np.int64)
    for i in range(place.size):
        first[place[i] + 1] += 1
    for k in range(sessions):
        first[k + 1] += first[k]
    fill, rows = first.copy(), np.empty(place.size, np.int32)
    for i in range(place.size):
        rows[fill[place[i]]] = i
        fill[place[i]] += 1
    return rows, first


@compiled
def _groups(rows: Places, member: Claims, cell: Whole, sessions: int) -> Places:
    group = np.empty(rows.size, np.int32)
    for i in range(rows.size):
        row = rows[i]
        group[i] = cell[row] // sessions if member[row] and cell[row] >= 0 else -1
    return group


@compiled
def taken_in_order(values: Values, rows: Places) -> Values:
    """Values of some rows, in their order."""
    out = np.empty(rows.size)
    for i in range(rows.size):
        out[i] = values[rows[i]]
    return out


@compiled
def taken_where(values: Values, where: Whole, rows: Places) -> Values:
    """Values at the places that some rows name, in the order of the rows; NaN for -1."""
    out = np.empty(rows.size)
    for i in range(rows.size):
        place = where[rows[i]]
        out[i] = values[place] if place >= 0 else np.nan
    return out


@compiled
def lay_back(values: Values, rows: Places, out: Values) -> None:
    """Write the values of some rows to where the rows lie by code."""
    for i in range(rows.size):
        out[rows[i]] = values[i]


@compiled
def rows_at(ids: Whole, place: Whole, starts: Whole, first: Whole) -> Whole:
    """The row of each (code, session) by their numbers, -1 where there is none; `first` [codes] is the first place."""
    out = np.full(ids.size, np.int64(-1))
    for i in range(ids.size):
        code = ids[i]
        if code >= 0 and place[i] >= first[code]:
            row = starts[code] + place[i] - first[code]
            if row < starts[code + 1]:
                out[i] = row
    return out


@compiled
def looked_up(place: Whole, table: Whole) -> Whole:
    """What a table says at some places; -1 outside it."""
    out = np.full(place.size, np.int64(-1))
    for i in range(place.size):
        if 0 <= place[i] < table.size:
            out[i] = table[place[i]]
    return out
