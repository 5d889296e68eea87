"""Response rows as JSON text, encoded once: a blob with the place where each row ends, so that a page is a slice."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any


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


def from_text(rows: Iterable[str]) -> Rows:
    """Rows from JSON texts."""
    encoded = [row.encode() for row in rows]
    ends = accumulate((len(row) for row in encoded), lambda total, size: total + size + 1)
    return Rows(b",".join(encoded), tuple(ends))


def from_mappings(rows: Iterable[Mapping[str, Any]]) -> Rows:
    """Rows from dictionaries."""
    return from_text(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)


EMPTY = Rows(b"", ())
