"""Pages by bytes, and the opaque keys that lead from one page to the next.

A key is bound to its query: the same parameters with a key of another query are refused. It holds the page number and
the row to go on from, so the server keeps no state and a change of the data between two pages shows, as it does with
the real service.
"""

from __future__ import annotations

import hashlib
from base64 import b32decode, b32encode
from binascii import Error as BinasciiError
from collections.abc import Mapping
from dataclasses import dataclass

from gogoku_pipeline.simulator.rows import Rows
from gogoku_pipeline.simulator.rules import bad_pagination_key


@dataclass(frozen=True)
class Place:
    """Where a page begins: page number from 1, and the first row."""

    page: int
    row: int


START = Place(1, 0)


def place_of(path: str, params: Mapping[str, str]) -> Place:
    """Where the asked page begins; refuses a key that does not belong to the query with 400."""
    key = params.get("pagination_key", "")
    if not key:
        return START
    query, _, rest = key.partition(".")
    if query != _digest(path, params) or not rest.endswith("."):
        raise bad_pagination_key()
    try:
        page, row = b32decode(rest[:-1].encode()).decode().split("/")[:2]
        return Place(int(page), int(row))
    except (BinasciiError, UnicodeError, ValueError):
        raise bad_pagination_key() from None


def page_body(
    path: str, params: Mapping[str, str], rows: Rows, place: Place, page_bytes: int, *, cursor: str | None = None
) -> bytes:
    """The JSON body of a page, with the next page's key unless it is the last, which carries the cursor if any."""
    stop = rows.page_stop(place.row, page_bytes) if place.row < len(rows) else place.row
    body = b'{"data":[' + rows.between(place.row, stop) + b"]"
    if stop < len(rows):
        token = b32encode(f"{place.page + 1}/{stop}/".encode().ljust(15, b"/")).decode()
        body += f',"pagination_key":"{_digest(path, params)}.{token}."'.encode()
    elif cursor is not None:
        body += f',"cursor":"{cursor}"'.encode()
    return body + b"}"


def _digest(path: str, params: Mapping[str, str]) -> str:
    """Short fingerprint of a query without its key."""
    text = "&".join([path, *(f"{name}={params[name]}" for name in sorted(params) if name != "pagination_key")])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
