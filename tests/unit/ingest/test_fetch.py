"""Fetches land everything, ask for nothing twice, and say honestly what is missing."""

import asyncio
import json
import subprocess
import sys
import threading
import time as wall
from datetime import date, time, timedelta

import pytest

from gogoku_pipeline.core.errors import (
    ConfigError,
    CoverageError,
    CredentialsError,
    DataError,
    PlanError,
    RequestError,
    ServerError,
)
from gogoku_pipeline.ingest import exclusive_key, fetch_range, fetch_sessions
from gogoku_pipeline.ingest.landed import Interrupted
from gogoku_pipeline.ingest.walk import Request, walk
from gogoku_pipeline.simulator.faults import (
    ConnectionReset,
    EmptyDay,
    GatewayPage,
    ServerFailure,
    SlowAnswer,
    TooManyRequests,
    TruncatedBody,
    When,
)
from gogoku_pipeline.simulator.server import ServerOptions

BARS = "/equities/bars/daily"


def bars(store, days, **options):
    options.setdefault("run_id", "run-1")
    return lambda client: fetch_sessions(client, store, options.pop("source", "daily_bars"), days, **options)


def landed_rows(store, source="daily_bars"):
    """(day, code) of every row of the newest complete fetches."""
    rows = []
    for request in store.raw.newest(source).iter_rows(named=True):
        rows += [(row["Date"], row["Code"]) for row in json.loads(store.raw.payload(source, request))["data"]]
    return rows


class Watcher:
    def __init__(self):
        self.seen = []

    def advance(self, n, text):
        self.seen.append((n, text))


@pytest.mark.parametrize("source", ["daily_bars", "listed_issues"])
def test_every_session_lands_once_and_nothing_is_asked_twice(evening, source):
    with evening() as e:
        days, watcher = e.market.sessions, Watcher()
        first = e.run(bars(e.store, days, source=source, progress=watcher))
        calls = len(e.calls())
        again = e.run(bars(e.store, days, source=source, progress=watcher))
        assert (first.requested, first.fetched_pages, first.skipped_complete) == (160, 160, 0)
        assert (again.fetched_pages, again.skipped_complete) == (0, 160)
        assert len(e.calls()) == calls == 160
        assert sum(n for n, _ in watcher.seen) == 320
        index = e.store.raw.requests(source)
        assert sorted(index["event_date"]) == days
        assert index["row_count"].sum() == first.rows == len(set(landed_rows(e.store, source)))


def test_many_pages_make_one_session(evening):
    with evening(page_bytes=4_000) as e:
        day = e.market.sessions[50]
        report = e.run(bars(e.store, [day]))
        index = e.store.raw.requests("daily_bars")
        assert report.fetched_pages == index.height > 5
        assert index["page_number"].to_list() == list(range(1, index.height + 1))
        assert index["is_last_page"].sum() == 1
        assert index["fetch_id"].n_unique() == 1
        rows = landed_rows(e.store)
        assert len(rows) == len(set(rows)) == report.rows
    with evening() as whole:
        whole.run(bars(whole.store, [day], refetch=True))
        assert sorted(rows) == sorted(landed_rows(whole.store))


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
        forgotten = Interrupted("0-old", 3, "forgotten.key.")
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
    with evening(TooManyRequests(When(times=10))) as e:
        before = e.clock.monotonic()
        report = e.run(bars(e.store, e.market.sessions[:40]), plan="premium")
        assert report.fetched_pages == 40
        assert e.clock.monotonic() - before >= 60
        assert report.utilisation.paused_seconds >= 60
        assert len(e.calls()) == 40 + report.utilisation.rejections


def test_a_wrong_key_stops_everything_at_once(evening):
    with evening() as e:
        with pytest.raises(CredentialsError, match="JQUANTS_API_KEY"):
            e.run(bars(e.store, e.market.sessions), key="wrong-canary", plan="free")
        assert len(e.calls()) <= 2
        assert e.store.raw.requests("daily_bars").is_empty()


