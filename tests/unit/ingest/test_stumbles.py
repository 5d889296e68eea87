"""A service that stumbles, and fetches that break off, cost time and no row."""

import asyncio
import subprocess
import sys
import threading
import time as wall

import pytest

from gogoku_pipeline.core.errors import (
    ServerError,
)
from gogoku_pipeline.ingest import fetch_sessions
from gogoku_pipeline.ingest.landed import Interrupted
from gogoku_pipeline.ingest.walk import Request, walk
from gogoku_pipeline.simulator.faults import (
    ConnectionReset,
    GatewayPage,
    ServerFailure,
    SlowAnswer,
    TooManyRequests,
    TruncatedBody,
    When,
)
from tests.unit.ingest.fetching import BARS, Watcher, bars, landed_rows


def test_a_fetch_that_broke_off_goes_on_at_the_exact_page(evening):
    always = When(path=BARS, from_page=4, to_page=4, times=6)
    with evening(ServerFailure(always), page_bytes=4_000) as e:
        day = e.market.sessions[50]
        with pytest.raises(ServerError, match="HTTP 500"):
            e.run(bars(e.store, [day]))
        assert e.store.raw.requests("daily_bars")["page_number"].to_list() == [1, 2, 3]
        before = len(e.calls())
        report = e.run(bars(e.store, [day]))
        assert report.resumed == 1
        assert [request.page for request in e.calls()[before:]] == list(range(4, 4 + report.fetched_pages))
        rows = landed_rows(e.store)
        assert len(rows) == len(set(rows)) == e.store.raw.newest("daily_bars")["row_count"].sum()
        assert e.store.raw.newest("daily_bars").height == 3 + report.fetched_pages


def test_a_page_key_the_service_forgot_starts_the_day_over(evening):
    with evening(page_bytes=4_000) as e:
        day = e.market.sessions[50]
        request = Request("daily_bars", {"date": day.isoformat()}, day)
        forgotten = Interrupted("0-old", 3, "forgotten.key.", e.clock.now())
        walked = e.run(lambda client: walk(client, e.store, request, "run-2", forgotten))
        assert not walked.resumed
        assert len(landed_rows(e.store)) == len(set(landed_rows(e.store))) == walked.rows
        assert e.calls()[0].status == 400


_KILLED = """
import asyncio, sys
from datetime import date, datetime
from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.ingest import fetch_sessions
from gogoku_pipeline.jquants import JQuantsClient
from gogoku_pipeline.store import open_store
from gogoku_pipeline.store.raw import RawStore
url, base, day, now = sys.argv[1:]
store = open_store(url)
object.__setattr__(store, "raw", RawStore(store.objects, store.tables, flush_rows=1))
clock = VirtualClock(datetime.fromisoformat(now).astimezone(JST), rate_scale=400)
class Watch:
    def advance(self, n, text): print(text, flush=True)
async def go():
    async with JQuantsClient(base, "simulator-premium-key", plan="premium", clock=clock) as client:
        await fetch_sessions(client, store, "daily_bars", [date.fromisoformat(day)], run_id="killed", progress=Watch())
asyncio.run(go())
"""


def test_a_killed_fetch_goes_on_where_the_index_ends(evening):
    slow = SlowAnswer(When(path=BARS, from_page=4, to_page=4, times=1), seconds=1_200)
    with evening(slow, page_bytes=4_000) as e:
        day = e.market.sessions[50]
        arguments = [e.store.url, e.server.base_url, day.isoformat(), e.clock.now().isoformat()]
        with subprocess.Popen([sys.executable, "-W", "ignore", "-c", _KILLED, *arguments]) as process:
            give_up = wall.monotonic() + 30
            while len(e.server.requests_seen) < 4 and wall.monotonic() < give_up:
                wall.sleep(0.02)
            wall.sleep(0.3)
            process.kill()
        landed = e.store.raw.requests("daily_bars")
        assert landed["page_number"].to_list() == [1, 2, 3]
        report = e.run(bars(e.store, [day], run_id="second"))
        assert report.resumed == 1
        newest = e.store.raw.newest("daily_bars")
        assert newest["run_id"].to_list() == ["killed"] * 3 + ["second"] * report.fetched_pages
        assert len(landed_rows(e.store)) == len(set(landed_rows(e.store)))


@pytest.mark.parametrize(
    "fault",
    [
        ServerFailure(When(times=3)),
        GatewayPage(When(times=3)),
        ConnectionReset(When(times=3)),
        TruncatedBody(When(times=3)),
        TruncatedBody(When(times=3), share=0.98),
        TooManyRequests(When(times=3)),
    ],
    ids=lambda fault: f"{type(fault).__name__}-{getattr(fault, 'share', '')}",
)
def test_a_stumbling_service_costs_time_and_no_row(evening, fault):
    with evening(fault) as e:
        days = e.market.sessions[:6]
        report = e.run(bars(e.store, days), plan="premium")
        assert e.server.faults.struck == [3]
        assert report.fetched_pages == 6
        rows = landed_rows(e.store)
        assert len(rows) == len(set(rows)) == report.rows
        assert sorted({day for day, _ in rows}) == [day.isoformat() for day in days]


def test_a_storm_of_refusals_stops_all_requests_together(evening):
    storm = When(requests=frozenset(range(2, 12)), times=10)  # the first request of a source goes alone
    with evening(TooManyRequests(storm)) as e:
        before = e.clock.monotonic()
        report = e.run(bars(e.store, e.market.sessions[:40]), plan="premium")
        assert report.fetched_pages == 40
        assert e.clock.monotonic() - before >= 60
        assert report.utilisation.paused_seconds >= 60
        assert len(e.calls()) == 40 + report.utilisation.rejections


def test_a_fetch_that_is_cancelled_keeps_what_it_has(evening):
    before = threading.active_count()
    with evening() as e:
        watcher = Watcher()

        async def cut_short(client):
            task = asyncio.create_task(
                fetch_sessions(
                    client, e.store, "daily_bars", e.market.sessions, run_id="cut", progress=watcher, bulk=False
                )
            )
            while len(watcher.seen) < 20:
                await asyncio.sleep(0.001)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        e.run(cut_short, plan="premium")
        landed = e.store.raw.requests("daily_bars").height
        assert 20 <= landed < 160
        report = e.run(bars(e.store, e.market.sessions), plan="premium")
        assert (report.skipped_complete, report.fetched_pages) == (landed, 160 - landed)
        assert threading.active_count() < before + 40
