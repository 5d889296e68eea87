"""One request from its first page to its last, each page landed before the next is asked for."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from gogoku_pipeline.core.errors import PlanError, RequestError
from gogoku_pipeline.core.fingerprints import sha256_bytes
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.ingest.landed import Interrupted
from gogoku_pipeline.jquants import JQuantsClient, Page, endpoint
from gogoku_pipeline.store import RawPage, Store
from gogoku_pipeline.store.raw_requests import request_key

_LOG = logger("ingest")


@dataclass(frozen=True)
class Walked:
    """What a walk brought now."""

    pages: int
    rows: int
    resumed: bool


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        source: our name of the endpoint.
        params: the query.
        event_date: the date asked for; None for a range.
    """

    source: str
    params: Mapping[str, str]
    event_date: date | None

    @property
    def key(self) -> str:
        """Its canonical form, as the index has it."""
        return request_key(self.params)


async def walk(
    client: JQuantsClient, store: Store, request: Request, run_id: str, interrupted: Interrupted | None
) -> Walked:
    """Fetch and land every page that is missing; a pagination key the service no longer knows starts it over."""
    if interrupted is not None:
        try:
            return await _walk_from(client, store, request, run_id, interrupted)
        except RequestError as problem:
            _LOG.warning("%s cannot be resumed at page %d: starting over.", problem.thing, interrupted.page_number)
    return await _walk_from(client, store, request, run_id, None)


async def _walk_from(
    client: JQuantsClient, store: Store, request: Request, run_id: str, start: Interrupted | None
) -> Walked:
    fetch_id = start.fetch_id if start else new_fetch_id(request.key)
    key, number = (start.pagination_key, start.page_number) if start else (None, 1)
    pages = rows = 0
    async for page in client.pages(request.source, request.params, pagination_key=key, page_number=number):
        await landed(store, _raw(page, request, fetch_id, run_id))
        pages, rows = pages + 1, rows + page.row_count
    return Walked(pages, rows, start is not None)


async def landed(store: Store, page: RawPage) -> None:
    """Land off the event loop; a page in hand is landed even if the fetch is being cancelled."""
    landing = asyncio.create_task(asyncio.to_thread(store.raw.land, page))
    try:
        await asyncio.shield(landing)
    except asyncio.CancelledError:
        await landing
        raise


async def land_refusal(client: JQuantsClient, store: Store, request: Request, run_id: str, refusal: PlanError) -> None:
    """Land that the plan lacks a source, as a complete answer without rows: evidence of why the source is absent."""
    said = {"message": refusal.message, "plan": (await client.plan()).name}
    page = Page(
        source=request.source,
        params=dict(request.params),
        payload=json.dumps(said, ensure_ascii=False).encode(),
        row_count=0,
        pagination_key=None,
        status=refusal.status,
        fetched_at=client.clock.now(),
        page_number=1,
        url=f"{client.base_url}{endpoint(request.source).source.path}",
    )
    await landed(store, _raw(page, request, new_fetch_id(request.key), run_id))


def _raw(page: Page, request: Request, fetch_id: str, run_id: str) -> RawPage:
    return RawPage(
        source=page.source,
        params=page.params,
        event_date=request.event_date,
        payload=page.payload,
        row_count=page.row_count,
        page_number=page.page_number,
        pagination_key_next=page.pagination_key,
        url=page.url,
        status=page.status,
        fetched_at=page.fetched_at,
        field_names=page.field_names,
        fetch_id=fetch_id,
        run_id=run_id,
    )


def new_fetch_id(key: str) -> str:
    """Sorts by creation. The machine's time, not the clock's: a virtual evening stands still between two fetches."""
    return f"{time.time_ns():020d}-{sha256_bytes(key.encode())[:8]}"
