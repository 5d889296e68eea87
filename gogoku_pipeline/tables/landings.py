"""Reading back what was landed: complete fetches only, page by page, exactly as they came."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from gogoku_pipeline.core.errors import PayloadError
from gogoku_pipeline.store import Store

Row = Mapping[str, Any]

_ANSWERED = 200


@dataclass(frozen=True)
class Walk:
    """One complete fetch of one request, as the index knows it.

    Attributes:
        source: our name of the endpoint.
        event_date: the date asked for; None for a range call.
        fetched_at: instant at which its last page was there.
        pages: index rows, first page first.
    """

    source: str
    event_date: date | None
    fetched_at: datetime
    pages: tuple[Mapping[str, Any], ...]

    @property
    def hashes(self) -> tuple[str, ...]:
        """Hashes of its pages; two walks with equal hashes say the same."""
        return tuple(str(page["sha256"]) for page in self.pages)


@dataclass(frozen=True)
class Landing:
    """One complete fetch with its rows.

    Attributes:
        source: our name of the endpoint.
        event_date: the date asked for; None for a range call.
        fetched_at: instant at which its last page was there.
        pages: (hash, rows) of each page.
    """

    source: str
    event_date: date | None
    fetched_at: datetime
    pages: tuple[tuple[str, Sequence[Row]], ...]


def complete_walks(requests: pl.DataFrame, known_at: datetime | None = None) -> list[Walk]:
    """Fetches whose pages run from 1 to one marked last, oldest first, without repeats of the one before.

    A landed refusal is no fetch (see `is_switched_off`).
    Calls for a single issue are left out too: they are not all there is about their date.

    Args:
        requests: rows of `raw_requests` of one source.
        known_at: leave out what was fetched later; None for everything.
    """
    return _without_repeats(_ended(requests.filter(pl.col("status") == _ANSWERED), known_at))


def is_switched_off(requests: pl.DataFrame, known_at: datetime | None = None) -> bool:
    """Whether the plan lacks a source: its newest complete landing is a refusal, and none ever had rows.

    Arguments as for `complete_walks`. A source whose plan was downgraded later keeps its rows and is not switched off.
    """
    walks = _ended(requests, known_at)
    has_rows = any(int(page["row_count"]) > 0 for walk in walks for page in walk.pages)
    return bool(walks) and not has_rows and walks[-1].pages[-1]["status"] != _ANSWERED


def _ended(requests: pl.DataFrame, known_at: datetime | None) -> list[Walk]:
    """Complete fetches and landed refusals, oldest first."""
    walks = []
    ordered = requests.filter(~pl.col("request_key").str.contains("code=")).sort("fetch_id", "page_number")
    for pages in ordered.partition_by("source", "request_key", "fetch_id", maintain_order=True):
        is_complete = pages["page_number"].to_list() == list(range(1, pages.height + 1)) and pages["is_last_page"][-1]
        finished = pages["fetched_at"].max()
        if is_complete and isinstance(finished, datetime) and (known_at is None or finished <= known_at):
            first = pages.row(0, named=True)
            walks.append(Walk(first["source"], first["event_date"], finished, tuple(pages.iter_rows(named=True))))
    return sorted(walks, key=lambda walk: walk.fetched_at)


def _without_repeats(walks: list[Walk]) -> list[Walk]:
    said: dict[str, tuple[str, ...]] = {}
    kept = []
    for walk in walks:
        request = str(walk.pages[0]["request_key"])
        if said.get(request) != walk.hashes:
            kept.append(walk)
        said[request] = walk.hashes
    return kept


def read_landing(store: Store, walk: Walk) -> Landing:
    """The rows of a fetch.

    Raises:
        PayloadError: a page that is not ``{"data": [{...}, ...]}``, or holds another number of rows than indexed.
    """
    pages = tuple((str(page["sha256"]), _rows(store, walk, page)) for page in walk.pages)
    return Landing(walk.source, walk.event_date, walk.fetched_at, pages)


def _rows(store: Store, walk: Walk, page: Mapping[str, Any]) -> Sequence[Row]:
    body = json.loads(store.raw.payload(walk.source, page))
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not all(type(row) is dict for row in rows) or len(rows) != page["row_count"]:
        raise PayloadError(
            f"landed page {page['object_key']}",
            got="a body of another shape" if not isinstance(rows, list) else f"{len(rows)} entries",
            want=f'{{"data": [...]}} with {page["row_count"]} rows',
            remedy=f"Fetch it again: `gogoku fetch {walk.source} {walk.event_date or 'FIRST LAST'} --refetch`.",
        )
    return rows
