"""A full market (4,400 issues) through client, landing and typing: years of bars by file, and one day of every source.

The simulator runs in a process of its own; the process that fetches and types is a fresh one, so that its peak memory
is its own. Two figures:

1. bars of the newest months by monthly files, over HTTP: calls, peak memory, rows per minute from raw to table;
2. one more day of all sources of the Premium plan, after ten years of daily landings: seconds from the last byte landed
   to the last table typed and written, source by source. `find` is the part that compares landings with the ledger.

Before anything counts, a session fetched as pages is proved equal to the same session from its file.

    python benchmarks/full_size.py [--full] [--months 12] [--before 3]

`--full` takes all ten years of bars (about five minutes more).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from datetime import time as hour

warnings.filterwarnings("ignore", category=DeprecationWarning)

import polars as pl  # noqa: E402 - after the filter

from gogoku_pipeline.core.clocks import JST, VirtualClock  # noqa: E402
from gogoku_pipeline.core.sessions import tse_calendar  # noqa: E402
from gogoku_pipeline.ingest import fetch_group, fetch_sessions  # noqa: E402
from gogoku_pipeline.jquants import JQuantsClient  # noqa: E402
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF  # noqa: E402
from gogoku_pipeline.simulator.config import MarketConfig  # noqa: E402
from gogoku_pipeline.simulator.market import generate_market  # noqa: E402
from gogoku_pipeline.simulator.server import ServerOptions  # noqa: E402
from gogoku_pipeline.simulator.thread import run_simulator_thread  # noqa: E402
from gogoku_pipeline.store import RAW_REQUESTS, CommitInfo, Store, open_store  # noqa: E402
from gogoku_pipeline.tables.ledger import LEDGER, landing_hashes, retype, untyped  # noqa: E402

RATE_SCALE = 30.0
COMMIT = CommitInfo(run_id="benchmark", code_version="0")
GOALS = {"calls": 130, "peak GiB": 1.5, "M rows/min": 1.5, "seconds for a day": 20.0}


def market_sessions() -> list[date]:
    config = MarketConfig.preset("full")
    return list(tse_calendar(config.start).sessions[: config.n_sessions])


def at(day: date, hours: int, minutes: int = 0) -> datetime:
    return datetime.combine(day, hour(hours, minutes), tzinfo=JST)


def after_all() -> datetime:
    """An evening on which the market's last month is closed."""
    return at(market_sessions()[-1] + timedelta(days=21), 20)


def serve(now: str) -> None:
    """Child: a full market; prints its address, moves its clock to each instant it reads, ends with its input."""
    market = generate_market(MarketConfig.preset("full"))
    clock = VirtualClock(datetime.fromisoformat(now), rate_scale=RATE_SCALE)
    with run_simulator_thread(market, clock, options=ServerOptions(bulk_sizes="estimated")) as server:
        print(server.base_url, flush=True)
        for line in sys.stdin:
            clock.advance_to(datetime.fromisoformat(line.strip()))
            print("moved", flush=True)