def test_an_endpoint_outside_the_plan_is_a_plan_error(evening):
    with evening() as e:
        start, end = e.market.sessions[0], e.market.sessions[-1]
        with pytest.raises(PlanError, match="change the plan"):
            e.run(lambda c: fetch_range(c, e.store, "topix", start, end, run_id="r"), key="simulator-free-key")


def test_dates_outside_the_plan_are_skipped_with_few_calls(evening, caplog):
    with evening() as e:
        old = [day for day in (date(2010, 1, 4) + timedelta(days=n) for n in range(400)) if day.weekday() < 5]
        days = [*old, *e.market.sessions[-5:]]
        report = e.run(bars(e.store, days), key="simulator-light-key")
        assert report.skipped_uncovered == old
        assert report.fetched_pages == 5
        assert len(e.calls()) <= 5 + 4
        assert f"{len(old)} sessions skipped, the plan covers" in caplog.text


def test_a_plan_that_lags_skips_the_newest_sessions(evening):
    with evening() as e:
        report = e.run(bars(e.store, e.market.sessions[-70:]), key="simulator-free-key", plan="free")
        newest = e.clock.now().date() - timedelta(days=84)
        assert report.skipped_uncovered == [day for day in e.market.sessions[-70:] if day > newest]
        assert report.fetched_pages == 70 - len(report.skipped_uncovered) > 0


def test_an_empty_day_on_a_session_is_an_error_and_is_asked_again(evening):
    with evening(EmptyDay(When(day=None, path=BARS, requests=frozenset({2}), times=1))) as e:
        days = e.market.sessions[:5]
        with pytest.raises(DataError, match="no rows; want rows, because it is a session") as caught:
            e.run(bars(e.store, days), plan="premium")
        assert sum(day.isoformat() in str(caught.value) for day in days) == 1
        report = e.run(bars(e.store, days), plan="premium")
        assert (report.fetched_pages, report.skipped_complete) == (1, 4)


def test_an_empty_holiday_is_fine(evening):
    with evening() as e:
        holiday = next(
            day
            for day in (e.market.sessions[0] + timedelta(days=n) for n in range(10))
            if day not in set(e.market.sessions)
        )
        report = e.run(bars(e.store, [holiday]))
        assert (report.empty, report.rows) == ([holiday], 0)
        assert e.run(bars(e.store, [holiday])).skipped_complete == 1


@pytest.mark.parametrize(("source", "hour"), [("daily_bars", "16:30"), ("listed_issues", "08:00")])
def test_before_its_hour_a_day_is_not_yet_published_and_the_others_land(evening, source, hour):
    early = time(16, 29) if source == "daily_bars" else time(7, 59)
    with evening(at=early) as e:
        days = e.market.sessions[-3:]
        with pytest.raises(DataError, match=f"not yet published.*{hour} JST.*Run again after that hour"):
            e.run(bars(e.store, days, source=source))
        assert sorted(e.store.raw.requests(source)["event_date"]) == days[:2]
        e.clock.advance_to(e.clock.now() + timedelta(minutes=1))
        report = e.run(bars(e.store, days, source=source))
        assert (report.fetched_pages, report.skipped_complete) == (1, 2)


def test_a_refetch_keeps_both_editions(evening):
    with evening() as e:
        day = e.market.sessions[3]
        e.run(bars(e.store, [day]))
        e.run(bars(e.store, [day], refetch=True, run_id="again"))
        index = e.store.raw.requests("daily_bars")
        assert index["fetch_id"].n_unique() == 2
        assert e.store.raw.newest("daily_bars")["run_id"].to_list() == ["again"]


@pytest.mark.parametrize(("source", "rows"), [("topix", 160), ("calendar", 236)])
def test_a_range_is_one_call(evening, source, rows):
    with evening() as e:
        start, end = e.market.sessions[0], e.market.sessions[-1]
        report = e.run(lambda c: fetch_range(c, e.store, source, start, end, run_id="r"))
        assert (report.fetched_pages, report.rows, len(e.calls(source))) == (1, rows, 1)
        assert e.store.raw.requests(source)["event_date"].to_list() == [None]


