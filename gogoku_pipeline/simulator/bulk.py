"""Bulk files: which there are at an instant, when each last changed, and what is in it.

A month is one historical file once it is closed, on the tenth of the next month at 06:00; before that every published
day is a live file. A file is written once and says what was served at that instant; a correction of one of its days
writes it anew. So its contents follow from its key and its LastModified alone.

Source: J-Quants API V2 bulk pages (API reference 2.20).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.simulator.book import Book
from gogoku_pipeline.simulator.bulk_csv import encode_csv
from gogoku_pipeline.simulator.corrections import Corrections
from gogoku_pipeline.simulator.kept import Kept
from gogoku_pipeline.simulator.once import once_per_market
from gogoku_pipeline.simulator.shelf import Shelf

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

FILE_BYTES = 256_000_000
CLOSED_ON, CLOSED_AT = 10, time(6, 0)
RULE_OF_PATH = {source.path: RULES[name] for name, source in SOURCES.items()}


@dataclass(frozen=True)
class File:
    """One bulk file: a closed month, or one day of an open one.

    Attributes:
        book: the endpoint.
        first, last: event days inside, both included.
        is_live: whether it is a day of an open month.
        is_premium: whether it has the keys only Premium sees.
    """

    book: Book
    first: date
    last: date
    is_live: bool
    is_premium: bool

    @property
    def key(self) -> str:
        """Its name in the listing."""
        endpoint = self.book.path.strip("/")
        prefix = f"{endpoint}/premium" if self.is_premium else endpoint
        name = endpoint.replace("/", "_")
        if self.is_live:
            return f"{prefix}/live/{name}_{self.first:%Y%m%d}.csv.gz"
        return f"{prefix}/historical/{self.first.year}/{name}_{self.first:%Y%m}.csv.gz"


@once_per_market
def shared_files(market: Market) -> Kept[bytes]:
    """Uncorrected files of a market, whichever server hands them out."""
    return Kept(FILE_BYTES, len)


class Depot:
    """The files of a market.

    Args:
        market: what there is to tell.
        shelf: served days.
        corrections: values that were corrected in place.
        sizes: `exact` writes every listed file to know its size; `estimated` writes the newest one and scales.
    """

    def __init__(
        self,
        market: Market,
        shelf: Shelf,
        corrections: Corrections,
        *,
        sizes: Literal["exact", "estimated"] = "exact",
    ) -> None:
        self._market = market
        self._shelf = shelf
        self._corrections = corrections
        self._sizes = sizes
        self._own: Kept[bytes] = Kept(FILE_BYTES, len)

    def files(self, book: Book, first: date, last: date, now: datetime, *, is_premium: bool) -> list[File]:
        """Files of an endpoint that touch the event days [first, last] and have rows, oldest first."""
        is_own = is_premium and bool(book.premium_keys)
        start = max(first, self._market.sessions[0].replace(day=1), book.starts.replace(day=1))
        found = [
            File(book, *days, is_live=is_live, is_premium=is_own)
            for month in _months(start, min(last, now.date()))
            for days, is_live in _parts(month, now)
        ]
        return [file for file in found if file.last >= first and file.first <= last and self._has_rows(file, now)]

    def size(self, file: File, now: datetime) -> int:
        """Bytes of a file."""
        if self._sizes == "exact" or file.is_live:
            return len(self.content(file, now))
        newest = self.files(file.book, now.date() - timedelta(days=62), now.date(), now, is_premium=file.is_premium)
        model = next((one for one in reversed(newest) if not one.is_live), file)
        return len(self.content(model, now)) * self._n_sessions(file) // max(self._n_sessions(model), 1)

    def content(self, file: File, now: datetime) -> bytes:
        """The bytes of a file as it was last written."""
        written_at = self.last_modified(file, now)
        key = (file.key, file.book.day, written_at)
        is_corrected = bool(self._corrections.due(file.book.path, (file.first, file.last), now))
        kept = self._own if is_corrected else shared_files(self._market)
        return kept.get(key, lambda: self._encode(file, written_at))

    def last_modified(self, file: File, now: datetime) -> datetime:
        """The instant at which a file was last written."""
        base = _published(file, now) if file.is_live else _closes_at(file.first)
        due = self._corrections.due(file.book.path, (file.first, file.last), now)
        return max([base, *(correction.at.astimezone(JST) for correction in due)])

    def _has_rows(self, file: File, now: datetime) -> bool:
        if file.is_live:
            rows = self._shelf.day(file.book, file.first, self.last_modified(file, now), is_premium=file.is_premium)
            return len(rows.rows) > 0
        if self._sizes == "estimated":
            return self._n_sessions(file) > 0
        body = self.content(file, now)
        return len(body) > len(encode_csv([], file.book.keys))

    def _encode(self, file: File, written_at: datetime) -> bytes:
        n_days = (file.last - file.first).days + 1
        days = [
            self._shelf.day_rows(
                file.book, file.first + timedelta(days=n), written_at, is_premium=file.is_premium, is_live=False
            )
            for n in range(n_days)
        ]
        return encode_csv(days, file.book.keys)

    def _n_sessions(self, file: File) -> int:
        return sum(file.first <= session <= file.last for session in self._market.sessions)


def _published(file: File, now: datetime) -> datetime:
    """When the rows of a live day were last written: its final hour, or the newest full hour before."""
    rule = RULE_OF_PATH[file.book.path]
    final = rule.final_at(file.first)
    if now >= final:
        return final
    hour = now.replace(minute=0, second=0, microsecond=0)
    return min(now, max(rule.first_at(file.first), hour))


def _closes_at(month: date) -> datetime:
    """The instant at which a month becomes one file."""
    after = _next_month(month)
    return datetime.combine(after.replace(day=CLOSED_ON), CLOSED_AT, JST)


def _next_month(month: date) -> date:
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def _months(first: date, last: date) -> Iterator[date]:
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = _next_month(month)


def _parts(month: date, now: datetime) -> Iterator[tuple[tuple[date, date], bool]]:
    """The days of each file of a month, and whether it is live."""
    last = _next_month(month) - timedelta(days=1)
    if now >= _closes_at(month):
        yield (month, last), False
        return
    for n in range((min(last, now.date()) - month).days + 1):
        day = month + timedelta(days=n)
        yield (day, day), True
