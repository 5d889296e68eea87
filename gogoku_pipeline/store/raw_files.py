"""What lands as a file is read through once before it is kept: is it whole, how many rows, which columns.

Nothing is unpacked into memory: a file that promises little and unpacks to terabytes is refused while it streams.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gogoku_pipeline.core.errors import PayloadError

_CHUNK = 1 << 20
_LONGEST_HEADER = 1 << 16
_MOST_COLUMNS = 2_000
_QUOTE, _LINE_BREAK = ord('"'), ord("\n")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_ .,()/-]*")


@dataclass(frozen=True)
class FileCaps:
    """How large a file may be.

    Attributes:
        packed_bytes: as received.
        bytes: unpacked.
        rows: rows below the header.
    """

    packed_bytes: int = 512 << 20
    bytes: int = 4 << 30
    rows: int = 50_000_000


def measured(thing: str, media: str, body: bytes, caps: FileCaps) -> tuple[int, tuple[str, ...]]:
    """Rows and column names of a file, found without keeping it in memory.

    Args:
        thing: what it is, for messages.
        media: `csv.gz` or `parquet`.
        body: the file as received.
        caps: how large it may be.

    Returns:
        Number of rows, and the column names in the file's order.

    Raises:
        PayloadError: not what the media says, cut off, without a header, or above a cap.
    """
    if len(body) > caps.packed_bytes:
        raise _refused(thing, f"{len(body)} bytes", f"at most {caps.packed_bytes}")
    if media == "csv.gz":
        return _csv(thing, body, caps)
    if media == "parquet":
        return _parquet(thing, body, caps)
    raise _refused(thing, f"a file of form {media!r}", "csv.gz or parquet")


def _csv(thing: str, body: bytes, caps: FileCaps) -> tuple[int, tuple[str, ...]]:
    lines, header, text = _Lines(), bytearray(), codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in _unpacked(thing, body, caps):
            text.decode(chunk)
            if len(header) < _LONGEST_HEADER:
                header += chunk[:_LONGEST_HEADER]
            lines.feed(chunk)
            if lines.finished() - 1 > caps.rows:
                raise _refused(thing, f"more than {caps.rows} rows", "fewer")
        text.decode(b"", final=True)
    except UnicodeDecodeError:
        raise _refused(thing, "text that is not UTF-8", "a UTF-8 table") from None
    if lines.is_quoted:
        raise _refused(thing, "a quoted value that never ends", "whole lines")
    return lines.finished() - 1, _names(thing, bytes(header))


def _unpacked(thing: str, body: bytes, caps: FileCaps) -> Iterator[bytes]:
    total = 0
    try:
        with gzip.GzipFile(fileobj=BytesIO(body)) as stream:
            while chunk := stream.read(_CHUNK):
                total += len(chunk)
                if total > caps.bytes:
                    raise _refused(thing, f"more than {caps.bytes} bytes unpacked", "fewer")
                yield chunk
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise _refused(thing, "bytes that are not whole gzip", "a gzip file") from None


class _Lines:
    """Counts lines that hold anything; a line break between quotes ends no line."""

    def __init__(self) -> None:
        self.is_quoted = False
        self._count = 0
        self._is_begun = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        letters = np.frombuffer(chunk.replace(b"\r", b""), dtype=np.uint8)
        if not letters.size:
            return
        quotes = np.cumsum(letters == _QUOTE, dtype=np.int64) + self.is_quoted
        ends = (letters == _LINE_BREAK) & (quotes % 2 == 0)
        is_blank = np.empty_like(ends)
        is_blank[0] = not self._is_begun
        is_blank[1:] = ends[:-1]
        self._count += int(np.count_nonzero(ends & ~is_blank))
        self._is_begun = not ends[-1]
        self.is_quoted = bool(quotes[-1] % 2)

    def finished(self) -> int:
        """Lines so far, the unfinished one included."""
        return self._count + self._is_begun


def _names(thing: str, start: bytes) -> tuple[str, ...]:
    line = start.removeprefix(codecs.BOM_UTF8).split(b"\n", 1)[0].rstrip(b"\r")
    try:
        names = next(csv.reader([line.decode("utf-8", errors="replace")]), [])
    except csv.Error:
        names = []
    return _checked_names(thing, names)


def _checked_names(thing: str, names: list[str]) -> tuple[str, ...]:
    is_header = 0 < len(names) <= _MOST_COLUMNS and all(_NAME.fullmatch(name) for name in names)
    if not is_header or len(set(names)) != len(names):
        raise _refused(thing, "no header, or one with columns that are odd or double", "column names in the first line")
    return tuple(names)


def _parquet(thing: str, body: bytes, caps: FileCaps) -> tuple[int, tuple[str, ...]]:
    try:
        footer = pq.ParquetFile(BytesIO(body)).metadata
    except (pa.ArrowException, OSError):
        raise _refused(thing, "bytes that are not parquet", "a parquet file") from None
    size = sum(footer.row_group(place).total_byte_size for place in range(footer.num_row_groups))
    if footer.num_rows > caps.rows or size > caps.bytes:
        raise _refused(thing, f"{footer.num_rows} rows in {size} bytes", f"{caps.rows} rows and {caps.bytes} bytes")
    return int(footer.num_rows), _checked_names(thing, list(footer.schema.to_arrow_schema().names))


def _refused(thing: str, got: str, want: str) -> PayloadError:
    remedy = "Fetch or export the file again; nothing of it was kept."
    return PayloadError(thing, got=got, want=want, remedy=remedy)
