"""Whole months by file: one call instead of twenty, where the plan, the endpoint and the gap allow it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

import polars as pl

from gogoku_pipeline.core.errors import (
    ApiError,
    CredentialsError,
    DataError,
    RateLimitError,
    SchemaError,
)
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.ingest.month_files import Month, edition_key, land_month, landed_editions, newest_by_month
from gogoku_pipeline.ingest.order import FILES_IN_FLIGHT, Lanes, Order, until_all_end
from gogoku_pipeline.ingest.publication import rule_of
from gogoku_pipeline.jquants import BulkFile, JQuantsClient, endpoint
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.store import Store

_LOG = logger("ingest")

LEAST_SHARE = 3
"""A month is taken by file if at least one in this many of its event days is missing."""

MOST_UNUSABLE = 4
"""After so many files that cannot be used, the rest is asked day by day."""

BULK_PLAN = "light"
"""First plan that may list and get files."""

_FILE_TROUBLE = (ApiError, SchemaError, DataError)


async def fetch_files(
    client: JQuantsClient, store: Store, order: Order, missing: list[date], index: pl.DataFrame, lanes: Lanes
) -> list[date]:
    """Take closed months of which much is missing by file.

    A file that is broken or not there costs nothing but a warning: its days are left to be asked one by one.

    Returns:
        The event days that no file covered.

    Raises:
        CredentialsError, RateLimitError: nothing else would be answered either.
        StoreError: a file could not be kept.
    """
    plan, today = await client.plan(), client.clock.now().date()
    is_open = endpoint(order.source).has_bulk and plan.covers(BULK_PLAN)
    if not (is_open and client.includes(order.source)):
        return missing
    least = 1 if order.wishes.refetch else LEAST_SHARE
    worth = months_worth_a_file(order.source, missing, plan.window(today)[0], today, least=least)
    if not worth:
        return missing
    files = await _listed(client, order, worth)
    editions = {} if order.wishes.refetch else landed_editions(index)
    wanted = [file for file in files if editions.get(edition_key(file)) != file.last_modified]
    spans: list[tuple[date, date]] = []
    left, unusable = iter(wanted), 0

    async def worker() -> None:
        nonlocal unusable
        for file in left:
            if unusable >= MOST_UNUSABLE:
                return
            async with lanes.files:
                span = await _taken(client, store, order, file)
            unusable += span is None
            if span is not None:
                spans.append(span)
                order.wishes.advance(order.source, file.first_day, sum(span[0] <= day <= span[1] for day in missing))

    await until_all_end(worker() for _ in range(min(FILES_IN_FLIGHT, len(wanted))))
    return [day for day in missing if not any(first <= day <= last for first, last in spans)]


def months_worth_a_file(
    source: str, missing: Iterable[date], window_start: date, today: date, *, least: int = LEAST_SHARE
) -> list[Month]:
    """Closed months inside the plan's window of which so much is missing that files save calls; oldest first.

    A file costs one call, the list of all files another; a day costs one. A refetch takes whole months only
    (`least` 1): a file says what it said when it was last changed, a day says what is so now.
    """
    by_month: dict[Month, int] = defaultdict(int)
    for day in missing:
        if _month_end((day.year, day.month)) < today and day >= window_start:
            by_month[day.year, day.month] += 1
    worth = sorted(month for month, n in by_month.items() if n * least >= _event_days_in(source, month))
    saved = sum(by_month[month] for month in worth) - len(worth) - 1
    return worth if saved > 0 else []


def _event_days_in(source: str, month: Month) -> int:
    rule, starts = rule_of(source), date.fromisoformat(SOURCES[source].starts)
    first, last = date(*month, 1), _month_end(month)
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return sum(day >= starts and rule.has_events(day) for day in days)


def _month_end(month: Month) -> date:
    return (date(*month, 1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)


async def _listed(client: JQuantsClient, order: Order, months: list[Month]) -> list[BulkFile]:
    try:
        files = await client.bulk_list(order.source, date(*months[0], 1), _month_end(months[-1]))
    except (CredentialsError, RateLimitError):
        raise
    except ApiError as problem:
        _warn(order, f"{order.source}: no list of monthly files, days are asked one by one. {problem}")
        return []
    found = newest_by_month(files)
    return [found[month] for month in months if month in found]


async def _taken(client: JQuantsClient, store: Store, order: Order, file: BulkFile) -> tuple[date, date] | None:
    """Land a file; None, with a warning, if it cannot be used."""
    try:
        month = await land_month(client, store, order.source, file, order.wishes.run_id)
    except (CredentialsError, RateLimitError):
        raise
    except _FILE_TROUBLE as problem:
        _warn(order, f"{order.source}: the file of {file.first_day:%Y-%m} is not used. {problem}")
        return None
    order.file_rows.append(month.rows)
    return month.first, month.last


def _warn(order: Order, words: str) -> None:
    _LOG.warning("%s", words)
    order.warnings.append(words)
