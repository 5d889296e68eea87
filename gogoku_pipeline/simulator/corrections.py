"""Corrections: published values that the publisher changes in place, without a marker, from an instant on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

Row = dict[str, Any]


@dataclass(frozen=True)
class Correction:
    """A change of published rows.

    Attributes:
        path: endpoint, e.g. `/equities/bars/daily`.
        day: event day of the rows.
        match: response keys and values that select rows, e.g. {"Code": "72030"}; empty for all of the day.
        column: response key that changes.
        value: its new value.
        at: instant from which it is served, aware.
        change: `value` replaces a value, `removed` takes the rows away, `added` adds `row`.
        row: the row that is added.
    """

    path: str
    day: date
    match: Mapping[str, str]
    column: str
    value: Any
    at: datetime
    change: Literal["value", "removed", "added"] = "value"
    row: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, rows: list[Row], event: str) -> list[Row]:
        """The rows after the change; rows of other event days stay as they are."""
        if self.change == "added":
            return [*rows, dict(self.row)]
        if self.change == "removed":
            return [row for row in rows if not self._selects(row, event)]
        return [{**row, self.column: self.value} if self._selects(row, event) else row for row in rows]

    def _selects(self, row: Row, event: str) -> bool:
        is_of_day = row.get(event, self.day.isoformat()) == self.day.isoformat()
        return is_of_day and all(row.get(key) == value for key, value in self.match.items())


class Corrections:
    """All corrections of a server, in the order in which they were made; more may come while it runs."""

    def __init__(self, made: Sequence[Correction] = ()) -> None:
        self._made = list(made)

    def add(self, correction: Correction) -> None:
        """One more."""
        self._made.append(correction)

    def due(self, path: str, days: tuple[date, date], now: datetime) -> list[Correction]:
        """Corrections of a range of event days that are served by now."""
        first, last = days
        return [made for made in self._made if made.path == path and first <= made.day <= last and made.at <= now]

    def count(self, path: str, day: date, now: datetime) -> int:
        """How many corrections of a day are served by now."""
        return len(self.due(path, (day, day), now))

    @staticmethod
    def applied(due: Sequence[Correction], rows: list[Row], event: str) -> list[Row]:
        """Rows after corrections."""
        for correction in due:
            rows = correction.apply(rows, event)
        return rows
