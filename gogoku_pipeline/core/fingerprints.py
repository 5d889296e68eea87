"""Content hashes: what a frame, a payload or a configuration *is*, whatever it is called."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
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


def sha256_frame(frame: pl.DataFrame) -> str:
    """Hex SHA-256 of a frame's columns, types and values in row order; sort it first if order carries no meaning.

    Depends on values alone: buffers behind nulls, string layout, slicing and sort flags differ between equal frames
    (so hashing their IPC form would not do).
    """
    digest = hashlib.sha256()
    for column in frame.get_columns():
        digest.update(f"{column.name}\0{column.dtype}\0{len(column)}\0".encode())
        digest.update(np.packbits(column.is_null().to_numpy()).tobytes())
        digest.update(_values(column))
    return digest.hexdigest()


def _values(column: pl.Series) -> bytes:
    """The values as bytes, nulls as zeros or empty text."""
    if column.dtype == pl.String:
        text = column.fill_null("")
        return text.str.len_bytes().to_numpy().tobytes() + "".join(text.to_list()).encode()
    if column.dtype == pl.Boolean:
        return np.packbits(column.fill_null(value=False).to_numpy()).tobytes()
    if column.dtype.is_numeric() or column.dtype.is_temporal():
        return np.ascontiguousarray(column.to_physical().fill_null(0).to_numpy()).tobytes()
    return json.dumps(column.to_list(), default=str).encode()
