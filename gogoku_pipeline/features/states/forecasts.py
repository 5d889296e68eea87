"""What a company has forecast, target year by target year, as its documents became usable one after the other.

Belongs here: the book of one company. Does not belong here: reading documents (`documents`), the state (`guidance`).

A correction takes the place of the document it corrects: it is no new forecast and confirms nothing. What is said on
one day counts once, so results and a notice of the same revision do not hide the forecast before them. Results that
leave a figure open, on a day on which nothing else states it, withdraw it; other documents speak only where they print
a number.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import groupby

UNKNOWN = float("nan")


@dataclass
class Said:
    """One document's forecast for a year.

    Attributes:
        order, day, number: rank by disclosure, day, and session from which it was usable, of the first version.
        version: rank of the version in force; values: its figures, NaN for blank.
        is_results: whether a blank withdraws what was said before.
    """

    order: int
    day: int
    number: int
    version: int
    values: tuple[float, ...]
    is_results: bool = False

    @property
    def is_blank(self) -> bool:
        """Whether it states no figure at all."""
        return all(value != value for value in self.values)


@dataclass(frozen=True)
class Newest:
    """The newest figure for a year.

    Attributes:
        value: the figure; before: the newest one of an earlier day; number: session from which `value` was usable.
    """

    value: float
    before: float
    number: float


NOTHING = Newest(UNKNOWN, UNKNOWN, UNKNOWN)


class ForecastBook:
    """Forecasts of one company by target year (any integer that grows with time, e.g. a day number)."""

    def __init__(self) -> None:
        self._years: dict[int, dict[Hashable, Said]] = {}
        self._latest: dict[int, int] = {}

    def tell(self, target: int, slot: Hashable, said: Said) -> None:
        """Take a document; `slot` names it, and a correction of it by the same name."""
        if said.is_blank and (target not in self._years or not said.is_results):
            return
        slots = self._years.setdefault(target, {})
        held = slots.get(slot)
        if held is None:
            slots[slot] = said
            self._latest[target] = max(said.order, self._latest.get(target, -1))
        elif said.version > held.version and not said.is_blank:
            held.version, held.values = said.version, said.values

    def running(self, after: int) -> int | None:
        """The year the newest document speaks of, among years that end after `after`; None for none."""
        years = [(order, target) for target, order in self._latest.items() if target > after]
        return max(years)[1] if years else None

    def told(self, target: int) -> float:
        """Session from which the newest forecast of a year was usable."""
        return float(max(said.number for said in self._years[target].values() if not said.is_blank))

    def days(self, target: int | None) -> list[list[Said]]:
        """What was said about a year, one list per day, newest day and newest document first."""
        slots = self._years.get(target, {}) if target is not None else {}
        return [list(day) for _, day in groupby(sorted(slots.values(), key=_by_order, reverse=True), key=_by_day)]


def newest(days: list[list[Said]], item: int) -> Newest:
    """The figure that the newest day states, and the one of an earlier day; `days` of `ForecastBook.days`."""
    value, number = UNKNOWN, UNKNOWN
    for said in days:
        stated = [one for one in said if one.values[item] == one.values[item]]
        if stated and value == value:
            return Newest(value, stated[0].values[item], number)
        if stated:
            value = stated[0].values[item]
            number = float(min(one.number for one in stated if one.values[item] == value))
        elif value != value and any(one.is_results for one in said):
            return NOTHING
    return Newest(value, UNKNOWN, number) if value == value else NOTHING


def _by_order(said: Said) -> int:
    return said.order


def _by_day(said: Said) -> int:
    return said.day
