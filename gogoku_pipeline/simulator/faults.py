"""Faults on request: what can go wrong on the wire or in the data, declared as values.

A fault says when it strikes (`When`) and what it does. Wire faults replace or damage the answer; data faults change
rows before they are cut into pages. `FaultPlan` counts how often each struck.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gogoku_pipeline.core.seeds import stream

Row = dict[str, Any]


@dataclass(frozen=True)
class When:
    """Which requests a fault strikes; every condition given must hold.

    Attributes:
        requests: request numbers (from 1, as the server counts them); empty for any.
        path: e.g. `/equities/bars/daily`; empty for any.
        day: the day asked for (`date`, or `disc_date` of short positions); None for any.
        key: part of the bulk key that is asked for or downloaded; empty for any.
        from_page: first page of a query that is struck.
        to_page: last page that is struck; None for no end.
        times: how often at most; None for always.
    """

    requests: frozenset[int] = frozenset()
    path: str = ""
    day: date | None = None
    key: str = ""
    from_page: int = 1
    to_page: int | None = None
    times: int | None = 1

    def holds(self, number: int, path: str, params: Mapping[str, str], page: int) -> bool:
        """Whether the conditions hold (how often it struck before is not looked at)."""
        asked = params.get("date", params.get("disc_date", "")).replace("-", "")
        return (
            (not self.requests or number in self.requests)
            and (not self.path or path == self.path)
            and (self.day is None or asked == self.day.strftime("%Y%m%d"))
            and self.key in params.get("key", "")
            and self.from_page <= page
            and (self.to_page is None or page <= self.to_page)
        )


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong."""

    when: When = field(default_factory=When)


@dataclass(frozen=True)
class ServerFailure(Fault):
    """500 (or another status) with a message in the service's JSON; empty for its words of a 500."""

    status: int = 500
    message: str = ""


@dataclass(frozen=True)
class GatewayPage(Fault):
    """A gateway's HTML page instead of JSON."""

    status: int = 502


@dataclass(frozen=True)
class TooManyRequests(Fault):
    """429 although the rate was kept."""


@dataclass(frozen=True)
class RateStorm(TooManyRequests):
    """429 as often as `when.times` says, and with the last one the key is shut out for five minutes."""


@dataclass(frozen=True)
class KeyRevoked(Fault):
    """From this request on the key of the request is unknown."""


@dataclass(frozen=True)
class PlanChanged(Fault):
    """From this request on the key of the request has another plan."""

    plan: str = "free"


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


WIRE_FAULTS: tuple[Fault, ...] = (
    ServerFailure(),
    GatewayPage(),
    TooManyRequests(),
    SlowAnswer(),
    TruncatedBody(),
    ConnectionReset(),
)
"""One of every kind of wire fault."""


@dataclass(frozen=True)
class FaultRate(Fault):
    """A share of all requests is struck by a fault of a random kind; a seed decides which requests and kinds.

    Attributes:
        share: part of the requests that are struck, 0 to 1.
        kinds: what may strike, each as often as the others.
        seed: equal seeds strike the same request numbers in the same way.
    """

    when: When = field(default_factory=lambda: When(times=None))
    share: float = 0.05
    kinds: tuple[Fault, ...] = WIRE_FAULTS
    seed: int = 0

    def pick(self, number: int) -> Fault | None:
        """The fault that strikes a request, None for none."""
        strike, kind = stream(self.seed, "fault rate", number).random(2)
        return self.kinds[int(kind * len(self.kinds))] if strike < self.share else None


class FaultPlan:
    """Faults in the order they are tried, and how often each struck.

    Args:
        faults: every fault whose `when` holds strikes, in this order.

    Attributes:
        struck: how often each of them struck, in the same order.
        by_kind: how often each kind struck, by its class name; a rate's strikes count under the kind it picked.
    """

    def __init__(self, *faults: Fault) -> None:
        self._faults = faults
        self.struck = [0] * len(faults)
        self.by_kind: Counter[str] = Counter()

    def striking(self, number: int, path: str, params: Mapping[str, str], page: int) -> list[Fault]:
        """The faults that strike a request; counts them."""
        found: list[Fault] = []
        for place, fault in enumerate(self._faults):
            is_left = fault.when.times is None or self.struck[place] < fault.when.times
            if not is_left or not fault.when.holds(number, path, params, page):
                continue
            strike = fault.pick(number) if isinstance(fault, FaultRate) else fault
            if strike is not None:
                self.struck[place] += 1
                self.by_kind[type(strike).__name__] += 1
                found.append(strike)
        return found

    def is_spent(self, fault: Fault) -> bool:
        """Whether a fault has struck as often as it may."""
        return any(
            one is fault and fault.when.times is not None and count >= fault.when.times
            for one, count in zip(self._faults, self.struck, strict=True)
        )
