"""Every source of a Premium plan on its way from a simulated service into typed tables, and what a store then holds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.fingerprints import sha256_bytes, sha256_frame
from gogoku_pipeline.ingest import FetchReport, fetch_group, fetch_range
from gogoku_pipeline.jquants import JQuantsClient
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import Store
from gogoku_pipeline.store.raw_requests import RAW_REQUESTS
from gogoku_pipeline.tables.corrections import CORRECTIONS
from gogoku_pipeline.tables.ledger import LEDGER, newest_entries, retype
from gogoku_pipeline.tables.rejects import REJECTS

KEY = "simulator-premium-key"
ALL_SOURCES = tuple(SOURCES)
BY_DAY = tuple(name for name, source in SOURCES.items() if source.axis == "day")
BY_RANGE = tuple(name for name, source in SOURCES.items() if source.axis == "range")
CODE_VERSION = "endurance"
_LEFT_TO_CHANCE = ("landings_hash", "typed_at", "run_id", "code_version")
"""Ledger columns that name fetches and runs instead of rows."""


def morning_after(last: date, *, rate_scale: float) -> VirtualClock:
    """The early morning after a session, when everything about it is final and the present is still its evening."""
    return VirtualClock(datetime.combine(last + timedelta(days=1), time(5, 30), tzinfo=JST), rate_scale=rate_scale)


async def fetched(
    client: JQuantsClient,
    store: Store,
    sources: Sequence[str],
    sessions: Sequence[date],
    *,
    run_id: str,
    bulk: bool,
    lock_dir: Path | None = None,
) -> list[FetchReport]:
    """Fetch and land sources for sessions: those asked by day and those of the present as one group, ranges alone."""
    ranges = [name for name in sources if name in BY_RANGE]
    group = [name for name in sources if name not in ranges]
    reports: list[FetchReport] = []
    if group:
        reports += await fetch_group(client, store, group, sessions, run_id=run_id, bulk=bulk, lock_dir=lock_dir)
    for name in ranges:
        first, last = sessions[0], sessions[-1]
        reports.append(await fetch_range(client, store, name, first, last, run_id=run_id, lock_dir=lock_dir))
    return reports


def fetch(
    url: str, clock: VirtualClock, store: Store, sources: Sequence[str], sessions: Sequence[date], **options: object
) -> list[FetchReport]:
    """`fetched` with a client of its own."""

    async def go() -> list[FetchReport]:
        async with JQuantsClient(url, KEY, plan="premium", clock=clock) as client:
            return await fetched(client, store, sources, sessions, **options)  # type: ignore[arg-type]

    return asyncio.run(go())


def typed(store: Store, sources: Sequence[str], clock: VirtualClock, *, run_id: str) -> None:
    """Type and write whatever landed since it was typed last, source by source."""
    for name in sources:
        retype(store, name, run_id=run_id, code_version=CODE_VERSION, clock=clock)


def rows(store: Store, table: Table) -> pl.DataFrame:
    """A table in the order of its key."""
    return store.tables.scan(table).sort(table.key).collect()


def contents(store: Store, sources: Sequence[str]) -> dict[str, str]:
    """A hash per table of every row it holds: the typed tables with `available_at`, rejects, corrections, accounts."""
    held = {TABLE_OF[name].name: sha256_frame(rows(store, TABLE_OF[name])) for name in sources}
    held[REJECTS.name] = sha256_frame(rows(store, REJECTS).drop("sha256").sort(pl.all()))
    held[CORRECTIONS.name] = sha256_frame(rows(store, CORRECTIONS).drop("run_id"))
    accounts = pl.concat([newest_entries(store, name).drop(_LEFT_TO_CHANCE) for name in sources])
    held[LEDGER.name] = sha256_frame(accounts.sort("source", "session"))
    return held


def faults_of_landings(store: Store, sources: Sequence[str]) -> list[str]:
    """What is wrong with the raw index and the payloads it names; empty if every landing verifies against its hash."""
    found = []
    index = store.tables.scan(RAW_REQUESTS, ordered=False).collect()
    walk = ["source", "request_key", "fetch_id", "page_number"]
    if (twice := int(index.select(walk).is_duplicated().sum())) > 0:
        found.append(f"raw index: {twice} pages noted twice")
    for name in sources:
        for request in store.raw.requests(name).iter_rows(named=True):
            payload = store.raw.payload(name, request)
            if sha256_bytes(payload) != request["sha256"] or len(payload) != request["byte_count"]:
                found.append(f"{name} {request['request_key']} page {request['page_number']}: not the bytes it names")
    return found


def faults_of_tables(store: Store, sources: Sequence[str]) -> list[str]:
    """What is wrong with the tables: keys that repeat, sessions that hold a part of their rows, rows lost on the way.

    A session is whole if it holds as many rows as a typing of it counted; sessions being written are absent.
    """
    found = []
    for name in sources:
        table = TABLE_OF[name]
        if not store.tables.exists(table):
            continue
        frame = store.tables.scan(table).collect()
        if frame.select(table.key).is_duplicated().any():
            found.append(f"{table.name}: keys repeat")
        entries = newest_entries(store, name)
        lost = entries.filter(
            pl.col("raw_rows") + pl.col("carried")
            != pl.col("table_rows") + pl.col("rejected") + pl.col("duplicates") + pl.col("early")
        )
        if lost.height:
            found.append(f"{table.name}: rows lost in {lost['session'].to_list()}")
        if not table.partitioned:
            continue
        held = dict(frame.group_by("session").len().iter_rows())
        written = set(store.tables.sessions(table))
        for session, counted in entries.select("session", "table_rows").iter_rows():
            if session in written and held.get(session, 0) != counted:
                found.append(f"{table.name} {session}: {held.get(session, 0)} rows, {counted} were typed")
    return found