def test_a_range_reaching_beyond_the_plan_is_cut_to_it(evening):
    with evening(options=ServerOptions(is_partial_range_refused=True)) as e:
        end = e.market.sessions[-1]
        report = e.run(
            lambda c: fetch_range(c, e.store, "topix", date(2009, 1, 5), end, run_id="r"), key="simulator-light-key"
        )
        assert report.rows == 160
        assert report.skipped_uncovered[0] == date(2009, 1, 5)
        assert all(day < end - timedelta(days=5 * 365) for day in report.skipped_uncovered)


def test_a_range_wholly_beyond_the_plan_is_reported_and_not_an_error(evening):
    with evening() as e:
        report = e.run(
            lambda c: fetch_range(c, e.store, "topix", date(2009, 1, 5), date(2009, 1, 9), run_id="r"),
            key="simulator-light-key",
        )
        assert (report.rows, len(report.skipped_uncovered)) == (0, 5)


def test_axes_are_not_confused(evening):
    with evening() as e:
        day = e.market.sessions[0]
        with pytest.raises(RequestError, match="Use fetch_range"):
            e.run(bars(e.store, [day], source="topix"))
        with pytest.raises(RequestError, match="Use fetch_sessions"):
            e.run(lambda c: fetch_range(c, e.store, "daily_bars", day, day, run_id="r"))


def test_nothing_asked_is_nothing_done(evening):
    with evening() as e:
        report = e.run(bars(e.store, []))
        assert (report.requested, report.fetched_pages, len(e.calls())) == (0, 0, 0)


def test_a_key_serves_one_fetch_at_a_time(evening, tmp_path):
    with evening() as e:

        async def fingerprint(client):
            return client.key_fingerprint

        name = e.run(fingerprint, plan="premium")
        locks = tmp_path / "locks"
        with exclusive_key(locks, name), pytest.raises(ConfigError, match="in use by process .*one fetch at a time"):
            e.run(bars(e.store, e.market.sessions[:1], lock_dir=locks))
        assert e.run(bars(e.store, e.market.sessions[:1], lock_dir=locks)).fetched_pages == 1
        assert "simulator-premium-key" not in "".join(path.name + path.read_text() for path in locks.iterdir())


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from gogoku_pipeline.ingest import exclusive_key\n"
        "with exclusive_key(Path(sys.argv[1]), 'abc'): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(ConfigError, match=f"process {other.pid}"), exclusive_key(tmp_path, "abc"):
            pass
        with exclusive_key(tmp_path, "another key"):
            pass
        other.kill()
        other.wait()
    with exclusive_key(tmp_path, "abc"):
        pass


def test_the_key_is_in_no_index_row_no_object_and_no_log(evening, tmp_path, caplog):
    caplog.set_level("DEBUG")
    key = "canary-77a1-key"
    with evening(ServerFailure(When(times=2)), TooManyRequests(When(times=1)), api_keys={key: "light"}) as e:
        e.run(bars(e.store, [date(2010, 1, 4), *e.market.sessions[:4]]), key=key)
    kept = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert key.encode() not in kept
    assert key not in str(e.store.raw.requests("daily_bars").rows())
    assert key not in caplog.text


def test_a_fetch_that_is_cancelled_keeps_what_it_has(evening):
    with evening() as e:
        watcher = Watcher()

        async def cut_short(client):
            task = asyncio.create_task(
                fetch_sessions(client, e.store, "daily_bars", e.market.sessions, run_id="cut", progress=watcher)
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
        assert threading.active_count() < 40


def test_uncovered_is_never_mistaken_for_refused(evening):
    with evening() as e:

        async def ask(client):
            return [page async for page in client.pages("daily_bars", {"date": "2010-01-04"})]

        with pytest.raises(CoverageError) as caught:
            e.run(ask, key="simulator-standard-key")
        assert caught.value.covered_from.year == e.clock.now().year - 10
        assert caught.value.covered_to is None
