"""Content hashes: what a frame, a payload or a configuration *is*, whatever it is called."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from typing import Any

import polars as pl


def sha256_bytes(payload: bytes) -> str:
    """Hex SHA-256 of bytes."""
    return hashlib.sha256(payload).hexdigest()


def sha256_json(value: Mapping[str, Any] | list[Any]) -> str:
    """Hex SHA-256 of a value in canonical JSON (sorted keys, no spaces)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return sha256_bytes(text.encode())


def sha256_frame(frame: pl.DataFrame) -> str:
    """Hex SHA-256 of a frame's columns, types and values in row order; sort it first if order carries no meaning."""
    buffer = io.BytesIO()
    frame.rechunk().write_ipc(buffer, compression="uncompressed")
    return sha256_bytes(buffer.getvalue())
