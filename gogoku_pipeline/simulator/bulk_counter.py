"""The counter for bulk files: listings, signed URLs that live five minutes and serve once, and the download itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.simulator import rules
from gogoku_pipeline.simulator.book import Book
from gogoku_pipeline.simulator.bulk import Depot, File
from gogoku_pipeline.simulator.bulk_faults import ClaimedSize, ExpiredUrl, SignedElsewhere, SignedUrl
from gogoku_pipeline.simulator.faults import Fault
from gogoku_pipeline.simulator.other_rows import exchange_calendar
from gogoku_pipeline.simulator.questions import read_range

Params = Mapping[str, str]
DOWNLOADS = "/bulk-files/"
VALID_FOR = timedelta(minutes=5)


@dataclass
class Ticket:
    """A signed URL that was handed out."""

    file: File
    expires: datetime
    is_used: bool = False


class BulkCounter:
    """Answers /bulk/list and /bulk/get, and redeems signed URLs.

    Args:
        books: endpoints with their books; those without bulk files are refused by name.
        depot: the files.
        clock: publication clock; signed URLs expire by it.
    """

    def __init__(self, books: Sequence[Book], depot: Depot, clock: Clock) -> None:
        self._books = {book.path: book for book in books if book.has_bulk}
        self._depot = depot
        self._clock = clock
        self._tickets: dict[str, Ticket] = {}

    def listing(self, params: Params, plan: rules.Plan, striking: Sequence[Fault] = ()) -> list[dict[str, Any]]:
        """The rows of /bulk/list, whose sizes may lie; raises Refusal."""
        if not params.get("endpoint") and not params.get("date"):
            raise rules.need_one_of("endpoint", "date")
        if params.get("endpoint") and params.get("date"):
            raise rules.not_together("endpoint", "date")
        now = self._clock.now()
        if params.get("endpoint"):
            files = self._of_endpoint(self._book(params["endpoint"], plan), params, plan)
        else:
            asked = rules.read_month_or_day(params, "date")
            files = [
                file for book in self._books.values() if _may(plan, book) for file in self._of_date(book, asked, plan)
            ]
        rows = [self._row(file, now) for file in files]
        for fault in striking:
            if isinstance(fault, ClaimedSize):
                rows = [{**row, "Size": fault.size} if fault.when.key in row["Key"] else row for row in rows]
        return rows

    def sign(self, params: Params, plan: rules.Plan, host: str, striking: Sequence[Fault] = ()) -> str:
        """The URL that /bulk/get hands out, which may lead astray; raises Refusal."""
        file = self._wanted(params, plan)
        now = self._clock.now()
        expires = now + VALID_FOR
        for fault in striking:
            if isinstance(fault, SignedUrl):
                return fault.url
            host = fault.host if isinstance(fault, SignedElsewhere) else host
            expires = now if isinstance(fault, ExpiredUrl) else expires
        token = hashlib.sha256(f"{len(self._tickets)} {file.key} {now.isoformat()}".encode()).hexdigest()[:40]
        self._tickets[token] = Ticket(file, expires)
        query = f"X-Amz-Expires={int(VALID_FOR.total_seconds())}&X-Amz-Signature={token}"
        return f"{host}{DOWNLOADS}{quote(file.key)}?{query}"

    def redeem(self, key: str, token: str) -> File | None:
        """The file behind a signed URL, which is used up by it; None if it is unknown, used, or too old."""
        ticket = self._tickets.get(token)
        if ticket is None or ticket.is_used or ticket.file.key != key or self._clock.now() >= ticket.expires:
            return None
        ticket.is_used = True
        return ticket.file

    def content(self, file: File) -> bytes:
        """The bytes of a file."""
        return self._depot.content(file, self._clock.now())

    def _row(self, file: File, now: datetime) -> dict[str, Any]:
        modified = self._depot.last_modified(file, now).astimezone(UTC)
        return {"Key": file.key, "LastModified": modified.isoformat(), "Size": self._depot.size(file, now)}

    def _wanted(self, params: Params, plan: rules.Plan) -> File:
        if params.get("key") and (params.get("endpoint") or params.get("date")):
            raise rules.not_together("key", "endpoint", "date")
        if params.get("key"):
            found = self._of_key(params["key"], plan)
        elif params.get("endpoint") and params.get("date"):
            found = self._of_date(
                self._book(params["endpoint"], plan), rules.read_month_or_day(params, "date"), plan, is_exact=True
            )
        else:
            raise rules.need_one_of("key", "endpoint and date")
        if not found:
            raise rules.Refusal(400, "The requested file does not exist.")
        return found[0]

    def _of_key(self, key: str, plan: rules.Plan) -> list[File]:
        name = key.rpartition("/")[2].removesuffix(".csv.gz")
        path = next((path for path in self._books if path.strip("/").replace("/", "_") == name.rpartition("_")[0]), "")
        if not path:
            return []
        asked = rules.read_month_or_day({"key": name.rpartition("_")[2]}, "key")
        return [file for file in self._of_date(self._book(path, plan), asked, plan) if file.key == key]

    def _of_endpoint(self, book: Book, params: Params, plan: rules.Plan) -> list[File]:
        window = plan.window(self._clock.now().date())
        whole = (window[0], window[1] or self._clock.now().date())
        first, last = whole
        if params.get("from") or params.get("to"):
            days = {name: _edge(params, name) for name in ("from", "to") if params.get(name)}
            first, last = read_range(days, ("from", "to"), window, whole, is_strict=False)
        return self._files(book, first, last, plan)

    def _of_date(
        self, book: Book, asked: tuple[date, bool] | None, plan: rules.Plan, *, is_exact: bool = False
    ) -> list[File]:
        """Files of a day or a month; `is_exact` leaves out the days of a month that is still open."""
        if asked is None:
            return []
        first, is_day = asked
        last = first if is_day else (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        files = self._files(book, first, last, plan)
        return [file for file in files if file.is_live == is_day] if is_exact else files

    def _files(self, book: Book, first: date, last: date, plan: rules.Plan) -> list[File]:
        """Files of an endpoint within what the plan covers."""
        start, end = plan.window(self._clock.now().date())
        days = (max(first, start), min(last, end or last))
        return self._depot.files(book, *days, self._clock.now(), is_premium=plan.name == "premium")

    def _book(self, endpoint: str, plan: rules.Plan) -> Book:
        if endpoint not in self._books:
            raise rules.Refusal(400, f"'endpoint' must be one of {', '.join(self._books)}.")
        if not _may(plan, self._books[endpoint]):
            raise rules.not_in_plan()
        return self._books[endpoint]


def _may(plan: rules.Plan, book: Book) -> bool:
    """Whether a plan may have the files of an endpoint: Free only those of the calendar."""
    return rules.includes(plan, book.path) and (plan.name != "free" or book.path == "/markets/calendar")


def _edge(params: Params, name: str) -> str:
    """A range's edge as a day; a month stands for its first or last day."""
    asked = rules.read_month_or_day(params, name)
    if asked is None:
        return ""
    day, is_day = asked
    if not is_day and name == "to":
        day = min((day + timedelta(days=32)).replace(day=1) - timedelta(days=1), exchange_calendar().last)
    return day.isoformat()
