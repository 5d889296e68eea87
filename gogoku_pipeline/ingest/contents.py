"""What lies inside a file: how many rows of which event days, under which names. Values are not interpreted."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from io import BytesIO

import polars as pl

from gogoku_pipeline.core.errors import DataError, GogokuError, PayloadError, SchemaError
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.schema.tables import Source
from gogoku_pipeline.store.raw import Media

MOST_UNPACKED = 1 << 30
"""Largest unpacked file that is read; a month of the largest source has about a tenth of it."""

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes:
        names: column names in the file's order.
        rows: rows below the header.
        days: rows of each event day, oldest first.
        codes: how many different issues, 0 for a source without codes.
    """

    names: tuple[str, ...]
    rows: int
    days: Mapping[date, int]
    codes: int = 0

    @property
    def first(self) -> date:
        """The oldest event day."""
        return min(self.days)

    @property
    def last(self) -> date:
        """The newest event day."""
        return max(self.days)


def unpacked(thing: str, body: bytes, most: int = MOST_UNPACKED) -> bytes:
    """The text of a gzip file, refused while it streams if it grows above `most` bytes.

    Raises:
        PayloadError: not gzip, cut off, or too large.
    """
    text, rest = bytearray(), memoryview(body)
    while rest:
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            text += member.decompress(rest, most + 1 - len(text))
            while not member.eof and member.unconsumed_tail and len(text) <= most:
                text += member.decompress(member.unconsumed_tail, most + 1 - len(text))
        except zlib.error:
            raise _refused(thing, "bytes that are not whole gzip", "a gzip file") from None
        if len(text) > most:
            raise _refused(thing, f"more than {most} bytes unpacked", "a smaller file")
        if not member.eof:
            raise _refused(thing, "a gzip file that ends early", "the whole file")
        rest = memoryview(member.unused_data)
    return bytes(text)


def header(thing: str, body: bytes, media: Media, most: int = MOST_UNPACKED) -> tuple[str, ...]:
    """The column names of a file; raises PayloadError for one that cannot be read."""
    try:
        if media == "parquet":
            return tuple(pl.read_parquet_schema(BytesIO(body)))
        return tuple(pl.read_csv(unpacked(thing, body, most), n_rows=0, infer_schema=False).columns)
    except (pl.exceptions.PolarsError, OSError) as problem:
        raise _unreadable(thing, problem) from None


def read_contents(thing: str, source: Source, body: bytes, media: Media, *, most: int = MOST_UNPACKED) -> Contents:
    """Look into a file of a source.

    Args:
        thing: what it is, for messages.
        source: what it should hold.
        body: the file as received.
        media: `csv.gz` or `parquet`.
        most: cap on the unpacked bytes.

    Raises:
        PayloadError: it cannot be read, or is above the cap.
        SchemaError: a declared column is missing.
        DataError: no rows, or event dates that are none.
    """
    names = header(thing, body, media, most)
    if missing := missing_fields(source, names):
        raise SchemaError(
            thing,
            got=f"no column {', '.join(missing[:5])}" + (f" and {len(missing) - 5} more" if len(missing) > 5 else ""),
            want=f"every declared field of {source.name}",
            remedy="Export the file again with the publisher's column names, or name its source.",
        )
    frame = _columns(thing, body, media, [source.event, *(["Code"] if "Code" in names else [])], most)
    if frame.is_empty():
        raise DataError(thing, got="no rows", want="rows", remedy="Leave the file out or export it again.")
    days = frame.group_by(pl.col(source.event).cast(pl.String).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False))
    counted = dict(days.len().sort(source.event).iter_rows())
    if None in counted:
        raise DataError(
            thing,
            got=f"{counted[None]} rows whose {source.event} is no date",
            want="YYYY-MM-DD",
            remedy="Export the file again with dates as the publisher writes them.",
        )
    codes = frame["Code"].n_unique() if "Code" in frame.columns else 0
    return Contents(names, frame.height, counted, codes)


def missing_fields(source: Source, names: tuple[str, ...]) -> list[str]:
    """Declared fields of the source's own plan that a header lacks; later additions of the publisher may be absent."""
    return [
        field.name for field in source.fields_for(source.lowest_plan) if not field.optional and field.name not in names
    ]


def declared(source_name: str) -> Source:
    """A source by name; raises SchemaError."""
    if source_name not in SOURCES:
        raise SchemaError(
            f"source {source_name!r}", got="an unknown name", want=f"one of {sorted(SOURCES)}", remedy="Correct it."
        )
    return SOURCES[source_name]


def _columns(thing: str, body: bytes, media: Media, columns: list[str], most: int) -> pl.DataFrame:
    try:
        if media == "parquet":
            return pl.read_parquet(BytesIO(body), columns=columns)
        return pl.read_csv(unpacked(thing, body, most), columns=columns, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as problem:
        raise _unreadable(thing, problem) from None


def _refused(thing: str, got: str, want: str) -> PayloadError:
    return PayloadError(thing, got=got, want=want, remedy="Fetch or export the file again; nothing of it was kept.")


def _unreadable(thing: str, problem: Exception) -> GogokuError:
    words = (str(problem).splitlines() or [type(problem).__name__])[0][:120]
    return _refused(thing, f"a file that cannot be read ({words})", "a UTF-8 table with a header")
