"""Raw landing: the exact bytes the publisher sent, kept under their own hash, and an index of what was known when."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Literal

import polars as pl
import zstandard

from gogoku_pipeline.core.errors import StoreError
from gogoku_pipeline.core.fingerprints import sha256_bytes, sha256_json
from gogoku_pipeline.store.commits import CommitInfo
from gogoku_pipeline.store.objects import ObjectStore
from gogoku_pipeline.store.raw_files import FileCaps, measured
from gogoku_pipeline.store.raw_requests import RAW_REQUESTS, newest_complete, request_key
from gogoku_pipeline.store.tables import TableStore

_LEVEL = 3

Media = Literal["json", "csv.gz", "parquet"]
"""Form of the bytes: a page as the API sends it, or a file (bulk, or handed in by a user)."""

_SUFFIXES: dict[Media, str] = {"json": "json.zst", "csv.gz": "csv.gz", "parquet": "parquet"}


@dataclass(frozen=True)
class RawPage:
    """One response as it came.

    Attributes:
        source: our name of the endpoint.
        params: query without pagination key and without secrets.
        event_date: the date asked for; None for calls over a range and for files.
        payload: exact bytes of the (decompressed) body; a file exactly as received.
        row_count: rows in it; counted at landing for a file, whatever is given here.
        page_number: 1 for the first page of a request.
        pagination_key_next: key of the next page, None on the last.
        url: address without query.
        status: HTTP status.
        fetched_at: instant of the answer.
        field_names: keys seen in its rows; read from the header for a file.
        fetch_id: the same for all pages of one walk through a request; ids sort by time.
        run_id: run that fetched it.
        media: json, csv.gz or parquet.
        covers_from: first event day inside a file.
        covers_to: last event day inside a file, included.
        last_modified: when the publisher last changed a bulk file.
    """

    source: str
    params: Mapping[str, str]
    event_date: date | None
    payload: bytes
    row_count: int
    page_number: int
    pagination_key_next: str | None
    url: str
    status: int
    fetched_at: datetime
    field_names: tuple[str, ...]
    fetch_id: str
    run_id: str
    media: Media = "json"
    covers_from: date | None = None
    covers_to: date | None = None
    last_modified: datetime | None = None


@dataclass(frozen=True)
class RawRequest:
    """One row of the index `raw_requests`; see its declaration."""

    source: str
    request_key: str
    event_date: date | None
    page_number: int
    pagination_key_next: str | None
    is_last_page: bool
    url: str
    status: int
    fetched_at: datetime
    sha256: str
    object_key: str
    row_count: int
    byte_count: int
    schema_fingerprint: str
    fetch_id: str
    run_id: str
    media: Media = "json"
    covers_from: date | None = None
    covers_to: date | None = None
    last_modified: datetime | None = None


class RawStore:
    """Landing place of payloads. Safe to use from several threads of one process."""

    def __init__(
        self,
        objects: ObjectStore,
        tables: TableStore,
        *,
        code_version: str = "",
        flush_rows: int = 50,
        flush_seconds: float = 5.0,
        caps: FileCaps | None = None,
    ) -> None:
        self._objects = objects
        self._tables = tables
        self._code_version = code_version
        self._flush_rows = flush_rows
        self._flush_seconds = flush_seconds
        self._caps = caps or FileCaps()
        self._pending: list[RawRequest] = []
        self._oldest = 0.0
        self._lock = threading.Lock()

    def land(self, page: RawPage) -> RawRequest:
        """Keep a page's bytes, then note it for the index; the index is written in batches and by `flush`.

        Landing the same bytes twice keeps one object and two index rows. A file is kept exactly as received, and read
        through once before: its rows are counted, its header is noted.

        Raises:
            PayloadError: a file that is cut off, is not what its media says, has no header, or is above a cap.
        """
        row, kept = _index_row(page, self._caps), page.payload
        if page.media == "json":
            kept = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(page.payload)
        self._objects.put_new(row.object_key, kept)
        with self._lock:
            if not self._pending:
                self._oldest = time.monotonic()
            self._pending.append(row)
            is_due = len(self._pending) >= self._flush_rows or time.monotonic() - self._oldest >= self._flush_seconds
        if is_due:
            self.flush()
        return row

    def flush(self) -> int:
        """Write the noted index rows in one commit; returns how many. Call it at the end of every fetch."""
        with self._lock:
            if not self._pending:
                return 0
            batch = list(self._pending)
            columns = {item.name: [getattr(row, item.name) for row in batch] for item in fields(RawRequest)}
            frame = pl.DataFrame(columns, schema=RAW_REQUESTS.polars_schema)
            commit = CommitInfo(run_id=batch[-1].run_id, code_version=self._code_version)
            self._tables.append(RAW_REQUESTS, frame, commit=commit)
            self._pending.clear()
            return len(batch)

    def requests(self, source: str, start: date | None = None, end: date | None = None) -> pl.DataFrame:
        """Index rows of a source, oldest fetch first, pages in order.

        Args:
            source: our name of the endpoint.
            start: first event date, None for all; range calls (no event date) are returned only without bounds,
                files whenever a day they cover lies within.
            end: last event date, included.

        Returns:
            Columns of `raw_requests`.
        """
        self.flush()
        lazy = self._tables.scan(RAW_REQUESTS, ordered=False).filter(pl.col("source") == source)
        if start is not None:
            lazy = lazy.filter(pl.coalesce("event_date", "covers_to") >= start)
        if end is not None:
            lazy = lazy.filter(pl.coalesce("event_date", "covers_from") <= end)
        return lazy.sort("request_key", "fetch_id", "page_number").collect()

    def newest(self, source: str, start: date | None = None, end: date | None = None) -> pl.DataFrame:
        """Pages of the newest complete fetch of each request (first page to last page, none missing)."""
        return newest_complete(self.requests(source, start, end))

    def payload(self, source: str, request: RawRequest | Mapping[str, object] | str) -> bytes:
        """The exact bytes of a landed page or file, verified against their hash.

        Args:
            source: our name of the endpoint.
            request: a row of the index (object or mapping), or the hash of the payload.

        Raises:
            ObjectMissingError: never landed, or removed.
            StoreError: the bytes changed since they landed, or the hash is not in the index.
        """
        key, digest = self._address(source, request)
        body = self._objects.get(key)
        if key.endswith(".zst"):
            body = _unpacked(body)
        if sha256_bytes(body) != digest:
            raise StoreError(
                f"raw payload {key}",
                got="bytes that no longer match their hash",
                want=f"sha256 {digest}",
                remedy="Restore the object from a backup or fetch the request again.",
            )
        return body

    def _address(self, source: str, request: RawRequest | Mapping[str, object] | str) -> tuple[str, str]:
        if isinstance(request, RawRequest):
            return request.object_key, request.sha256
        if not isinstance(request, str):
            return str(request["object_key"]), str(request["sha256"])
        found = self.requests(source).filter(pl.col("sha256") == request)
        if found.is_empty():
            raise StoreError(
                f"raw payload {request}",
                got="no such hash in the index",
                want=f"a landed page of {source}",
                remedy="Take the hash from raw.requests(source).",
            )
        return str(found["object_key"][0]), request


def _unpacked(packed: bytes) -> bytes:
    try:
        return zstandard.ZstdDecompressor().decompress(packed)
    except zstandard.ZstdError:
        return b""


def _index_row(page: RawPage, caps: FileCaps) -> RawRequest:
    digest = sha256_bytes(page.payload)
    day = page.event_date or page.covers_from or page.fetched_at.date()
    row_count, names = page.row_count, page.field_names
    if page.media != "json":
        row_count, names = measured(f"{page.source} {request_key(page.params)}", page.media, page.payload, caps)
    return RawRequest(
        source=page.source,
        request_key=request_key(page.params),
        event_date=page.event_date,
        page_number=page.page_number,
        pagination_key_next=page.pagination_key_next,
        is_last_page=page.pagination_key_next is None,
        url=page.url.split("?")[0],
        status=page.status,
        fetched_at=page.fetched_at,
        sha256=digest,
        object_key=f"raw/{page.source}/{day:%Y/%m/%d}/{digest}.{_SUFFIXES[page.media]}",
        row_count=row_count,
        byte_count=len(page.payload),
        schema_fingerprint=sha256_json(sorted(names)),
        fetch_id=page.fetch_id,
        run_id=page.run_id,
        media=page.media,
        covers_from=page.covers_from,
        covers_to=page.covers_to,
        last_modified=page.last_modified,
    )