@contextmanager
def service(now: datetime) -> Iterator[tuple[str, Callable[[datetime], None]]]:
    """A served market: its address, and a way to move its clock."""
    command = [sys.executable, __file__, "serve", now.isoformat()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None

        def move(instant: datetime) -> None:
            child.stdin.write(f"{instant.isoformat()}\n")
            child.stdin.flush()
            child.stdout.readline()

        yield child.stdout.readline().strip(), move
        child.stdin.close()


def ask(url: str, clock: VirtualClock, action: Callable[[JQuantsClient], Awaitable[object]]) -> object:
    async def go() -> object:
        async with JQuantsClient(url, "simulator-premium-key", plan="premium", clock=clock) as client:
            return await action(client)

    return asyncio.run(go())


def peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def bars(url: str, months: int) -> None:
    """Child: fetch the newest months of bars by file, type and write them."""
    sessions, clock = market_sessions(), VirtualClock(after_all(), rate_scale=RATE_SCALE)
    first = sorted({(day.year, day.month) for day in sessions})[-months:][0]
    wanted = [day for day in sessions if (day.year, day.month) >= first]
    with tempfile.TemporaryDirectory() as folder:
        store, other = open_store(f"file://{folder}/store"), open_store(f"file://{folder}/pages")
        start, cpu = time.perf_counter(), cpu_seconds()
        report = ask(url, clock, lambda c: fetch_sessions(c, store, "daily_bars", wanted, run_id="files"))
        fetched, fetch_cpu, fetch_peak = time.perf_counter() - start, cpu_seconds() - cpu, peak_gib()
        start, cpu = time.perf_counter(), cpu_seconds()
        done = retype(store, "daily_bars", run_id="files", code_version="0")
        typed, typed_cpu = time.perf_counter() - start, cpu_seconds() - cpu
        peak = peak_gib()
        ask(url, clock, lambda c: fetch_sessions(c, other, "daily_bars", wanted[-1:], run_id="p", bulk=False))
        retype(other, "daily_bars", run_id="pages", code_version="0")
        table = TABLE_OF["daily_bars"]
        pages, files = (one.tables.scan(table, start=wanted[-1]).collect() for one in (other, store))
        if not pages.equals(files) or done.rows != report.bulk_rows or done.rejected:
            raise SystemExit("pages and files give different rows, or rows were lost: the figures mean nothing")
    print(
        f"proved: {files.height} rows of {wanted[-1]} are the same from pages and from the file; "
        f"{done.rows:,} rows landed = {done.rows:,} in the table\n"
        f"{len(wanted)} sessions in {report.bulk_files} files, {report.utilisation.requests} calls\n"
        f"fetched and landed in {fetched:.1f} s ({fetch_cpu:.1f} CPU-s), peak {fetch_peak:.2f} GiB\n"
        f"raw to table in {typed:.1f} s ({typed_cpu:.1f} CPU-s) = {done.rows / typed * 60 / 1e6:.2f} M rows/min "
        f"({done.rows / typed_cpu * 60 / 1e6:.2f} per CPU-minute), peak {peak:.2f} GiB",
        flush=True,
    )


def day(url: str, before: int) -> None:
    """Child: ten years of landings, then one more day of everything; its clock is moved through the parent."""
    sessions = market_sessions()
    newest, recent, old = sessions[-1], sessions[-1 - before : -1], sessions[: -1 - before]
    clock = VirtualClock(at(newest, 19, 5), rate_scale=RATE_SCALE)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"file://{folder}/store")
        remember(store, old)
        ask(url, clock, lambda c: fetch_group(c, store, list(SOURCES), recent, run_id="before", bulk=False))
        for name, source in SOURCES.items():
            if source.axis != "now":
                retype(store, name, run_id="before", code_version="0")
        ask(url, clock, lambda c: fetch_group(c, store, list(SOURCES), [newest], run_id="evening", bulk=False))
        print("evening", flush=True)
        sys.stdin.readline()
        clock.advance_to(at(newest + timedelta(days=1), 5, 30))
        ask(url, clock, lambda c: fetch_group(c, store, list(SOURCES), [newest], run_id="morning", bulk=False))
        index = store.tables.scan(RAW_REQUESTS, ordered=False).select(pl.len()).collect().item()
        rows: list[tuple[str, int, float, float, float]] = []
        start = time.perf_counter()
        for source in SOURCES:
            began, cpu = time.perf_counter(), cpu_seconds()
            untyped(store, source)
            found = time.perf_counter() - began
            began, cpu = time.perf_counter(), cpu_seconds()
            done = retype(store, source, run_id="newest", code_version="0")
            rows.append((source, done.rows, found, time.perf_counter() - began, cpu_seconds() - cpu))
        total = time.perf_counter() - start - sum(row[2] for row in rows)
    print(json.dumps({"index": index, "rows": rows, "total": total, "peak": peak_gib()}), flush=True)


