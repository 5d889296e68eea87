"""/equities/investor-types: what each type of investor bought and sold in a week, in thousand yen, by section.

A week comes out on the fourth session after its last one (Thursday), 18:00: the later of the two hours the publisher
has named. A week printed wrong at first is corrected five sessions later: from 2023-04-03 on by a second row with a
newer PubDate, before that by overwriting the first. Identities, exact in every row: Tot = Sell + Buy and
Bal = Buy - Sell of every group, the total = Prop + Brk, Brk = the ten types. Source: API reference 2.6.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

import numpy as np

from gogoku_pipeline.simulator.book import Book, DayRows
from gogoku_pipeline.simulator.flows import PUBLISHED_AFTER
from gogoku_pipeline.simulator.ledgers_investors import TYPES, Thousands, Week, weeks
from gogoku_pipeline.simulator.ledgers_release import ends_week, is_out, place_of, sessions_later

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

OUT_AT = time(18, 0)
CORRECTED_AFTER = 5
APPENDED_FROM = date(2023, 4, 3)
"""Corrections announced from this day on are appended, earlier ones overwrote the row."""

GROUPS = ("Prop", "Brk", "Tot", *(name for name in TYPES if name != "Prop"))
KEYS = (
    "PubDate",
    "StDate",
    "EnDate",
    "Section",
    *(group + side for group in GROUPS for side in ("Sell", "Buy", "Tot", "Bal")),
)


def day_rows(market: Market, day: date, now: datetime) -> DayRows:
    """The sections published on a day, first printings before corrections of the week before."""
    if not is_out(day, OUT_AT, now):
        return []
    rows: list[dict[str, Any]] = []
    if (week := _week_published(market, day)) is not None:
        buys = week.buys if _is_overwritten(day, now) else week.buys + week.wrong
        rows += [_row(week, section, buys, day) for section in range(len(week.sections))]
    before = sessions_later(day, -CORRECTED_AFTER)
    if day >= APPENDED_FROM and before is not None and (week := _week_published(market, before)) is not None:
        rows += [_row(week, int(section), week.buys, day) for section in np.flatnonzero(week.is_wrong_at_first)]
    return rows


def _is_overwritten(day: date, now: datetime) -> bool:
    """Whether an early correction has already replaced the rows published on a day."""
    corrected = sessions_later(day, CORRECTED_AFTER)
    return corrected is not None and corrected < APPENDED_FROM and is_out(corrected, OUT_AT, now)


def _version(market: Market, day: date, now: datetime) -> tuple[bool, bool]:
    """A day is told anew once it is out and once it is overwritten."""
    return is_out(day, OUT_AT, now), _is_overwritten(day, now)


def _week_published(market: Market, day: date) -> Week | None:
    """The week whose table first comes out on a day; a week the market leaves unfinished never does."""
    last = sessions_later(day, -PUBLISHED_AFTER)
    place = None if last is None else place_of(market, last)
    if last is None or place is None or not ends_week(last):
        return None
    return weeks(market)[int(np.searchsorted(market.flows.week_end, place))]


def _row(week: Week, section: int, buys: Thousands, published: date) -> dict[str, Any]:
    """One section's row."""
    sides = {name: (int(week.sells[section, k]), int(buys[section, k])) for k, name in enumerate(TYPES)}
    whole = np.array(list(sides.values())).sum(axis=0).tolist()
    sides["Tot"] = (whole[0], whole[1])
    sides["Brk"] = (whole[0] - sides["Prop"][0], whole[1] - sides["Prop"][1])
    row: dict[str, Any] = {
        "PubDate": published.isoformat(),
        "StDate": week.first.isoformat(),
        "EnDate": week.last.isoformat(),
        "Section": week.sections[section],
    }
    for group in GROUPS:
        sell, buy = sides[group]
        row |= {
            group + "Sell": float(sell),
            group + "Buy": float(buy),
            group + "Tot": float(sell + buy),
            group + "Bal": float(buy - sell),
        }
    return row


BOOK = Book(
    "/equities/investor-types",
    "light",
    date(2008, 1, 16),
    day_rows,
    event="PubDate",
    day_parameter="",
    code_key="",
    filters={"section": "Section"},
    needs_one_of=(),
    keys=KEYS,
    range_alone=True,
    version=_version,
)
