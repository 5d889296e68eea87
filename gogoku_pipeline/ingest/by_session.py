"""Fetches day by day: what is missing is asked for, landed, judged and reported."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from gogoku_pipeline.core.errors import CoverageError, RequestError
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.ingest.key_use import key_in_use
from gogoku_pipeline.ingest.landed import Interrupted, complete_days, interrupted_walks
from gogoku_pipeline.ingest.publication import is_session, published_at, unexpectedly_empty, unpublished
from gogoku_pipeline.ingest.report import FetchReport, Progress
from gogoku_pipeline.ingest.walk import Request, Walked, walk
from gogoku_pipeline.jquants import JQuantsClient, endpoint
from gogoku_pipeline.store import Store

_LOG = logger("ingest")


async def fetch_sessions(
    client: JQuantsClient,
    store: Store,
    source: str,
    sessions: Iterable[date],
    *,
    run_id: str,
    progress: Progress | None = None,
    refetch: bool = False,
    lock_dir: Path | None = None,
) -> FetchReport:
    """Fetch and land sessions of a source that is asked day by day.

    Everything that can be fetched is fetched and landed before an error is raised, so running again costs only what
    is missing. Oldest sessions go first: the plan's window moves while a long fetch runs.

    Args:
        client: an open client.
        store: where pages land.
        source: daily_bars or listed_issues.
        sessions: days wanted; those already complete are skipped, those outside the plan's window are reported.
        run_id: noted with every page.
        progress: told after every day.
        refetch: ask again for complete days too (corrections are made in place).
        lock_dir: folder of the lock that keeps the key to one process; None if the caller holds it.

    Raises:
        DataError: a session has no rows although they are due, or is not yet published.
        ApiError: the service refuses; what was fetched before stays landed.
        ConfigError: another process uses the key.
    """
    if endpoint(source).axis != "date":
        raise RequestError(f"source {source}", got="a fetch by day", want="a range", remedy="Use fetch_range.")
    days = sorted(set(sessions))
    with key_in_use(client, lock_dir):
        return await _fetch_days(client, store, _Order(source, days, run_id, progress, refetch))


@dataclass
class _Order:
    """What was ordered, and how far it has come."""

    source: str
    days: list[date]
    run_id: str
    progress: Progress | None
    refetch: bool
    window: tuple[date, date] = (date.min, date.max)
    uncovered: list[date] = field(default_factory=list)
    lost: list[date] = field(default_factory=list)
    empty: list[date] = field(default_factory=list)
    walked: list[Walked] = field(default_factory=list)

    def advance(self, day: date) -> None:
        """Tell whoever watches."""
        if self.progress is not None:
            self.progress.advance(1, f"{self.source} {day}")


async def _fetch_days(client: JQuantsClient, store: Store, order: _Order) -> FetchReport:
    now = client.clock.now()
    early = [day for day in order.days if published_at(order.source, day) > now]
    due = [day for day in order.days if published_at(order.source, day) <= now]
    done = complete_days(store, order.source, due) if due and not order.refetch else set()
    interrupted = interrupted_walks(store, order.source, now) if due and not order.refetch else {}
    for day in sorted(done):
        order.advance(day)
    try:
        await _work_through(client, store, order, [day for day in due if day not in done], interrupted)
    finally:
        store.raw.flush()
    if order.uncovered:
        first, last = order.window
        _LOG.warning(
            "%s: %d sessions skipped, the plan covers %s .. %s.",
            *(order.source, len(order.uncovered), first, "today" if last == date.max else last),
        )
    if order.lost:
        raise unexpectedly_empty(order.source, sorted(order.lost))
    if early:
        raise unpublished(order.source, early, now)
    return FetchReport(
        order.source,
        len(order.days),
        fetched_pages=sum(walked.pages for walked in order.walked),
        resumed=sum(walked.resumed for walked in order.walked),
        skipped_complete=len(done),
        skipped_uncovered=sorted(order.uncovered),
        rows=sum(walked.rows for walked in order.walked),
        empty=sorted(order.empty),
        utilisation=client.utilisation,
    )


async def _work_through(
    client: JQuantsClient, store: Store, order: _Order, days: list[date], interrupted: dict[str, Interrupted]
) -> None:
    """As many requests under way as fill the rate; the first error stops the others and is raised."""
    left = iter(days)

    async def worker() -> None:
        for day in left:
            await _fetch_day(client, store, order, day, interrupted)
            order.advance(day)

    if not days:
        return
    workers = [asyncio.create_task(worker()) for _ in range(min(await client.in_flight(), len(days)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def _fetch_day(
    client: JQuantsClient, store: Store, order: _Order, day: date, interrupted: dict[str, Interrupted]
) -> None:
    if not order.window[0] <= day <= order.window[1]:
        order.uncovered.append(day)
        return
    request = Request(order.source, {"date": day.isoformat()}, day)
    resume = interrupted.get(request.key)
    try:
        walked = await walk(client, store, request, order.run_id, resume)
    except CoverageError as refusal:
        order.uncovered.append(day)
        if refusal.covered_from is not None:
            order.window = (refusal.covered_from, refusal.covered_to or date.max)
        return
    order.walked.append(walked)
    if walked.rows == 0 and not walked.resumed:
        (order.lost if is_session(day) else order.empty).append(day)
