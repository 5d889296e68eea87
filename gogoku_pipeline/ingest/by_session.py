"""Fetches day by day: what is missing is asked for, landed, judged and reported."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Unpack

import polars as pl

from gogoku_pipeline.core.errors import CoverageError, PlanError, RequestError
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.ingest.by_file import fetch_files
from gogoku_pipeline.ingest.key_use import key_in_use
from gogoku_pipeline.ingest.landed import ANSWERED, Interrupted, complete_days, interrupted_walks
from gogoku_pipeline.ingest.order import Lanes, Order, Wanted, Wishes, until_all_end, used
from gogoku_pipeline.ingest.publication import (
    are_rows_due,
    is_believable,
    named,
    rule_of,
    unexpectedly_empty,
    unpublished,
)
from gogoku_pipeline.ingest.report import FetchReport
from gogoku_pipeline.ingest.switched_off import is_still_off, off, switch_off
from gogoku_pipeline.ingest.walk import Request, walk
from gogoku_pipeline.jquants import JQuantsClient, endpoint
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.store import Store

_LOG = logger("ingest")


async def fetch_sessions(
    client: JQuantsClient,
    store: Store,
    source: str,
    sessions: Iterable[date],
    *,
    lock_dir: Path | None = None,
    **wishes: Unpack[Wanted],
) -> FetchReport:
    """Fetch and land the sessions of a source that is asked day by day.

    A session asks for its event days, e.g. Monday for the disclosures of Saturday, Sunday and Monday. Everything that
    can be fetched is fetched and landed before an error is raised, so running again costs only what is missing.
    Oldest days go first: the plan's window moves while a long fetch runs. Where the plan lacks the source, the
    refusal itself is landed, and believed for seven days (`not_in_plan`).

    Args:
        client: an open client.
        store: where pages land.
        source: name of a source whose axis is `day`.
        sessions: partitions wanted; event days already complete are skipped, those outside the plan's window, not
            yet final, or before the publisher's first day are reported.
        lock_dir: folder of the lock that keeps the key to one process; None if the caller holds it.
        **wishes: `run_id`, and if wanted `progress`, `refetch`, `bulk`; see Wanted.

    Raises:
        DataError: a day has no rows although they are due, or nothing of it is published yet.
        ApiError: the service refuses; what was fetched before stays landed.
        ConfigError: another process uses the key.
        StoreError: what came could not be kept; nothing is half landed.
    """
    if endpoint(source).source.axis != "day":
        remedy = "Use fetch_range." if endpoint(source).source.axis == "range" else "Use fetch_now."
        raise RequestError(f"source {source}", got="a fetch by day", want="another axis", remedy=remedy)
    order = Order.of(source, sessions, Wishes(**wishes))
    with key_in_use(client, lock_dir):
        report = await carry_out(client, store, order)
    if report.not_yet:
        raise unpublished(source, report.not_yet, client.clock.now())
    return report


async def carry_out(client: JQuantsClient, store: Store, order: Order, lanes: Lanes | None = None) -> FetchReport:
    """Fetch and land what an order asks for and is not complete; days not yet published are reported, no error.

    Args:
        client: an open client whose key is held.
        store: where pages land.
        order: source and days.
        lanes: shared with the other sources of the budget; None for lanes of its own.

    Raises:
        DataError: a day has no rows although they are due.
        ApiError: the service refuses.
        StoreError: what came could not be kept.
    """
    now, rule = client.clock.now(), rule_of(order.source)
    not_yet = [day for day in order.days if rule.first_at(day) > now]
    due = [day for day in order.days if rule.first_at(day) <= now]
    index = await asyncio.to_thread(store.raw.requests, order.source)
    order.wishes.advance(order.source, "not yet published", len(not_yet))
    try:
        if due and not order.wishes.refetch and await is_still_off(client, store, index):
            order.wishes.advance(order.source, "not in the plan", len(due))
            return off(order.source, len(order.sessions), due)
        n_complete = await _fetch_missing(client, store, order, (due, index), lanes) if due else 0
    except PlanError as refusal:
        if order.has_landed:
            raise
        await switch_off(client, store, _request(order, due[0]), order.wishes.run_id, refusal)
        order.wishes.advance(order.source, "not in the plan", len(due))
        return off(order.source, len(order.sessions), due, pages=1)
    finally:
        store.raw.flush()
    _warn_of_window(order)
    _accept_beginning(store, order)
    if order.lost:
        raise unexpectedly_empty(order.source, sorted(order.lost), client.clock.now())
    return order.report(n_complete, not_yet, used(client, order.source))


@dataclass(frozen=True)
class _Known:
    """What was known before the first request of an order."""

    interrupted: dict[str, Interrupted]
    is_first_contact: bool


async def _fetch_missing(
    client: JQuantsClient,
    store: Store,
    order: Order,
    found: tuple[list[date], pl.DataFrame],
    lanes: Lanes | None,
) -> int:
    """Fetch what is not complete, by file where that saves calls; returns how many days were complete before."""
    due, index = found
    own = lanes or Lanes(asyncio.Semaphore(await client.in_flight(endpoint(order.source).budget)))
    is_new = order.wishes.refetch
    known = _Known(
        {} if is_new else interrupted_walks(index, client.clock.now()),
        index.filter(pl.col("status") == ANSWERED).is_empty(),
    )
    done = set() if is_new else complete_days(index, order.source, due)
    for day in sorted(done):
        order.advance(day)
    missing = [day for day in due if day not in done]
    if order.wishes.bulk:
        missing = await fetch_files(client, store, order, missing, index, own)
    await _work_through(client, store, order, missing, own, known)
    return len(done)


async def _work_through(
    client: JQuantsClient, store: Store, order: Order, days: list[date], lanes: Lanes, known: _Known
) -> None:
    """As many requests under way as fill the rate; the first error stops the others and is raised."""
    left = iter(days)

    async def worker() -> None:
        for day in left:
            async with lanes.requests:
                await _fetch_day(client, store, order, day, known)
            order.advance(day)

    if not days:
        return
    if known.is_first_contact or not client.includes(order.source):  # if the plan lacks it, one refusal is enough
        await _fetch_day(client, store, order, next(left), known)
        order.advance(days[0])
    await until_all_end(worker() for _ in range(min(await client.in_flight(endpoint(order.source).budget), len(days))))


def _request(order: Order, day: date) -> Request:
    parameter = endpoint(order.source).day_parameter
    return Request(order.source, {parameter: day.isoformat()}, day)


async def _fetch_day(client: JQuantsClient, store: Store, order: Order, day: date, known: _Known) -> None:
    if not order.window[0] <= day <= order.window[1]:
        order.uncovered.append(day)
        return
    request, asked_at = _request(order, day), client.clock.now()
    final_at = rule_of(order.source).final_at(day)
    resume = known.interrupted.get(request.key)
    if resume is not None and resume.stopped_at < final_at <= asked_at:
        resume = None  # its pages are of the preliminary edition
    try:
        walked = await walk(client, store, request, order.wishes.run_id, resume)
    except CoverageError as refusal:
        order.uncovered.append(day)
        if refusal.covered_from is not None:
            order.window = (refusal.covered_from, refusal.covered_to or date.max)
        return
    order.walked.append(walked)
    has_rows = walked.rows > 0 or walked.resumed
    if not has_rows and asked_at >= final_at and are_rows_due(SOURCES[order.source], day):
        order.lost.append(day)
    elif not is_believable(int(has_rows), asked_at, final_at):
        order.provisional.append(day)
    elif not has_rows:
        order.empty.append(day)


def _accept_beginning(store: Store, order: Order) -> None:
    """Days before the first session asked for, and before any row we have: the history begins, nothing is lost."""
    if not order.lost:
        return
    index = store.raw.requests(order.source).filter(pl.col("row_count") > 0)
    oldest = index.select(pl.coalesce("event_date", "covers_from").min()).item()
    before = [day for day in order.lost if oldest is not None and day < min(oldest, order.sessions[0])]
    if before:
        order.lost = [day for day in order.lost if day not in before]
        order.empty.extend(before)
        order.warnings.append(f"{order.source}: no rows of {named(sorted(before))}; the history begins later.")


def _warn_of_window(order: Order) -> None:
    if order.uncovered:
        first, last = order.window
        _LOG.warning(
            "%s: %d sessions skipped, the plan covers %s .. %s.",
            *(order.source, len(order.uncovered), first, "today" if last == date.max else last),
        )
