"""Sources of the present only: what is not captured on its evening is gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

from gogoku_pipeline.core.errors import NotAvailableError, PlanError, RequestError
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.ingest.key_use import key_in_use
from gogoku_pipeline.ingest.order import Wishes, used
from gogoku_pipeline.ingest.report import FetchReport
from gogoku_pipeline.ingest.switched_off import is_still_off, off, switch_off
from gogoku_pipeline.ingest.walk import Request, walk
from gogoku_pipeline.jquants import JQuantsClient, endpoint
from gogoku_pipeline.store import Store

_LOG = logger("ingest")

EVENING_BEGINS = timedelta(hours=12)
"""From noon on a fetch belongs to that day, before noon to the evening before."""


async def fetch_now(
    client: JQuantsClient, store: Store, sources: Sequence[str], *, run_id: str, lock_dir: Path | None = None
) -> tuple[FetchReport, ...]:
    """Capture what the service says at this moment: the earnings calendar, the morning bars.

    A snapshot belongs to the session of its evening; fetched twice, it lands twice. Outside its serving hours a
    source has nothing to say, which is reported and no error (`is_unavailable`).

    Args:
        client: an open client.
        store: where pages land.
        sources: names of sources whose axis is `now`.
        run_id: noted with every page.
        lock_dir: folder of the lock that keeps the key to one process; None if the caller holds it.

    Raises:
        ApiError: the service refuses.
        ConfigError: another process uses the key.
    """
    for source in sources:
        if endpoint(source).source.axis != "now":
            remedy = "Use fetch_sessions or fetch_range."
            raise RequestError(f"source {source}", got="a fetch of the present", want="another axis", remedy=remedy)
    with key_in_use(client, lock_dir):
        return tuple([await carry_out_now(client, store, source, Wishes(run_id)) for source in sources])


async def carry_out_now(client: JQuantsClient, store: Store, source: str, wishes: Wishes) -> FetchReport:
    """One snapshot, for a caller that holds the key."""
    session = evening_of(client.clock.now())
    request = Request(source, {}, session)
    wishes.advance(source, session)
    if not wishes.refetch and await is_still_off(client, store, store.raw.requests(source)):
        return off(source, 1, [session])
    try:
        walked = await walk(client, store, request, wishes.run_id, None)
    except PlanError as refusal:
        await switch_off(client, store, request, wishes.run_id, refusal)
        return off(source, 1, [session], pages=1)
    except NotAvailableError as answer:
        _LOG.info("%s: not available now. %s", source, answer.got)
        return FetchReport(source, 1, utilisation=used(client, source), is_unavailable=True)
    finally:
        store.raw.flush()
    empty = [] if walked.rows else [session]
    return FetchReport(
        source, 1, fetched_pages=walked.pages, rows=walked.rows, empty=empty, utilisation=used(client, source)
    )


def evening_of(now: datetime) -> date:
    """The session whose evening an instant belongs to: from noon of a session to noon of the next one."""
    return tse_calendar().on_or_before((now - EVENING_BEGINS).date())
