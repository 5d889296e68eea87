"""Answers written by hand for any source: rows in the publisher's forms, landed as pages or files."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.schema.columns import SourceField
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from gogoku_pipeline.schema.tables import Source
from gogoku_pipeline.store import RawPage, Store

TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (date(2024, 5, day) for day in (7, 8, 9, 10))
LATER = datetime(2024, 6, 1, 7, tzinfo=JST)

_walks = itertools.count()

Row = dict[str, Any]


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=JST)


def source_row(name: str, day: date, n: int = 0, **changed: Any) -> Row:
    """A good row of a source; rows of different n have different keys."""
    source = SOURCES[name]
    row = {field.name: _value(source, field, day, n) for field in source.fields}
    return row | changed


def _value(source: Source, field: SourceField, day: date, n: int) -> Any:
    table = TABLE_OF[source.name]
    column = next((column for column in table.columns if field.name in (column.source, column.inside)), None)
    if column is not None and column.allowed:
        return column.allowed[0]
    if field.name == "Code" and "code" in table.polars_schema:
        return f"{1000 + n}0"
    by_kind: dict[str, Any] = {
        "text": f"x{n}",
        "number": 10.5 + n,
        "factor": 0.5,
        "text_number": f"{10.25 + n}",
        "date": day.isoformat(),
        "time": "15:00",
        "flag": "1",
        "truth": "true",
        "object": {"Restricted": "0", "DailyPublication": "1", "label, with comma": str(n)},
    }
    return by_kind[field.kind]


def as_json(rows: Sequence[Row], *, next_key: str | None = None) -> bytes:
    body: Row = {"data": list(rows)} | ({"pagination_key": next_key} if next_key else {})
    return json.dumps(body, ensure_ascii=False).encode()


def as_csv(name: str, rows: Sequence[Row]) -> bytes:
    """A bulk file as the publisher writes it: gzip, CRLF, a header, empty for null, everything else as text."""
    names = list(
        dict.fromkeys([*(field.name for field in SOURCES[name].fields), *(key for row in rows for key in row)])
    )
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(names)
    lines.writerows([_cell(row.get(key)) for key in names] for row in rows)
    return gzip.compress(text.getvalue().encode())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | bool) else str(value)


def as_parquet(rows: Sequence[Row]) -> bytes:
    body = io.BytesIO()
    pl.DataFrame(rows).write_parquet(body)
    return body.getvalue()


def land_answer(
    store: Store,
    name: str,
    day: date | None,
    *pages: Sequence[Row],
    fetched_at: datetime = LATER,
    params: dict[str, str] | None = None,
) -> None:
    """Land one complete fetch of a day (None: a range) as JSON pages."""
    fetch_id = f"answer-{next(_walks):06}"
    for number, rows in enumerate(pages, start=1):
        is_last = number == len(pages)
        asked = params or ({"date": day.isoformat()} if day else {"from": "2008-05-07"})
        body = as_json(rows, next_key=None if is_last else f"{number}.")
        _land(store, name, asked, day, body, len(rows), number, is_last, fetched_at, fetch_id)


def land_file(
    store: Store,
    name: str,
    covers: tuple[date, date],
    body: bytes,
    *,
    fetched_at: datetime = LATER,
    media: str = "csv.gz",
    last_modified: datetime | None = None,
) -> None:
    """Land one file that covers some days."""
    asked = {"bulk": f"{name}_{covers[0]:%Y%m}"}
    fetch_id = f"answer-{next(_walks):06}"
    _land(
        store,
        name,
        asked,
        None,
        body,
        0,
        1,
        True,
        fetched_at,
        fetch_id,
        media=media,
        covers=covers,
        last_modified=last_modified,
    )


def _land(
    store: Store,
    name: str,
    params: dict[str, str],
    day: date | None,
    body: bytes,
    rows: int,
    number: int,
    is_last: bool,
    fetched_at: datetime,
    fetch_id: str,
    *,
    media: str = "json",
    covers: tuple[date, date] | tuple[None, None] = (None, None),
    last_modified: datetime | None = None,
) -> None:
    store.raw.land(
        RawPage(
            source=name,
            params=params,
            event_date=day,
            payload=body,
            row_count=rows,
            page_number=number,
            pagination_key_next=None if is_last else f"{number}.",
            url=f"https://example.invalid{SOURCES[name].path}" if name in SOURCES else "https://example.invalid",
            status=200,
            fetched_at=fetched_at + timedelta(seconds=number),
            field_names=(),
            fetch_id=fetch_id,
            run_id="test",
            media=media,  # type: ignore[arg-type]
            covers_from=covers[0],
            covers_to=covers[1],
            last_modified=last_modified,
        )
    )
