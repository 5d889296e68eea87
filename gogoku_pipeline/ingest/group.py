"""Several sources in one go: one key, budgets side by side, and nobody stops because another one fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Self, Unpack

from gogoku_pipeline.core.errors import (
    ConfigError,
    CredentialsError,
    DataError,
    GogokuError,
    RateLimitError,
    StoreError,
)
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.ingest.by_range import carry_out_range
from gogoku_pipeline.ingest.by_session import carry_out
from gogoku_pipeline.ingest.key_use import key_in_use
from gogoku_pipeline.ingest.order import FILES_IN_FLIGHT, Lanes, Order, Wanted, Wishes, until_all_end
from gogoku_pipeline.ingest.present import carry_out_now, evening_of
from gogoku_pipeline.ingest.publication import event_days
from gogoku_pipeline.ingest.report import FetchReport
from gogoku_pipeline.jquants import JQuantsClient, endpoint
from gogoku_pipeline.store import Store

_LOG = logger("ingest")
_CALENDAR_AHEAD = timedelta(days=366)
_FOR_ALL = (CredentialsError, RateLimitError, StoreError, ConfigError)
"""Trouble that every other source would meet too."""


class SourcesFailedError(DataError):
    """Some sources of a group failed; the others were fetched and landed.

    Attributes:
        reports: of the sources that went well.
        failures: the error of each source that failed, by its name.
    """

    reports: tuple[FetchReport, ...] = ()
    failures: Mapping[str, GogokuError] = MappingProxyType({})

    @classmethod
    def of(cls, reports: Sequence[FetchReport], failures: Mapping[str, GogokuError], n_sources: int) -> Self:
        """The error for these failures."""
        error = cls(
            f"fetch of {', '.join(failures)} ({len(failures)} of {n_sources} sources)",
            got="; ".join(f"{type(problem).__name__}: {problem}" for problem in failures.values()),
            want="an answer for each source; the others are landed",
            remedy="Run again: only what is missing is asked for.",
        )
        error.reports, error.failures = tuple(reports), dict(failures)
        return error


async def fetch_group(
    client: JQuantsClient,
    store: Store,
    sources: Sequence[str],
    sessions: Iterable[date],
    *,
    lock_dir: Path | None = None,
    **wanted: Unpack[Wanted],
) -> tuple[FetchReport, ...]:
    """Fetch and land several sources for some sessions, each on its own axis.

    Budgets of the service (its plan, fins/summary, fins/details) are used side by side. A source that the plan lacks
    is reported (`not_in_plan`), one day not yet published is reported (`not_yet`), and a source that fails does not
    stop the others. A range source is asked from the first to the last session, the calendar a year ahead; a source
    of the present only if this evening is among the sessions.

    Args:
        client: an open client.
        store: where pages land.
        sources: names of sources.
        sessions: partitions wanted.
        lock_dir: folder of the lock that keeps the key to one process; None if the caller holds it.
        **wanted: `run_id`, and if wished `progress`, `refetch`, `bulk`; see Wanted.

    Returns:
        One report per source, in the given order.

    Raises:
        SourcesFailedError: names each source that failed, with its own words; the others are landed.
        CredentialsError, RateLimitError, StoreError: trouble that stops every source; what was landed stays.
        ConfigError: another process uses the key.
    """
    names, days = list(dict.fromkeys(sources)), sorted(set(sessions))
    budgets = {name: endpoint(name).budget for name in names}
    if not days:
        return tuple(FetchReport(name, 0) for name in names)
    wishes = Wishes(**wanted)
    done: dict[str, FetchReport] = {}
    failed: dict[str, GogokuError] = {}
    with key_in_use(client, lock_dir):
        files = asyncio.Semaphore(FILES_IN_FLIGHT)
        lanes = {
            budget: Lanes(asyncio.Semaphore(await client.in_flight(budget)), files) for budget in set(budgets.values())
        }

        async def fetch(name: str) -> None:
            try:
                done[name] = await _one(client, store, name, days, wishes, lanes[budgets[name]])
            except _FOR_ALL:
                raise
            except GogokuError as problem:
                _LOG.warning("%s", problem)
                failed[name] = problem

        await until_all_end(fetch(name) for name in names)
    reports = [done[name] for name in names if name in done]
    if failed:
        raise SourcesFailedError.of(reports, {name: failed[name] for name in names if name in failed}, len(names))
    return tuple(reports)


def steps(source: str, sessions: Iterable[date]) -> int:
    """How often `progress` will be told about a source: its event days, or one call."""
    return len(event_days(source, sessions)[0]) if endpoint(source).source.axis == "day" else 1


async def _one(
    client: JQuantsClient, store: Store, name: str, days: list[date], wishes: Wishes, lanes: Lanes
) -> FetchReport:
    """One source on its axis."""
    axis = endpoint(name).source.axis
    if axis == "day":
        return await carry_out(client, store, Order.of(name, days, wishes), lanes)
    if axis == "range":
        today = client.clock.now().date()
        start = min([days[0], *event_days(name, days[:1])[0]])
        end = max(days[-1], today + _CALENDAR_AHEAD) if name == "calendar" else days[-1]
        return await carry_out_range(client, store, name, (start, end), wishes)
    if evening_of(client.clock.now()) in days:
        return await carry_out_now(client, store, name, wishes)
    wishes.advance(name, "not asked")
    return FetchReport(name, 0, warnings=[f"{name}: only the present is served, and this evening was not asked for."])
