"""Files a user already has: recognised, looked into, landed like any answer; one that is no good stops no other."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.core.errors import ApiError, ConfigError, DataError, GogokuError, PayloadError, SchemaError
from gogoku_pipeline.core.fingerprints import sha256_bytes
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.ingest.contents import Contents, declared, header, read_contents
from gogoku_pipeline.ingest.publication import are_rows_due, named, rule_of
from gogoku_pipeline.ingest.recognise import month_by_name, source_by_header, source_by_name
from gogoku_pipeline.ingest.report import Progress
from gogoku_pipeline.ingest.walk import new_fetch_id
from gogoku_pipeline.schema.availability import RULES
from gogoku_pipeline.schema.tables import Source
from gogoku_pipeline.store import RawPage, Store
from gogoku_pipeline.store.raw import Media
from gogoku_pipeline.store.raw_files import FileCaps
from gogoku_pipeline.store.raw_requests import request_key

_LOG = logger("ingest")
_FORMS: dict[str, Media] = {".csv": "csv.gz", ".csv.gz": "csv.gz", ".parquet": "parquet"}
_NO_GOOD = (ApiError, SchemaError, DataError)


@dataclass(frozen=True)
class LandedFile:
    """What became of one file.

    Attributes:
        name: path below the folder.
        source: what it holds; empty if it was not recognised.
        outcome: landed, known (the same bytes were landed before) or refused.
        rows: rows inside.
        first, last: event days it covers, both included.
        problem: why it was refused, in words.
    """

    name: str
    source: str
    outcome: Literal["landed", "known", "refused"]
    rows: int = 0
    first: date | None = None
    last: date | None = None
    problem: str = ""


@dataclass(frozen=True)
class FileBody:
    """A file in hand.

    Attributes:
        name: how the index calls it.
        media: its form.
        body: its bytes; a plain CSV is compressed, everything else is as received.
        url: where it came from, empty for a folder of the user.
    """

    name: str
    media: Media
    body: bytes
    url: str = ""


def land_files(
    store: Store,
    directory: Path,
    *,
    run_id: str,
    clock: Clock,
    source: str | None = None,
    progress: Progress | None = None,
) -> list[LandedFile]:
    """Land the bulk files a user has: CSV, CSV.gz or parquet with the publisher's column names, in any subfolder.

    The source is told by the publisher's file name, else by the columns, unless it is given. A file covers the event
    days from its first to its last row, so it must hold every issue of these days. The same bytes land once.

    Args:
        store: where they land.
        directory: the folder.
        run_id: noted with every file.
        clock: the instant that counts as theirs; a row known earlier than it was landed is typed by its rule.
        source: what all files hold; None to recognise each.
        progress: told after every file.

    Returns:
        One entry per file, in order of names.

    Raises:
        ConfigError: no such folder, or no file in it that could be read.
        SchemaError: an unknown source.
        StoreError: a file could not be kept.
    """
    given = declared(source) if source is not None else None
    paths = sorted(_candidates(directory))
    if not paths:
        raise ConfigError(
            f"files in {directory}",
            got="none" if directory.is_dir() else "no such folder",
            want=f"files that end in {', '.join(_FORMS)}",
            remedy="Name the folder with the bulk files.",
        )
    outcomes = []
    desk = LandingDesk(store, clock.now(), run_id)
    try:
        for path in paths:
            name = path.relative_to(directory).as_posix()
            outcomes.append(_one(desk, path, name, given))
            if progress is not None:
                progress.advance(1, name)
    finally:
        store.raw.flush()
    return outcomes


def _candidates(directory: Path) -> Iterator[Path]:
    return (path for path in directory.rglob("*") if path.is_file() and _form(path) is not None)


def _form(path: Path) -> str | None:
    return next(
        (suffix for suffix in sorted(_FORMS, key=len, reverse=True) if path.name.lower().endswith(suffix)), None
    )


def _one(desk: LandingDesk, path: Path, name: str, given: Source | None) -> LandedFile:
    found = given or source_by_name(name)
    try:
        file = read_file(path, name)
        found = found or source_by_header(f"file {name}", header(f"file {name}", file.body, file.media))
        return desk.land(found, file)
    except _NO_GOOD as problem:
        _LOG.warning("%s", problem)
        return LandedFile(name, found.name if found else "", "refused", problem=str(problem))


def read_file(path: Path, name: str) -> FileBody:
    """The bytes of a file in the form in which they are landed; raises PayloadError for one above the cap."""
    size, most = path.stat().st_size, FileCaps().packed_bytes
    if size > most:
        raise PayloadError(f"file {name}", got=f"{size} bytes", want=f"at most {most}", remedy="Split it by month.")
    form = _form(path) or ".csv"
    body = path.read_bytes()
    return FileBody(name, _FORMS[form], gzip.compress(body, mtime=0) if form == ".csv" else body)


class LandingDesk:
    """Lands files, each kind of bytes once.

    Args:
        store: where they land; the caller flushes the index.
        fetched_at: the instant that counts as theirs.
        run_id: noted with each.
    """

    def __init__(self, store: Store, fetched_at: datetime, run_id: str) -> None:
        self._store = store
        self._fetched_at = fetched_at
        self._run_id = run_id
        self._known: dict[str, set[str]] = {}

    def land(self, source: Source, file: FileBody) -> LandedFile:
        """Look into a file and land it with the event days it covers.

        Raises:
            ApiError, SchemaError, DataError: it is no good, and why.
            StoreError: it could not be kept.
        """
        thing = f"file {file.name}"
        contents = read_contents(thing, source, file.body, file.media)
        first, last = _span(file.name, source, contents, self._fetched_at)
        if source.name not in self._known:
            self._known[source.name] = set(self._store.raw.requests(source.name)["sha256"])
        digest = sha256_bytes(file.body)
        if digest in self._known[source.name]:
            return LandedFile(file.name, source.name, "known", contents.rows, first, last)
        params = {"file": file.name}
        row = self._store.raw.land(
            RawPage(
                source=source.name,
                params=params,
                event_date=None,
                payload=file.body,
                row_count=contents.rows,
                page_number=1,
                pagination_key_next=None,
                url=file.url,
                status=200,
                fetched_at=self._fetched_at,
                field_names=contents.names,
                fetch_id=new_fetch_id(request_key(params)),
                run_id=self._run_id,
                media=file.media,
                covers_from=first,
                covers_to=last,
            )
        )
        self._known[source.name].add(digest)
        return LandedFile(file.name, source.name, "landed", row.row_count, first, last)


def _span(name: str, source: Source, contents: Contents, fetched_at: datetime) -> tuple[date, date]:
    """First and last event day of which the file says all there is; raises DataError where it cannot.

    The days of its rows count. A month under the publisher's name holds the silent days of an event log too.
    """
    thing = f"file {name}"
    if source.axis == "now":
        raise _no_good(thing, f"a snapshot ({source.name})", "a source with event days")
    if contents.codes == 1 and len(contents.days) > 1 and source.empty != "may":
        raise _no_good(thing, "the rows of a single issue", "every issue of each day")
    if source.name not in RULES or source.axis == "range":
        return contents.first, contents.last
    rule = rule_of(source.name)
    final = [day for day in contents.days if rule.final_at(day) <= fetched_at]
    if not final:
        raise _no_good(thing, "only days that are not final yet", "days that were published")
    sessions = (day for day in tse_calendar().between(min(final), max(final)) if rule.has_events(day))
    if holes := [day for day in sessions if day not in contents.days and are_rows_due(source, day)]:
        raise _no_good(thing, f"no rows of {named(holes)}", "every session from its first day to its last")
    month = month_by_name(name)
    is_whole = month is not None and month[0] <= contents.first and contents.last <= month[1]
    if source.empty == "may" and month is not None and is_whole and rule.final_at(month[1]) <= fetched_at:
        return month
    return min(final), max(final)


def _no_good(thing: str, got: str, want: str) -> GogokuError:
    return DataError(thing, got=got, want=want, remedy="Leave the file out, or export whole days.")
