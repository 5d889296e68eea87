"""Faults on request: what can go wrong on the wire or in the data, declared as values.

A fault says when it strikes (`When`) and what it does. Wire faults replace or damage the answer; data faults change
rows before they are cut into pages. `FaultPlan` counts how often each struck.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class When:
    """Which requests a fault strikes; every condition given must hold.

    Attributes:
        requests: request numbers (from 1, as the server counts them); empty for any.
        path: e.g. `/equities/bars/daily`; empty for any.
        day: the `date` parameter; None for any.
        from_page: first page of a query that is struck.
        to_page: last page that is struck; None for no end.
        times: how often at most; None for always.
    """

    requests: frozenset[int] = frozenset()
    path: str = ""
    day: date | None = None
    from_page: int = 1
    to_page: int | None = None
    times: int | None = 1

    def holds(self, number: int, path: str, params: Mapping[str, str], page: int) -> bool:
        """Whether the conditions hold (how often it struck before is not looked at)."""
        asked = params.get("date", "").replace("-", "")
        return (
            (not self.requests or number in self.requests)
            and (not self.path or path == self.path)
            and (self.day is None or asked == self.day.strftime("%Y%m%d"))
            and self.from_page <= page
            and (self.to_page is None or page <= self.to_page)
        )


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong."""

    when: When = field(default_factory=When)


@dataclass(frozen=True)
class ServerFailure(Fault):
    """500 (or another 5xx) with the service's JSON message."""

    status: int = 500


@dataclass(frozen=True)
class GatewayPage(Fault):
    """A gateway's HTML page instead of JSON."""

    status: int = 502


@dataclass(frozen=True)
class TooManyRequests(Fault):
    """429 although the rate was kept."""


@dataclass(frozen=True)
class SlowAnswer(Fault):
    """The answer waits that many seconds of the rate clock."""

    seconds: float = 5.0


@dataclass(frozen=True)
class TruncatedBody(Fault):
    """The connection closes after a share of the promised bytes."""

    share: float = 0.5


@dataclass(frozen=True)
class ConnectionReset(Fault):
    """The connection is torn down without an answer."""


@dataclass(frozen=True)
class DataFault(Fault, ABC):
    """Rows that are not what they should be."""

    @abstractmethod
    def apply(self, rows: list[Row]) -> list[Row]:
        """The damaged rows."""


@dataclass(frozen=True)
class MissingColumn(DataFault):
    """A key is absent from every row."""

    column: str = "C"

    def apply(self, rows: list[Row]) -> list[Row]:
        """Drop the key."""
        return [{key: value for key, value in row.items() if key != self.column} for row in rows]


@dataclass(frozen=True)
class RenamedColumn(DataFault):
    """A key has another name in every row."""

    column: str = "C"
    new_name: str = "Close"

    def apply(self, rows: list[Row]) -> list[Row]:
        """Rename the key."""
        return [{self.new_name if key == self.column else key: value for key, value in row.items()} for row in rows]


@dataclass(frozen=True)
class ExtraColumn(DataFault):
    """A key nobody has heard of in every row."""

    column: str = "NewField"
    value: Any = 1.0

    def apply(self, rows: list[Row]) -> list[Row]:
        """Add the key."""
        return [{**row, self.column: self.value} for row in rows]


@dataclass(frozen=True)
class ChangedValue(DataFault):
    """A value replaced in some rows: text in a number, a null, a revision between two pages."""

    column: str = "C"
    value: Any = None
    first_row: int = 0
    n_rows: int | None = 1

    def apply(self, rows: list[Row]) -> list[Row]:
        """Replace the value in rows [first_row, first_row + n_rows); n_rows None means all further ones."""
        stop = len(rows) if self.n_rows is None else self.first_row + self.n_rows
        return [
            {**row, self.column: self.value} if self.first_row <= place < stop else row
            for place, row in enumerate(rows)
        ]


@dataclass(frozen=True)
class DuplicateRows(DataFault):
    """The first rows appear twice."""

    n_rows: int = 1

    def apply(self, rows: list[Row]) -> list[Row]:
        """Repeat the first rows at the end."""
        return [*rows, *rows[: self.n_rows]]


@dataclass(frozen=True)
class DroppedRows(DataFault):
    """The first rows are gone; between two pages this shifts every later row."""

    n_rows: int = 1

    def apply(self, rows: list[Row]) -> list[Row]:
        """Leave the first rows out."""
        return rows[self.n_rows :]


@dataclass(frozen=True)
class ForeignRows(DataFault):
    """Rows of another date among those asked for."""

    other_day: date = date(2000, 1, 4)
    n_rows: int = 1

    def apply(self, rows: list[Row]) -> list[Row]:
        """Add copies of the first rows under the other date."""
        return [*rows, *({**row, "Date": self.other_day.isoformat()} for row in rows[: self.n_rows])]


@dataclass(frozen=True)
class EmptyDay(DataFault):
    """No rows on a day that has some."""

    def apply(self, rows: list[Row]) -> list[Row]:
        """Nothing."""
        return []


class FaultPlan:
    """Faults in the order they are tried, and how often each struck.

    Args:
        faults: every fault whose `when` holds strikes, in this order.
    """

    def __init__(self, *faults: Fault) -> None:
        self._faults = faults
        self.struck = [0] * len(faults)

    def striking(self, number: int, path: str, params: Mapping[str, str], page: int) -> list[Fault]:
        """The faults that strike a request; counts them."""
        found: list[Fault] = []
        for place, fault in enumerate(self._faults):
            is_left = fault.when.times is None or self.struck[place] < fault.when.times
            if is_left and fault.when.holds(number, path, params, page):
                self.struck[place] += 1
                found.append(fault)
        return found
