"""Response rows as JSON text, encoded once: a blob with the place where each row ends, so that a page is a slice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
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
        start = 0 if first == 0 else self.ends[first - 1] + 1
        return self.blob[start : self.ends[stop - 1]]

    def page_stop(self, first: int, page_bytes: int) -> int:
        """End of the page that begins at row `first`: as many rows as fit into the byte limit, at least one."""
        start = 0 if first == 0 else self.ends[first - 1] + 1
        stop = first + 1
        while stop < len(self.ends) and self.ends[stop] - start <= page_bytes:
            stop += 1
        return min(stop, len(self.ends))

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
    encoded = [json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() for row in rows]
    ends = accumulate(encoded, lambda end, row: end + 1 + len(row), initial=-1)
    return Rows(b",".join(encoded), tuple(ends)[1:])


EMPTY = Rows(b"", ())
