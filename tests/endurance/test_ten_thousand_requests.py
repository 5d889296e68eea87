"""Ten thousand requests, one in twenty of them struck: the tables are those of an untroubled service, to the bit.

Instants agree too: the clock of publication stands still while the rate clock runs, so every fetch of both runs has the
same instant, and `available_at` is compared like any other column.
"""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest

from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.faults import WIRE_FAULTS, FaultPlan, FaultRate
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import open_store
from gogoku_pipeline.store.raw_requests import RAW_REQUESTS
from tests.endurance.premium_road import (
    ALL_SOURCES,
    contents,
    faults_of_landings,
    faults_of_tables,
    fetch,
    morning_after,
    typed,
)

REQUESTS = 10_000
PAGE_BYTES = 2_200
RATE_SCALE = 4_000


def walked(market, folder, **settings):
    """Everything of a market, June by file and the rest page by page, landed and typed: (store, server, reports)."""
    clock = morning_after(market.sessions[-1], rate_scale=RATE_SCALE)
    store = open_store(f"file://{folder}/data")
    june = [day for day in market.sessions if day.month == 6]
    later = [day for day in market.sessions if day.month != 6]
    with run_simulator_thread(market, clock, **settings) as server:
        reports = fetch(server.base_url, clock, store, ALL_SOURCES, june, run_id="files", bulk=True)
        reports += fetch(server.base_url, clock, store, ALL_SOURCES, later, run_id="pages", bulk=False)
    typed(store, ALL_SOURCES, clock, run_id="typing")
    return store, server, reports


@pytest.mark.slow
def test_ten_thousand_requests_through_a_service_that_stumbles_leave_no_trace(tmp_path, capsys):
    market = generate_market(MarketConfig(n_issues=24, n_sessions=64))
    calm, _, _ = walked(market, tmp_path / "calm")
    faults = FaultPlan(FaultRate(share=0.05, seed=11))
    store, server, reports = walked(market, tmp_path / "stormy", faults=faults, page_bytes=PAGE_BYTES)

    asked = len(server.requests_seen)
    with capsys.disabled():
        by_kind = ", ".join(f"{kind} {count}" for kind, count in sorted(faults.by_kind.items()))
        statuses = Counter(seen.status for seen in server.requests_seen)
        print(f"\n{asked} requests and {len(server.downloads_seen)} downloads; struck: {by_kind}; {dict(statuses)}")
    assert asked >= REQUESTS
    assert set(faults.by_kind) == {type(kind).__name__ for kind in WIRE_FAULTS}
    assert sum(faults.by_kind.values()) > 0.04 * asked
    assert min(faults.by_kind.values()) > 0.005 * asked
    assert max(seen.page for seen in server.requests_seen) > 50
    assert sum(report.bulk_files for report in reports) >= 10
    assert server.keys_leaked == 0

    assert contents(store, ALL_SOURCES) == contents(calm, ALL_SOURCES)
    assert faults_of_landings(store, ALL_SOURCES) == []
    assert faults_of_tables(store, ALL_SOURCES) == []
    index = store.tables.scan(RAW_REQUESTS, ordered=False).collect()
    ended = index.group_by("fetch_id").agg(pl.col("is_last_page").any())
    assert ended["is_last_page"].all(), "no walk was given up in the middle"
