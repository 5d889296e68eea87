"""A page that changes between two calls: nothing is lost in silence, a contradiction stops, fetching again heals.

The publisher promises no consistency across the pages of an answer while data are updated in between.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.ingest import fetch_sessions
from gogoku_pipeline.jquants import JQuantsClient
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.faults import DataFault, DroppedRows, FaultPlan, Row, When
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import open_store
from gogoku_pipeline.tables.typed import typed_sessions

BARS = "/equities/bars/daily"
LATER_PAGES = When(path=BARS, from_page=2, times=None)


@dataclass(frozen=True)
class InsertedRow(DataFault):
    """A row more at the beginning: what follows is shifted, and the last row of the page before comes again."""

    changed: Any = None

    def apply(self, rows: list[Row]) -> list[Row]:
        """The newcomer, then the rows, with another close if one is wished."""
        close = {} if self.changed is None else {"C": self.changed}
        return [{**rows[0], "Code": "10010"}, *({**row, **close} for row in rows)]


@pytest.fixture(scope="module")
def simulated():
    return generate_market(MarketConfig(n_issues=24, n_sessions=30))


@pytest.fixture
def house(simulated, tmp_path):
    """A store, a day, and how to fetch it in small pages through a fault: (store, day, fetch)."""
    day = simulated.sessions[12]
    clock = VirtualClock(datetime.combine(day, time(19), tzinfo=JST), rate_scale=5_000)
    store = open_store(f"file://{tmp_path}/data")

    def fetch(*faults, refetch=False):
        async def go(url):
            async with JQuantsClient(url, "simulator-premium-key", plan="premium", clock=clock) as client:
                await fetch_sessions(client, store, "daily_bars", [day], run_id="r", refetch=refetch, bulk=False)

        with run_simulator_thread(simulated, clock, faults=FaultPlan(*faults), page_bytes=5_000) as server:
            asyncio.run(go(server.base_url))
        clock.advance_to(clock.now() + timedelta(hours=1))
        return typed_sessions(store, "daily_bars", [day])

    return store, day, fetch


def test_a_row_served_on_two_pages_is_counted_and_kept_once(house):
    store, day, fetch = house
    shifted = fetch(InsertedRow(LATER_PAGES))
    (count,) = shifted.counts
    assert store.raw.requests("daily_bars").height > 2
    assert count.duplicates == 1
    assert count.raw_rows == shifted.frame.height + 1
    assert max(Counter(shifted.frame["code"]).values()) == 1
    assert shifted.frame.equals(fetch(refetch=True).frame)


def test_a_row_that_says_two_things_on_two_pages_stops_the_day_until_it_is_fetched_again(house):
    store, day, fetch = house
    with pytest.raises(DataError, match="two different rows") as caught:
        fetch(InsertedRow(LATER_PAGES, changed=1.0))
    assert "--refetch" in caught.value.remedy
    healed = fetch(refetch=True)
    assert healed.counts[0].duplicates == 0
    assert healed.frame.height > 15


def test_a_row_that_slipped_between_two_pages_comes_with_the_next_fetch_and_is_known_from_then(house):
    store, day, fetch = house
    short = fetch(DroppedRows(LATER_PAGES))
    whole = fetch(refetch=True)
    late = set(whole.frame["code"]) - set(short.frame["code"])
    assert len(late) == 1
    known = dict(whole.frame.select("code", "available_at").iter_rows())
    asked_again = store.raw.requests("daily_bars")["fetched_at"].max()
    assert known[late.pop()] == asked_again
    assert min(known.values()) < asked_again
    assert whole.frame.filter(available_at=asked_again).height == 1
