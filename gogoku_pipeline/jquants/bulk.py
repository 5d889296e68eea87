"""Bulk files: what lies ready for an endpoint, and one file fetched whole.

Closed months come as one file, the current month (and for some days the last) as one file per day. Source: J-Quants V2
bulk pages; the form of the keys as observed by users.
"""

from __future__ import annotations

import asyncio
import gzip
import zlib
from dataclasses import dataclass, field
from datetime import date, datetime
from io import BytesIO
from typing import Any

from pydantic_core import from_json

from gogoku_pipeline.core.errors import ApiError, PayloadError, RequestError, ServerError
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.jquants.bulk_keys import BulkFile, one_per_period, parse_entry
from gogoku_pipeline.jquants.download import Downloader
from gogoku_pipeline.jquants.endpoints import Endpoint
from gogoku_pipeline.jquants.hosts import HostRule
from gogoku_pipeline.jquants.service import STUMBLES, Question, Service

_LOG = logger("jquants")
_GZIP = b"\x1f\x8b"
_MOST_ADDRESSES = 3
_MAX_UNPACKED_BYTES = 4 << 30
_CHUNK = 1 << 20


@dataclass(frozen=True)
class BulkAnswer:
    """A file as it came: gzip, exactly as received, and when."""

    body: bytes = field(repr=False)
    fetched_at: datetime


class BulkDesk:
    """Lists and fetches bulk files. A list and a signed address cost a request of the plan each, a download none."""

    def __init__(self, service: Service, downloader: Downloader, rule: HostRule) -> None:
        self._service = service
        self._downloader = downloader
        self._rule = rule

    async def files(self, asked: Endpoint, start: date | None, end: date | None) -> list[BulkFile]:
        """Files with days inside the bounds, oldest days first; see `JQuantsClient.bulk_list`."""
        if not asked.has_bulk:
            raise RequestError(
                f"bulk {asked.source.name}", got="a source without files", want="pages", remedy="Ask it by day."
            )
        query = {"endpoint": asked.source.path}
        query |= {"from": f"{start:%Y-%m}"} if start else {}
        query |= {"to": f"{end:%Y-%m}"} if end else {}
        question = Question(f"bulk list {asked.source.name}", "/bulk/list", query)
        _, entries = await self._service.ask(question, _read_list)
        found = _understood(asked, question.thing, entries)
        inside = [
            file
            for file in found
            if file.last_day >= (start or file.last_day) and file.first_day <= (end or file.first_day)
        ]
        return one_per_period(inside)

    async def fetch(self, file: BulkFile) -> BulkAnswer:
        """One file; see `JQuantsClient.bulk_file`."""
        thing, spent, stumbles = f"bulk {file.key}", 0, 0
        self._downloader.check_size(thing, file.size)
        while True:
            question = Question(thing, "/bulk/get", {"key": file.key})
            _, address = await self._service.ask(question, _read_address)
            try:
                download = await self._downloader.fetch(thing, address, self._rule)
                if download.status == 200:
                    await asyncio.to_thread(check_gzip, thing, download.body)
                    return BulkAnswer(download.body, self._service.clock.now())
                if download.status != 403:
                    raise _declined(thing, download.status)
            except ServerError as problem:
                stumbles += 1
                if stumbles > STUMBLES:
                    raise
                await self._service.wait_after(stumbles, problem)
                continue
            spent += 1
            _LOG.info("%s: the address was no longer valid (%d of %d).", thing, spent, _MOST_ADDRESSES)
            if spent >= _MOST_ADDRESSES:
                raise ServerError(
                    thing,
                    got=f"HTTP 403 for {spent} fresh addresses",
                    want="the file",
                    remedy="Check this machine's clock and network; else fetch these days by date.",
                    status=403,
                )


def _declined(thing: str, status: int) -> ApiError:
    if status >= 500:
        return ServerError(thing, got=f"HTTP {status}", want="the file", remedy="Try again later.", status=status)
    remedy = "List the files again: it may have moved to its month."
    return RequestError(thing, got=f"HTTP {status}", want="the file", remedy=remedy, status=status)


def check_gzip(thing: str, body: bytes, most: int = _MAX_UNPACKED_BYTES) -> None:
    """Read through a file without keeping it.

    Raises:
        ServerError: it is damaged or ends early; another download may be whole.
        PayloadError: it is not gzip, or unpacks to more than the cap.
    """
    total = 0
    try:
        with gzip.GzipFile(fileobj=BytesIO(body)) as stream:
            while total <= most and (chunk := stream.read(_CHUNK)):
                total += len(chunk)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        if body.startswith(_GZIP):
            remedy = "Try again; check the network."
            raise ServerError(thing, got="a damaged gzip file", want="a complete file", remedy=remedy) from None
    if not body.startswith(_GZIP) or total > most:
        got = f"more than {most} bytes unpacked" if total > most else "bytes that are not gzip"
        raise PayloadError(thing, got=got, want="a gzip file below the cap", remedy="Fetch these days by date.")


def _read_list(thing: str, body: bytes) -> list[dict[str, Any]]:
    document = _json(thing, body)
    entries = document.get("data")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _wrong(thing, "no list of files under `data`")
    return entries


def _read_address(thing: str, body: bytes) -> str:
    address = _json(thing, body).get("url")
    if not isinstance(address, str) or not address:
        raise _wrong(thing, "no address under `url`")
    return address


def _json(thing: str, body: bytes) -> dict[str, Any]:
    try:
        document = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise ServerError(
            thing, got=f"{len(body)} bytes that are not complete JSON", want="JSON", remedy="Try again.", status=200
        ) from None
    if not isinstance(document, dict):
        raise _wrong(thing, "JSON that is no object")
    return document


def _understood(asked: Endpoint, thing: str, entries: list[dict[str, Any]]) -> list[BulkFile]:
    found = [file for entry in entries if (file := parse_entry(asked.source.path, entry)) is not None]
    if odd := len(entries) - len(found):
        _LOG.warning("%s: %d of %d entries have a form we do not know; left out.", thing, odd, len(entries))
    return found


def _wrong(thing: str, got: str) -> PayloadError:
    remedy = "The service changed or GOGOKU_API_URL names another one; compare with its specification."
    return PayloadError(thing, got=got, want="the documented answer", remedy=remedy, status=200)
