"""One page of an answer: its exact bytes, and what can be said about them without interpreting a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic_core import from_json

from gogoku_pipeline.core.errors import PayloadError, ServerError


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        source: our name of the endpoint.
        params: the query, without pagination key and without secrets.
        payload: exact bytes of the (decompressed) body.
        row_count: rows in it.
        pagination_key: key of the next page; None if this is the last one.
        status: HTTP status.
        fetched_at: instant of the answer on the publication clock.
        page_number: 1 for the first page.
        url: address without query.
        field_names: keys seen in the rows, sorted.
        cursor: on the last page of a disclosure endpoint: asks later for what came since; None elsewhere.
    """

    source: str
    params: Mapping[str, str]
    payload: bytes
    row_count: int
    pagination_key: str | None
    status: int
    fetched_at: datetime
    page_number: int
    url: str = ""
    field_names: tuple[str, ...] = ()
    cursor: str | None = None


@dataclass(frozen=True)
class Shape:
    """What a body says about itself."""

    row_count: int
    pagination_key: str | None
    field_names: tuple[str, ...]
    cursor: str | None = None


def read_shape(thing: str, body: bytes) -> Shape:
    """Check that a body is ``{"data": [{...}, ...], "pagination_key": "..."}``.

    Raises:
        ServerError: not JSON, e.g. cut off or a gateway's HTML; asking again may help.
        PayloadError: JSON of another shape; asking again cannot help.
    """
    try:
        document = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        raise ServerError(
            thing,
            got=f"{len(body)} bytes that are not complete JSON",
            want='{"data": [...]}',
            remedy="Try again; check GOGOKU_API_URL if it persists.",
            status=200,
        ) from None
    rows = document.get("data") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _wrong(thing, "no list of rows under `data`")
    key = document.get("pagination_key")
    if key is not None and not (isinstance(key, str) and key):
        raise _wrong(thing, f"a pagination key of type {type(key).__name__} or without text")
    cursor = document.get("cursor")
    if cursor is not None and not isinstance(cursor, str):
        raise _wrong(thing, f"a cursor of type {type(cursor).__name__}")
    names = {name for signature in {tuple(row) for row in rows} for name in signature}
    return Shape(len(rows), key, tuple(sorted(names)), cursor or None)


def _wrong(thing: str, got: str) -> PayloadError:
    return PayloadError(
        thing,
        got=got,
        want='{"data": [{...}], "pagination_key": "..." or absent}',
        remedy="The service changed or GOGOKU_API_URL names another one; compare with its specification.",
        status=200,
    )