def remember(store: Store, sessions: list[date]) -> None:
    """Index and ledger of a source fetched day by day, without the bytes: nothing of it needs typing again."""
    for name, source in SOURCES.items():
        if source.axis != "day":
            continue
        rule = TABLE_OF[name].rule
        landed = [(event, rule.final_at(event)) for day in sessions for event in rule.days_of(day)]
        frame = pl.DataFrame(
            landed, schema={"event_date": pl.Date, "fetched_at": RAW_REQUESTS.polars_schema["fetched_at"]}, orient="row"
        )
        text = pl.col("event_date").cast(pl.String)
        frame = frame.with_columns(
            source=pl.lit(name),
            request_key=pl.format("date={}", text),
            page_number=1,
            is_last_page=pl.lit(value=True),
            url=pl.lit("https://example.invalid"),
            status=200,
            sha256=pl.format("{}-{}", pl.lit(name), text),
            object_key=pl.format("raw/{}/{}", pl.lit(name), text),
            row_count=1,
            byte_count=1,
            schema_fingerprint=pl.lit(""),
            fetch_id=pl.format("{}-{}", pl.col("fetched_at").dt.epoch("us"), text),
            run_id=pl.lit("ten years"),
            media=pl.lit("json"),
        )
        absent = [name for name in RAW_REQUESTS.polars_schema if name not in frame.columns]
        frame = frame.with_columns(pl.lit(None).alias(name) for name in absent)
        store.tables.append(
            RAW_REQUESTS,
            frame.select(RAW_REQUESTS.polars_schema.names()).cast(RAW_REQUESTS.polars_schema),
            commit=COMMIT,
        )
        hashes = {session: said for session, said in landing_hashes(store, name, sessions).items() if said}
        numbers = {column: 0 for column, kind in LEDGER.polars_schema.items() if kind == pl.Int64}
        entries = pl.DataFrame({"session": list(hashes), "landings_hash": list(hashes.values())})
        entries = entries.with_columns(
            source=pl.lit(name),
            typed_at=pl.lit(at(sessions[-1], 23)),
            run_id=pl.lit(""),
            code_version=pl.lit("0"),
            **{k: pl.lit(v) for k, v in numbers.items()},
        )
        store.tables.append(
            LEDGER, entries.select(LEDGER.polars_schema.names()).cast(LEDGER.polars_schema), commit=COMMIT
        )


def show_day(told: dict) -> None:
    print(f"{'source':<20}{'rows':>8}{'find s':>8}{'whole s':>9}{'CPU-s':>8}")
    for source, rows, found, whole, cpu in told["rows"]:
        print(f"{source:<20}{rows:>8,}{found:>8.2f}{whole:>9.2f}{cpu:>8.2f}")
    print(
        f"{'all':<20}{sum(row[1] for row in told['rows']):>8,}{sum(row[2] for row in told['rows']):>8.2f}"
        f"{told['total']:>9.2f}{sum(row[4] for row in told['rows']):>8.2f}   goal < "
        f"{GOALS['seconds for a day']:.0f} s; index {told['index']:,} rows, peak {told['peak']:.2f} GiB"
    )


def run_day(before: int) -> None:
    newest = market_sessions()[-1]
    with service(at(newest, 19, 5)) as (url, move):
        command = [sys.executable, __file__, "day", url, str(before)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdout.readline()
            move(at(newest + timedelta(days=1), 5, 30))
            child.stdin.write("\n")
            child.stdin.flush()
            show_day(json.loads(child.stdout.read()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--before", type=int, default=3, help="sessions really fetched before the newest")
    given = parser.parse_args()
    months = len({(day.year, day.month) for day in market_sessions()}) if given.full else given.months
    print(f"Bars by file, {months} months (goals: {GOALS})")
    with service(after_all()) as (url, _):
        subprocess.run([sys.executable, __file__, "bars", url, str(months)], check=True)
    print("\nOne more day of every source")
    run_day(given.before)


if __name__ == "__main__":
    roles = {"serve": serve, "bars": lambda url, n: bars(url, int(n)), "day": lambda url, n: day(url, int(n))}
    if len(sys.argv) > 1 and sys.argv[1] in roles:
        roles[sys.argv[1]](*sys.argv[2:])
    else:
        main()
