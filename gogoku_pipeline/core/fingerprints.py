"""Content hashes: what a frame, a payload or a configuration *is*, whatever it is called."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import polars as pl


def sha256_bytes(payload: bytes) -> str:
    """Hex SHA-256 of bytes."""
    return hashlib.sha256(payload).hexdigest()


def sha256_json(value: Mapping[str, Any] | list[Any]) -> str:
    """Hex SHA-256 of a value in canonical JSON (sorted keys, no spaces)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return sha256_bytes(text.encode())


def sha256_arrays(arrays: Mapping[str, Any]) -> str:
    """Hex SHA-256 of arrays by name: their values, types and shapes, whatever order they come in."""
    found = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    return sha256_json([[name, str(a.dtype), list(a.shape), sha256_bytes(a.tobytes())] for name, a in found.items()])


def sha256_frame(frame: pl.DataFrame) -> str:
    """Hex SHA-256 of a frame's columns, types and values in row order; sort it first if order carries no meaning.

    Depends on values alone: buffers behind nulls, string layout, slicing and sort flags differ between equal frames
    (so hashing their IPC form would not do).
    """
    return sha256_slices(frame, [frame.height])[0]


def sha256_slices(frame: pl.DataFrame, heights: Sequence[int]) -> list[str]:
    """`sha256_frame` of consecutive slices of a frame; every column is prepared once, however many slices there are.

    Args:
        frame: the slices, one below the other.
        heights: rows of each slice; their sum is the height of the frame.
    """
    digests = [hashlib.sha256() for _ in heights]
    edges = list(accumulate(heights, initial=0))
    for column in frame.get_columns():
        label, is_null, values = f"{column.name}\0{column.dtype}", column.is_null().to_numpy(), _values(column)
        for digest, first, last in zip(digests, edges, edges[1:], strict=False):
            digest.update(f"{label}\0{last - first}\0".encode())
            digest.update(np.packbits(is_null[first:last]).tobytes())
            digest.update(values(first, last))
    return [digest.hexdigest() for digest in digests]


def _values(column: pl.Series) -> Callable[[int, int], bytes]:
    """The values between two rows as bytes, nulls as zeros or empty text."""
    if column.dtype == pl.String:
        return _texts(column.fill_null(""))
    if column.dtype == pl.Boolean:
        claims = column.fill_null(value=False).to_numpy()
        return lambda first, last: np.packbits(claims[first:last]).tobytes()
    if column.dtype.is_numeric() or column.dtype.is_temporal():
        numbers = column.to_physical().fill_null(0).to_numpy()
        return lambda first, last: numbers[first:last].tobytes()
    return lambda first, last: json.dumps(column[first:last].to_list(), default=str).encode()


def _texts(column: pl.Series) -> Callable[[int, int], bytes]:
    """The length of each text, then the texts."""
    lengths, whole = column.str.len_bytes().to_numpy(), "".join(column.to_list()).encode()
    ends = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    return lambda first, last: lengths[first:last].tobytes() + whole[ends[first] : ends[last]]
