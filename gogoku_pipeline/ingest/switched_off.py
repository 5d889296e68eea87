"""A source that the plan lacks: its refusal is landed once and believed for a while, and the rest goes on."""

from __future__ import annotations

from datetime import date

import polars as pl

from gogoku_pipeline.core.errors import PlanError
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.ingest.landed import is_refused
from gogoku_pipeline.ingest.report import FetchReport
from gogoku_pipeline.ingest.walk import Request, land_refusal
from gogoku_pipeline.jquants import JQuantsClient
from gogoku_pipeline.store import Store

_LOG = logger("ingest")


async def is_still_off(client: JQuantsClient, store: Store, index: pl.DataFrame) -> bool:
    """Whether this plan was refused the source of an index not long ago; another plan is asked anew."""
    return is_refused(store, index, (await client.plan()).name, client.clock.now())


async def switch_off(client: JQuantsClient, store: Store, request: Request, run_id: str, refusal: PlanError) -> None:
    """Land the refusal as evidence of the absence."""
    await land_refusal(client, store, request, run_id, refusal)
    _LOG.warning("%s: not in the plan, switched off. The service said: %s", request.source, refusal.message)


def off(source: str, requested: int, uncovered: list[date], *, pages: int = 0) -> FetchReport:
    """The report of a source that is switched off."""
    return FetchReport(
        source,
        requested,
        fetched_pages=pages,
        skipped_uncovered=uncovered,
        not_in_plan=True,
    )
