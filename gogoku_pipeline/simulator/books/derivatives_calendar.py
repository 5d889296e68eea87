"""Contract months of futures and options: when they are listed, trade last and are settled.

Index contracts settle on the second Friday (the session before if that is a holiday); the last trading day is the
session before the settlement. Weekly options settle on the other Fridays, volatility futures 30 days before the next
index settlement, bond futures stop trading five sessions before the 20th, money and currency futures settle on the
third Wednesday. Trades on national holidays belong to the next session, so there are no rows of their own.
Source: JPX contract specifications.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from gogoku_pipeline.simulator.other_rows import exchange_calendar

FRIDAY, WEDNESDAY = 4, 2
WEEKS_LISTED = 4
BOND_DELIVERY_DAY, BOND_SESSIONS_BEFORE = 20, 5


@dataclass(frozen=True)
class Expiry:
    """One contract month.

    Attributes:
        label: CM, YYYY-MM or YYYY-WW.
        stamp: three characters of the contract code: last digit of the year, month or week.
        listed: first trading day.
        last: last trading day.
        settled: day of the special quotation; None for products without one.
    """

    label: str
    stamp: str
    listed: date
    last: date
    settled: date | None

    @property
    def end(self) -> date:
        """Day up to which time counts."""
        return self.settled or self.last


Settlement = Callable[[int, int], tuple[date, date | None]]
"""From year and month to the last trading day and the day of the special quotation."""


@dataclass(frozen=True)
class Cycle:
    """Which months of a product are listed at a time.

    Attributes:
        settlement: days of a contract month.
        quarterly: how many months ahead March, June, September and December are listed.
        serial: the same for the other months, 0 for none.
    """

    settlement: Settlement
    quarterly: int
    serial: int = 0


@lru_cache(maxsize=4096)
def expiries(cycle: Cycle, day: date) -> tuple[Expiry, ...]:
    """Contract months that trade on a day, nearest first."""
    months = (day.year * 12 + day.month - 1 + n for n in range(max(cycle.quarterly, cycle.serial) + 2))
    found = (_month(cycle, number) for number in months)
    return tuple(expiry for expiry in found if expiry is not None and expiry.listed <= day <= expiry.last)


@lru_cache(maxsize=4096)
def weekly_expiries(day: date) -> tuple[Expiry, ...]:
    """Weekly contracts that trade on a day, nearest first: every Friday but the second of a month."""
    friday = day + timedelta(days=(FRIDAY - day.weekday()) % 7)
    return tuple(
        expiry
        for expiry in (_week(friday + timedelta(weeks=n)) for n in range(WEEKS_LISTED + 1))
        if expiry is not None and expiry.listed <= day <= expiry.last
    )


def index_settlement(year: int, month: int) -> tuple[date, date | None]:
    """Second Friday of the month."""
    settled = on_or_before(_nth(year, month, FRIDAY, 2))
    return before(settled), settled


def volatility_settlement(year: int, month: int) -> tuple[date, date | None]:
    """Thirty days before the index settlement of the month after."""
    following = year * 12 + month
    settled = on_or_before(_nth(following // 12, following % 12 + 1, FRIDAY, 2) - timedelta(days=30))
    return before(settled), settled


def bond_settlement(year: int, month: int) -> tuple[date, date | None]:
    """Delivery instead of a special quotation."""
    last = on_or_before(date(year, month, BOND_DELIVERY_DAY))
    for _ in range(BOND_SESSIONS_BEFORE):
        last = before(last)
    return last, None


def money_settlement(year: int, month: int) -> tuple[date, date | None]:
    """Third Wednesday of the month."""
    settled = on_or_before(_nth(year, month, WEDNESDAY, 3))
    return before(settled), settled


def on_or_before(day: date) -> date:
    """The newest trading day up to a day; beyond the announced calendar every weekday counts."""
    while not _trades(day):
        day -= timedelta(days=1)
    return day


def before(day: date) -> date:
    """The trading day before a day."""
    return on_or_before(day - timedelta(days=1))


def _trades(day: date) -> bool:
    calendar = exchange_calendar()
    if calendar.first <= day <= calendar.last:
        return day in calendar
    return day.weekday() < 5


def _month(cycle: Cycle, number: int) -> Expiry | None:
    """The contract of a month counted from year 0, None if the product does not have it."""
    year, month = number // 12, number % 12 + 1
    ahead = cycle.quarterly if month % 3 == 0 else cycle.serial
    if not ahead:
        return None
    last, settled = cycle.settlement(year, month)
    earlier = number - ahead
    replaced, _ = cycle.settlement(earlier // 12, earlier % 12 + 1)
    return Expiry(f"{year}-{month:02d}", f"{year % 10}{month:02d}", _after(replaced), last, settled)


def _week(friday: date) -> Expiry | None:
    if _nth(friday.year, friday.month, FRIDAY, 2) == friday:
        return None
    settled = on_or_before(friday)
    year, week, _ = friday.isocalendar()
    listed = _after(before(friday - timedelta(weeks=WEEKS_LISTED)))
    return Expiry(f"{year}-{week:02d}", f"{year % 10}{week:02d}", listed, before(settled), settled)


def _after(day: date) -> date:
    day += timedelta(days=1)
    while not _trades(day):
        day += timedelta(days=1)
    return day


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    """The n-th weekday of a month."""
    return next(day for day in _days(year, month) if day.weekday() == weekday) + timedelta(weeks=n - 1)


def _days(year: int, month: int) -> Iterator[date]:
    return (date(year, month, day) for day in range(1, 8))
