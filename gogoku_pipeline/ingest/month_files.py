"""One monthly file of the publisher: fetched, looked into, judged, landed with the event days it covers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.ingest.contents import Contents, read_contents
from gogoku_pipeline.ingest.publication import are_rows_due, named, rule_of
from gogoku_pipeline.ingest.walk import landed, new_fetch_id
from gogoku_pipeline.jquants import BulkFile, JQuantsClient
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.schema.tables import Source
from gogoku_pipeline.store import RawPage, Store
from gogoku_pipeline.store.raw_requests import request_key

Month = tuple[int, int]


@dataclass(frozen=True)
class LandedMonth:
    """A monthly file that was landed.

    Attributes:
        first, last: event days it covers, both included.
        rows: rows inside.
    """

    first: date
    last: date
    rows: int


def month_of(file: BulkFile) -> Month | None:
    """The month a file holds from its first day to its last; None for the file of a single day."""
    next_month = (file.first_day.replace(day=1) + timedelta(days=32)).replace(day=1)
    is_whole = file.first_day.day == 1 and file.last_day == next_month - timedelta(days=1)
    return (file.first_day.year, file.first_day.month) if is_whole else None


def newest_by_month(files: list[BulkFile]) -> dict[Month, BulkFile]:
    """The file of each month; of two editions the one changed last. Keys are not compared: their date part counts."""
    found: dict[Month, BulkFile] = {}
    for file in sorted(files, key=lambda item: item.last_modified):
        if (month := month_of(file)) is not None:
            found[month] = file
    return found


def landed_editions(index: pl.DataFrame) -> dict[str, datetime]:
    """When each landed file of an index was last changed by the publisher, by request key."""
    newest = (
        index.filter(pl.col("last_modified").is_not_null()).group_by("request_key").agg(pl.col("last_modified").max())
    )
    return dict(newest.iter_rows())


def edition_key(file: BulkFile) -> str:
    """How the index names a bulk file."""
    return request_key({"bulk": file.key})


async def land_month(client: JQuantsClient, store: Store, source: str, file: BulkFile, run_id: str) -> LandedMonth:
    """Fetch a monthly file and land it, if what lies inside can be all there is about its days.

    Raises:
        ApiError: the service refuses, or the file is broken.
        SchemaError: a declared column is missing.
        DataError: no rows, rows of another month, or a hole in the middle of the month.
        StoreError: it could not be kept.
    """
    answer = await client.bulk_file(source, file)
    declared, thing = SOURCES[source], f"{source} file {file.key}"
    contents = await asyncio.to_thread(read_contents, thing, declared, answer.body, "csv.gz")
    today = client.clock.now().date()
    window_start = (await client.plan()).window(today)[0]
    first, last = covered(thing, declared, file, contents, max(file.first_day, window_start), answer.fetched_at)
    params = {"bulk": file.key}
    page = RawPage(
        source=source,
        params=params,
        event_date=None,
        payload=answer.body,
        row_count=contents.rows,
        page_number=1,
        pagination_key_next=None,
        url=f"{client.base_url}/bulk/get",
        status=200,
        fetched_at=answer.fetched_at,
        field_names=contents.names,
        fetch_id=new_fetch_id(request_key(params)),
        run_id=run_id,
        media="csv.gz",
        covers_from=first,
        covers_to=last,
        last_modified=file.last_modified,
    )
    await landed(store, page)
    return LandedMonth(first, last, contents.rows)


def covered(
    thing: str, source: Source, file: BulkFile, contents: Contents, start: date, fetched_at: datetime
) -> tuple[date, date]:
    """First and last event day of which a monthly file says all there is.

    A file may begin later than its month (the plan's window, the publisher's first day) or end earlier (days that are
    not final); a hole in the middle where rows are due makes it unusable.

    Raises:
        DataError: rows of another month, or a hole.
    """
    if outside := [day for day in contents.days if not file.first_day <= day <= file.last_day]:
        raise _unusable(thing, f"rows of {named(outside)}", f"rows of {file.first_day} .. {file.last_day}")
    rule = rule_of(source.name)
    month = [file.first_day + timedelta(days=n) for n in range((file.last_day - file.first_day).days + 1)]
    days = [day for day in month if day >= start and rule.final_at(day) <= fetched_at]
    lacking = [day for day in days if rule.has_events(day) and are_rows_due(source, day) and day not in contents.days]
    if holes := [day for day in lacking if contents.first < day < contents.last]:
        raise _unusable(thing, f"no rows of {named(holes)}", "rows, because they are due on these days")
    first = contents.first if any(day < contents.first for day in lacking) else max(start, file.first_day)
    last = contents.last if any(day > contents.last for day in lacking) else max(days, default=contents.last)
    return first, min(last, max(days, default=last))


def _unusable(thing: str, got: str, want: str) -> DataError:
    return DataError(thing, got=got, want=want, remedy="Its days are asked one by one; report the file if it stays so.")
