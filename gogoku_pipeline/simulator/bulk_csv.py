"""Bulk files as the service writes them: gzip CSV, UTF-8, CRLF, the header of the JSON keys, nothing for null.

Nested objects are JSON text. An empty text and a null are both an empty field: a CSV cannot tell them apart.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from gogoku_pipeline.simulator.book import DayRows

FAST = 1


def encode_csv(days: Sequence[DayRows], keys: Sequence[str]) -> bytes:
    """Rows of some days as the bytes of a file.

    Args:
        days: rows of each day, in the order in which they are to appear.
        keys: header; empty for the rows' own keys.
    """
    full = [day for day in days if len(day)]
    frames = [day for day in full if isinstance(day, pl.DataFrame)]
    text = _of_frames(frames, keys) if len(frames) == len(full) else _of_mappings(full, keys)
    return gzip.compress(text, compresslevel=FAST, mtime=0)


def decode_csv(body: bytes) -> list[dict[str, Any]]:
    """The rows of a file, every value a text."""
    return list(csv.DictReader(io.StringIO(gzip.decompress(body).decode(), newline="")))


def _of_frames(frames: Sequence[pl.DataFrame], keys: Sequence[str]) -> bytes:
    if not frames:
        return _header(keys)
    frame = pl.concat(frames, how="vertical" if len({tuple(one.columns) for one in frames}) == 1 else "diagonal")
    if keys:
        frame = frame.select([key for key in keys if key in frame.columns])
    nested = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Struct)]
    frame = frame.with_columns(pl.col(nested).struct.json_encode()) if nested else frame
    texts = pl.col(pl.String)
    frame = frame.with_columns(pl.when(texts != "").then(texts).name.keep())
    return frame.write_csv(line_terminator="\r\n").encode()


def _of_mappings(days: Sequence[DayRows], keys: Sequence[str]) -> bytes:
    rows = [row for day in days for row in (day.iter_rows(named=True) if isinstance(day, pl.DataFrame) else day)]
    header = list(keys) or list(dict.fromkeys(key for row in rows for key in row))
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(_fields([row.get(key) for key in header]) for row in rows)
    return out.getvalue().encode()


def _header(keys: Sequence[str]) -> bytes:
    return (",".join(keys) + "\r\n").encode() if keys else b""


def _fields(values: list[Any]) -> list[Any]:
    """A row as it is written: a null is nothing (the writer's own way), an object is JSON text."""
    if dict not in set(map(type, values)):
        return values
    return [
        json.dumps(value, ensure_ascii=False, separators=(",", ":")) if isinstance(value, dict) else value
        for value in values
    ]
