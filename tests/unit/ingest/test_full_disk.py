"""A store that can take no more: the error says so, nothing is half landed, and running again completes."""

import shutil
import subprocess
import sys

import pytest

from gogoku_pipeline.core.errors import StoreError
from gogoku_pipeline.ingest.landed import complete_days
from gogoku_pipeline.store import open_store
from tests.unit.ingest.fetching import bars, landed_rows

_CROWDED = """
import asyncio, resource, signal, sys
from datetime import date, datetime
from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.errors import StoreError
from gogoku_pipeline.ingest import fetch_sessions
from gogoku_pipeline.jquants import JQuantsClient
from gogoku_pipeline.store import open_store
url, base, now, *days = sys.argv[1:]
clock = VirtualClock(datetime.fromisoformat(now).astimezone(JST), rate_scale=400)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
async def fetch(source):
    store = open_store(url)
    async with JQuantsClient(base, "simulator-premium-key", plan="premium", clock=clock) as client:
        wanted = [date.fromisoformat(day) for day in days]
        await fetch_sessions(client, store, source, wanted, run_id="crowded", bulk=False)
for source, most in (("daily_bars", 1_000), ("margin_alerts", 4_000)):
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    try:
        asyncio.run(fetch(source))
    except StoreError as problem:
        print("StoreError", problem)
"""


def crowded(e, days):
    """What a process says that may write small files only: first the objects are too large, then the index is."""
    arguments = [e.store.url, e.server.base_url, e.clock.now().isoformat(), *map(str, days)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _CROWDED, *arguments], capture_output=True, text=True, timeout=60
    )
    return [line for line in done.stdout.splitlines() if line]


def test_a_full_disk_is_said_and_a_second_run_completes(evening):
    with evening() as e:
        days = e.market.sessions[-8:-2]
        e.run(bars(e.store, days[:1]), plan="premium")
        objects, index = crowded(e, days)
        assert "StoreError object raw/daily_bars" in objects
        assert "Make room (disk, quota) and run again; nothing is half written." in objects
        assert "StoreError table raw_requests" in index
        again = open_store(e.store.url)
        assert complete_days(again.raw.requests("daily_bars"), "daily_bars", days) == set(days[:1])
        assert e.run(bars(again, days), plan="premium").fetched_pages == len(days) - 1
        alerts = e.run(bars(again, days, source="margin_alerts"), plan="premium")
        assert alerts.fetched_pages >= len(days)
        for source in ("daily_bars", "margin_alerts"):
            for request in again.raw.requests(source).iter_rows(named=True):
                assert again.raw.payload(source, request)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one million bytes (tmpfs), where this machine lets tests mount one."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "gogoku-small-disk", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting needs more rights; a file-size limit stands in for it above")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills_up_is_said_and_with_room_again_the_fetch_completes(evening, small_disk):
    with evening() as e:
        store, days = open_store(f"file://{small_disk}/data"), e.market.sessions[-40:]
        ballast = small_disk / "ballast"
        ballast.write_bytes(b"\0" * 700_000)
        with pytest.raises(StoreError, match="Make room|disk"):
            e.run(bars(store, days), plan="premium")
        again = open_store(f"file://{small_disk}/data", probe=False)
        landed = complete_days(again.raw.requests("daily_bars"), "daily_bars", days)
        assert len(landed) < len(days)
        ballast.unlink()
        subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
        report = e.run(bars(again, days), plan="premium")
        assert (report.skipped_complete, report.fetched_pages) == (len(landed), len(days) - len(landed))
        rows = landed_rows(again)
        assert len(rows) == len(set(rows)) == again.raw.newest("daily_bars")["row_count"].sum()
        for request in again.raw.requests("daily_bars").iter_rows(named=True):
            assert again.raw.payload("daily_bars", request)
