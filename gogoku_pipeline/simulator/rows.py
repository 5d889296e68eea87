"""Response rows as JSON text, encoded once: a blob with the place where each row ends, so that a page is a slice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Rows:
    """Encoded rows of one answer.

    Attributes:
        blob: rows joined by commas.
        ends: place in the blob where each row ends (the comma not included).
    """

    blob: bytes
    ends: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.ends)

    def between(self, first: int, stop: int) -> bytes:
        """Rows [first, stop) as the inside of a JSON array."""
        if stop <= first:
            return b""
        start = self._start(first)
        return self.blob[start : self.ends[stop - 1]]

    def page_stop(self, first: int, page_bytes: int) -> int:
        """End of the page that begins at row `first`: as many rows as fit into the byte limit, at least one."""
        start = self._start(first)
        stop = first + 1
        while stop < len(self.ends) and self.ends[stop] - start <= page_bytes:
            stop += 1
        return min(stop, len(self.ends))

    def pick(self, places: Sequence[int]) -> Rows:
        """Some of the rows, in the order given."""
        return join(
            [Rows(self.between(place, place + 1), (self.ends[place] - self._start(place),)) for place in places]
        )

    def _start(self, row: int) -> int:
        return 0 if row == 0 else self.ends[row - 1] + 1

    def decoded(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        result: list[dict[str, Any]] = json.loads(b"[" + self.blob + b"]")
        return result


def from_frame(frame: pl.DataFrame) -> Rows:
    """Rows from a frame, keys in column order; numbers are written with a fraction if the column is a float."""
    if frame.is_empty():
        return EMPTY
    lines = frame.write_ndjson().encode()
    ends = np.flatnonzero(np.frombuffer(lines, dtype=np.uint8) == ord("\n"))
    return Rows(lines[:-1].replace(b"\n", b","), tuple(ends.tolist()))


def from_mappings(rows: Iterable[Mapping[str, Any]]) -> Rows:
    """Rows from dictionaries, whatever their keys."""
    return _joined([json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() for row in rows])


def _joined(encoded: Sequence[bytes]) -> Rows:
    ends = accumulate(encoded, lambda end, row: end + 1 + len(row), initial=-1)
    return Rows(b",".join(encoded), tuple(ends)[1:])


def join(parts: Sequence[Rows]) -> Rows:
    """The rows of several answers, one after the other."""
    full = [part for part in parts if len(part)]
    if len(full) == 1:
        return full[0]
    ends: list[int] = []
    offset = 0
    for part in full:
        ends.extend(offset + end for end in part.ends)
        offset += len(part.blob) + 1
    return Rows(b",".join(part.blob for part in full), tuple(ends))


EMPTY = Rows(b"", ())
