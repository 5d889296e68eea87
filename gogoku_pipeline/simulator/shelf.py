"""The shelf behind the desk: served days of every book, encoded once and kept until what is served changes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from gogoku_pipeline.simulator.book import Book, DayRows
from gogoku_pipeline.simulator.corrections import Corrections
from gogoku_pipeline.simulator.kept import Kept
from gogoku_pipeline.simulator.once import once_per_market
from gogoku_pipeline.simulator.questions import select_keys
from gogoku_pipeline.simulator.rows import EMPTY, Rows, from_frame, from_mappings

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

BYTES_PER_ROW, SHELF_BYTES = 40, 128_000_000


@dataclass(frozen=True)
class Leaf:
    """One encoded day: its rows, and the values of the keys that queries select by."""

    rows: Rows
    marks: Mapping[str, Sequence[Any]]

    def chosen(self, matches: Mapping[str, str]) -> Rows:
        """The rows in which every key has the value asked for."""
        if not matches or not len(self.rows):
            return self.rows
        found = [self._places.get(key, {}).get(value, []) for key, value in matches.items()]
        wanted = set(found[0]).intersection(*found[1:])
        return self.rows.pick(sorted(wanted)) if wanted else EMPTY

    @cached_property
    def _places(self) -> dict[str, dict[Any, list[int]]]:
        """Where each value of each key stands."""
        index: dict[str, dict[Any, list[int]]] = {key: {} for key in self.marks}
        for key, values in self.marks.items():
            for place, value in enumerate(values):
                index[key].setdefault(value, []).append(place)
        return index


def _weight(leaf: Leaf) -> int:
    return len(leaf.rows.blob) + BYTES_PER_ROW * len(leaf.rows) * (1 + len(leaf.marks))


@once_per_market
def shared_leaves(market: Market) -> Kept[Leaf]:
    """Uncorrected days of a market, whichever server tells them."""
    return Kept(SHELF_BYTES, _weight)


class Shelf:
    """Served days, corrections applied.

    Args:
        market: what there is to tell.
        corrections: values that were corrected in place.
    """

    def __init__(self, market: Market, corrections: Corrections) -> None:
        self._market = market
        self._corrections = corrections
        self._own: Kept[Leaf] = Kept(SHELF_BYTES, _weight)

    def day(self, book: Book, day: date, now: datetime, *, is_premium: bool) -> Leaf:
        """One event day of a book as served at an instant to Premium or to the plans below."""
        version = book.version(self._market, day, now)
        corrected = self._corrections.count(book.path, day, now)
        key = (book.path, book.day, day, version, corrected, is_premium and _differs(book))
        kept = self._own if corrected else shared_leaves(self._market)
        return kept.get(key, lambda: self._leaf(book, self.day_rows(book, day, now, is_premium=is_premium)))

    def day_rows(self, book: Book, day: date, now: datetime, *, is_premium: bool, is_live: bool = True) -> DayRows:
        """The same day before it is encoded, corrections applied; without `is_live` not from the live stream."""
        tell = book.live if book.live is not None and is_premium and is_live else book.day
        return self._finished(book, tell(self._market, day, now), now, (day, day), is_premium=is_premium)

    def span(self, book: Book, code: str | None, days: tuple[date, date], now: datetime, *, is_premium: bool) -> Rows:
        """Rows of a code over a range, told in one go; only for books that can."""
        if book.span is None:
            return EMPTY
        rows = book.span(self._market, code, *days, now)
        return encode(self._finished(book, rows, now, days, is_premium=is_premium))

    def _finished(
        self, book: Book, rows: DayRows, now: datetime, days: tuple[date, date], *, is_premium: bool
    ) -> DayRows:
        """Rows after corrections, without the keys a plan lacks."""
        due = self._corrections.due(book.path, days, now)
        if due:
            rows = self._corrections.applied(due, as_mappings(rows), book.event)
        if is_premium or not book.premium_keys:
            return rows
        if isinstance(rows, pl.DataFrame):
            return rows.drop(book.premium_keys, strict=False)
        return [{key: value for key, value in row.items() if key not in book.premium_keys} for row in rows]

    def _leaf(self, book: Book, rows: DayRows) -> Leaf:
        return Leaf(encode(rows), {key: _values(rows, key) for key in select_keys(book)})


def encode(rows: DayRows) -> Rows:
    """Rows as JSON text."""
    return from_frame(rows) if isinstance(rows, pl.DataFrame) else from_mappings(rows)


def as_mappings(rows: DayRows) -> list[dict[str, Any]]:
    """Rows as dictionaries, values as JSON has them."""
    if isinstance(rows, pl.DataFrame):
        return from_frame(rows).decoded()
    return [json.loads(json.dumps(row)) for row in rows]


def _values(rows: DayRows, key: str) -> Sequence[Any]:
    if isinstance(rows, pl.DataFrame):
        return rows[key].to_list() if key in rows.columns else ()
    return [row.get(key) for row in rows]


def _differs(book: Book) -> bool:
    """Whether Premium is served something else than the plans below."""
    return bool(book.premium_keys) or book.live is not None
