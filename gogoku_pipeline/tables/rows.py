"""The rows of a landing as columns, exactly as they came: JSON pages, CSV files, parquet files.

Nothing is interpreted here. A JSON cell is a Python value (ABSENT where a row lacks the key), a CSV cell is text
(empty is null), a parquet cell has the file's own type.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, Literal

import polars as pl
from pydantic_core import from_json

from gogoku_pipeline.core.errors import PayloadError
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.landings import Walk

ABSENT: Final = object()
"""Stands for a key that a row does not have."""

Form = Literal["json", "csv", "parquet"]

Cells = Sequence[Any] | pl.Series
"""The values of one field, one per row."""


@dataclass(frozen=True)
class RawRows:
    """Every row of a landing, column by column.

    Attributes:
        height: number of rows.
        cells: values by field, in the order in which the fields were seen.
        pages: (hash, number of rows) of each page, in order.
        form: what the cells are.
    """

    height: int
    cells: Mapping[str, Cells]
    pages: tuple[tuple[str, int], ...]
    form: Form

    def row(self, n: int) -> dict[str, Any]:
        """One row as it came."""
        return {name: cells[n] for name, cells in self.cells.items() if cells[n] is not ABSENT}

    def place(self, n: int) -> tuple[str, int]:
        """The page a row came on (its hash) and the row's place in that page, from 0."""
        ends = list(accumulate(rows for _, rows in self.pages))
        page = next(number for number, end in enumerate(ends) if n < end)
        return self.pages[page][0], n - (ends[page] - self.pages[page][1])


def read_rows(store: Store, walk: Walk) -> RawRows:
    """The rows of a fetch or of a file.

    Raises:
        PayloadError: a page that is not ``{"data": [{...}, ...]}``, a file that is no table, or another number of
            rows than indexed.
    """
    first = walk.pages[0]
    media = first.get("media") or "json"
    if media == "json":
        return _json_rows(store, walk)
    body = store.raw.payload(walk.source, first)
    try:
        frame = csv_frame(body, walk.row_count) if media == "csv.gz" else pl.read_parquet(io.BytesIO(body))
    except (pl.exceptions.PolarsError, OSError, EOFError) as problem:
        raise _unreadable(walk, first, str(problem).splitlines()[0], f"a {media} table") from None
    if frame.height != walk.row_count:
        raise _unreadable(walk, first, f"{frame.height} rows", f"{walk.row_count} rows")
    pages = ((str(first["sha256"]), frame.height),)
    form: Form = "csv" if media == "csv.gz" else "parquet"
    return RawRows(frame.height, {name: frame[name] for name in frame.columns}, pages, form)


def _json_rows(store: Store, walk: Walk) -> RawRows:
    rows: list[dict[str, Any]] = []
    pages = []
    for page in walk.pages:
        found = _page_rows(store, walk, page)
        pages.append((str(page["sha256"]), len(found)))
        rows.extend(found)
    return RawRows(len(rows), columns_of(rows), tuple(pages), "json")


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Cells]:
    """JSON rows turned into columns; where all rows have the same keys without looking at each."""
    shapes = dict.fromkeys(map(tuple, rows))  # a handful of key lists, however many rows
    if not shapes:
        return {}
    if len(shapes) == 1:
        (names,) = shapes
        return dict(zip(names, zip(*(row.values() for row in rows), strict=True), strict=True))
    names = tuple(dict.fromkeys(name for shape in shapes for name in shape))
    return {name: [row.get(name, ABSENT) for row in rows] for name in names}


def _page_rows(store: Store, walk: Walk, page: Mapping[str, Any]) -> list[dict[str, Any]]:
    try:
        body = from_json(store.raw.payload(walk.source, page), cache_strings="keys")
    except ValueError:
        body = None
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list) or set(map(type, rows)) - {dict} or len(rows) != page["row_count"]:
        got = "a body of another shape" if not isinstance(rows, list) else f"{len(rows)} entries"
        raise _unreadable(walk, page, got, f'{{"data": [...]}} with {page["row_count"]} rows')
    return rows


def csv_frame(body: bytes, row_count: int) -> pl.DataFrame:
    """A packed CSV file as text columns, null where a cell is empty; blank lines beyond the row count are no rows."""
    frame = pl.read_csv(gzip.decompress(body), infer_schema=False)
    if frame.height > row_count:
        frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    return frame


def _unreadable(walk: Walk, page: Mapping[str, Any], got: str, want: str) -> PayloadError:
    return PayloadError(
        f"landed page {page['object_key']}",
        got=got,
        want=want,
        remedy=f"Fetch it again: `gogoku fetch {walk.source} {walk.event_date or 'FIRST LAST'} --refetch`.",
    )
