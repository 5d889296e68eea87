"""Dividend notices: every word a company sends the exchange about one dividend, in order.

A dividend (issue, record day, interim or final) is a chain: the first notice is new, later ones correct it, and the
last one decides it. Now and then a notice is sent twice by mistake and the second one deleted the next session.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import SessionCalendar
from gogoku_pipeline.simulator.accounts import split_basis
from gogoku_pipeline.simulator.announcements import announcements
from gogoku_pipeline.simulator.companies import INTERIM_AND_FINAL, NO_PAYOUT, companies
from gogoku_pipeline.simulator.fiscal import fiscal_calendar
from gogoku_pipeline.simulator.guidance import guidance
from gogoku_pipeline.simulator.once import once_per_market
from gogoku_pipeline.simulator.payouts import payouts

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
Table = dict[str, npt.NDArray[Any]]

INTERIM, FINAL = 1, 2
NEW, CORRECTION, DELETION = 1, 2, 3
LAST_MINUTE, MORNING = 18 * 60 + 50, 9 * 60 + 5
MISTAKES = 0.012
TWO_DAY_SETTLEMENT_FROM = date(2019, 7, 16)


@dataclass(frozen=True)
class Notices:
    """Notices sorted by time; arrays [notices].

    Attributes:
        event: announcement that it goes with (place in Announcements).
        column: quarter whose end is the record day.
        part: 1 interim, 2 final.
        status: 1 new, 2 correction, 3 deletion.
        is_decided: decided, otherwise forecast.
        is_open: the rate is not decided.
        rate: yen per share as printed, special parts included.
        special: the part of it that is paid once.
        session, minute: when it is published, place and minute of the day.
        number: running number of the day.
        origin: place of the first notice of the chain.
    """

    event: Places
    column: Places
    part: Places
    status: Places
    is_decided: Flags
    is_open: Flags
    rate: Floats
    special: Floats
    session: Places
    minute: Places
    number: Places
    origin: Places

    def __len__(self) -> int:
        return len(self.event)

    @cached_property
    def _firsts(self) -> Places:
        return np.searchsorted(self.session, np.arange(int(self.session.max(initial=-1)) + 2))

    def on(self, session: int) -> range:
        """The notices of a session."""
        if not 0 <= session < len(self._firsts) - 1:
            return range(0)
        return range(int(self._firsts[session]), int(self._firsts[session + 1]))


def ex_day(calendar: SessionCalendar, record: date) -> date:
    """First session on which a share is bought without the dividend: one session before the last one that counts.

    Trades settle two sessions later since 2019-07-16, three sessions later before (then it is two sessions before).
    """
    counted = calendar.on_or_before(record)
    bought = calendar.shift(counted, -2)
    return calendar.shift(counted, -1 if bought >= TWO_DAY_SETTLEMENT_FROM else -2)


@once_per_market
def notices(market: Market) -> Notices:
    """Every dividend notice of a market."""
    told, paid, traits = announcements(market), payouts(market), companies(market)
    event, column, part, is_decided = _occasions(market)
    key = _chain_key(market, told.issue[event], column, part)
    once = _once(key, event)
    event, column, part, is_decided = event[once], column[once], part[once], is_decided[once]
    issue = told.issue[event]
    is_year = told.is_result & (guidance(market).first == told.column + 1)
    is_paid_now = is_year[event] & is_decided
    final = np.where(is_paid_now, paid.paid_final[event], paid.final[event])
    rate = np.where(part == FINAL, final, np.where(is_paid_now, paid.paid_interim[event], paid.interim[event]))
    special = np.where(is_paid_now & (part == FINAL), paid.special[event], 0.0)
    basis = _rate_basis(market, event, issue, column)
    session, minute = _times(market, event)
    known = np.where(told.is_result[event], told.column[event], told.column[event] - 1)
    is_open = traits.is_vague[issue] & ~is_decided & (known < guidance(market).first[event] + 2)
    columns: Table = {
        "event": event,
        "column": column,
        "part": part,
        "is_decided": is_decided,
        "is_open": is_open,
        "rate": rate * basis,
        "special": special * basis,
        "session": session,
        "minute": minute,
    }
    return _numbered(market, columns)


def _occasions(market: Market) -> tuple[Places, Places, Places, Flags]:
    """Announcements that say something about a dividend: (announcement, record column, part, decided)."""
    told, plan, paid, traits = announcements(market), guidance(market), payouts(market), companies(market)
    known = np.where(told.is_result, told.column, told.column - 1)
    pays = traits.payer[told.issue] != NO_PAYOUT
    pays_twice = traits.payer[told.issue] == INTERIM_AND_FINAL
    is_year = told.is_result & (plan.first == told.column + 1)
    speaks = is_year | (told.rank == 0) | (paid.is_changed & ~traits.is_vague[told.issue])
    speaks |= traits.is_vague[told.issue] & told.is_result & (known == plan.first + 2)
    half = plan.first + 1
    cases = (
        (pays & is_year, told.column, FINAL, True),
        (pays_twice & told.is_result & ~is_year & (known == half), half, INTERIM, True),
        (pays_twice & speaks & (known < half), half, INTERIM, False),
        (pays & speaks, plan.last, FINAL, False),
    )
    places = [np.flatnonzero(case) for case, *_ in cases]
    return (
        np.concatenate(places),
        np.concatenate([columns[place] for place, (_, columns, _, _) in zip(places, cases, strict=True)]),
        np.concatenate([np.full(len(place), part) for place, (_, _, part, _) in zip(places, cases, strict=True)]),
        np.concatenate([np.full(len(place), done) for place, (*_, done) in zip(places, cases, strict=True)]),
    )


def _rate_basis(market: Market, event: Places, issue: Places, column: Places) -> Floats:
    """Split basis of the printed rate: of the ex-date once that has passed, else of the announcement."""
    told, ends = announcements(market), fiscal_calendar(market).end_places
    ex_places = np.maximum(ends - _sessions_before(market, ends), -1)
    ex_basis = split_basis(market, ex_places)
    is_past = ex_places[issue, column] <= told.session[event]
    return np.where(is_past, ex_basis[issue, column], payouts(market).basis[event])


def _sessions_before(market: Market, ends: Places) -> Places:
    """Sessions between ex-date and record day."""
    first_new = sum(1 for day in market.sessions if day < TWO_DAY_SETTLEMENT_FROM) + 2
    return np.where(ends >= first_new, 1, 2)


def _times(market: Market, event: Places) -> tuple[Places, Places]:
    """Session and minute of the notices: with the announcement, the next morning where that comes too late."""
    told = announcements(market)
    session, minute = told.session[event], told.minute[event]
    is_late = (minute < 0) | (minute > LAST_MINUTE)
    return session + is_late, np.where(is_late, MORNING, minute)


def _numbered(market: Market, columns: Table) -> Notices:
    """Sort by time, add the mistakes and their deletions, link the chains."""
    told = announcements(market)
    n = len(columns["event"])
    rng = stream(market.config.seed, "dividend-mistakes")
    twice = np.flatnonzero((rng.random(n) < MISTAKES) | (np.arange(n) % max(n // 3, 1) == 1))
    place = np.concatenate([np.arange(n), twice, twice])
    role = np.repeat([0, NEW, DELETION], [n, len(twice), len(twice)])
    table = {name: values[place] for name, values in columns.items()}
    table["session"] = table["session"] + (role == DELETION)
    table["minute"] = np.where(role == DELETION, 12 * 60 + 20, table["minute"])
    last = np.minimum(market.listings.last[told.issue[table["event"]]], len(market.sessions) - 1)
    order = np.lexsort((role, table["part"], table["event"], table["minute"], table["session"]))
    order = order[(table["session"] <= last)[order]]
    table, role, source = {name: values[order] for name, values in table.items()}, role[order], place[order]
    chain = _chain_key(market, told.issue[table["event"]], table["column"], table["part"])
    chain = np.where(role > 0, -1 - source, chain)
    _, first, back = np.unique(chain, return_index=True, return_inverse=True)
    origin = np.asarray(first[back], dtype=np.int64)
    status = np.where(role == DELETION, DELETION, np.where(origin == np.arange(len(origin)), NEW, CORRECTION))
    number = np.arange(len(origin)) - np.searchsorted(table["session"], table["session"]) + 1
    return Notices(**table, status=status, number=number, origin=origin)


def _chain_key(market: Market, issue: Places, column: Places, part: Places) -> Places:
    columns = fiscal_calendar(market).columns + 8
    return np.asarray((issue * columns + column) * 3 + part, dtype=np.int64)


def _once(key: Places, event: Places) -> Places:
    """First place of each (chain, announcement), in order."""
    _, first = np.unique(np.stack([key, event]), axis=1, return_index=True)
    return np.asarray(np.sort(first), dtype=np.int64)
