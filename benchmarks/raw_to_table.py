"""Rows per minute from landed files and pages to a typed, stored table: `python benchmarks/raw_to_table.py [months]`.

Daily bars at full size (4,400 issues, 44 columns as on the Premium plan): monthly bulk CSV files, the same days as
JSON pages, and a second version of every file (each row compared). Landing is not timed. Typing includes reading,
checking the hash, unpacking, parsing, the publication rule and the account; writing is timed on its own. The peak
memory is that of a process of its own which only types and writes.
"""

from __future__ import annotations

import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from gogoku_pipeline.store import CommitInfo, RawPage, Store, open_store
from gogoku_pipeline.tables.typed import typed_sessions

ISSUES = 4_400
COMMIT = CommitInfo(run_id="benchmark", code_version="0")
KINDS = ("csv", "json", "two versions")


def sessions_of(months: int) -> list[list[date]]:
    calendar = tse_calendar()
    return [calendar.between(date(2024, m, 1), date(2024, m + 1, 1) - timedelta(days=1)) for m in range(1, months + 1)]


def day_rows(day: date, rng: np.random.Generator) -> pl.DataFrame:
    names = [field.name for field in SOURCES["daily_bars"].fields]
    close = np.round(rng.uniform(100, 10_000, ISSUES), 1)
    number = {name: np.round(close * rng.uniform(0.97, 1.03, ISSUES), 1) for name in names}
    frame = pl.DataFrame(number).with_columns(
        pl.lit(day.isoformat()).alias("Date"),
        pl.Series("Code", [f"{1000 + n}0" for n in range(ISSUES)]),
        *(pl.lit("0").alias(name) for name in names if name.endswith(("UL", "LL"))),
        pl.lit(1.0).alias("AdjFactor"),
        pl.lit(None, dtype=pl.String).alias("ExRT"),
    )
    halves = [pl.lit(1.0).alias(f"{half}Adj{name}") for half in "MA" for name in ("O", "H", "L", "C", "Vo")]
    return frame.with_columns(halves)


def land(store: Store, body: bytes, media: str, days: list[date], fetched_at: datetime, rows: int) -> None:
    is_file = media == "csv.gz"
    store.raw.land(
        RawPage(
            source="daily_bars",
            params={"bulk": f"{days[0]:%Y%m}"} if is_file else {"date": days[0].isoformat()},
            event_date=None if is_file else days[0],
            payload=body,
            row_count=rows,
            page_number=1,
            pagination_key_next=None,
            url="https://example.invalid/bulk",
            status=200,
            fetched_at=fetched_at,
            field_names=(),
            fetch_id=f"{fetched_at:%Y%m%d%H%M}{days[0]:%Y%m%d}",
            run_id="benchmark",
            media="csv.gz" if is_file else "json",
            covers_from=days[0] if is_file else None,
            covers_to=days[-1] if is_file else None,
        )
    )


def prepare(url: str, kind: str, months: int) -> None:
    store, rng = open_store(url), np.random.default_rng(7)
    for days in sessions_of(months):
        frames = [day_rows(day, rng) for day in days]
        after = datetime(2025, 1, 1, tzinfo=JST)
        if kind == "json":
            for day, frame in zip(days, frames, strict=True):
                land(store, json.dumps({"data": frame.to_dicts()}).encode(), "json", [day], after, frame.height)
            continue
        month = pl.concat(frames)
        land(store, gzip.compress(month.write_csv(line_terminator="\r\n").encode()), "csv.gz", days, after, 0)
        if kind == "two versions":
            later = month.with_columns(pl.when(pl.int_range(pl.len()) % 50 == 0).then(1.5).otherwise("C").alias("C"))
            body = gzip.compress(later.write_csv(line_terminator="\r\n").encode())
            land(store, body, "csv.gz", days, after + timedelta(days=1), 0)
    store.raw.flush()


def measure(url: str, months: int) -> None:
    store = open_store(url)
    days = [day for several in sessions_of(months) for day in several]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.perf_counter()
    typed = typed_sessions(store, "daily_bars", days)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.perf_counter()
    store.tables.write_sessions(TABLE_OF["daily_bars"], typed.frame, days, commit=COMMIT)
    written = time.perf_counter() - began
    rows = typed.frame.height
    whole = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{rows:>9,} rows typed in {seconds:6.2f} s = {rows / seconds * 60 / 1e6:5.2f} M rows/min, "
        f"written in {written:5.2f} s; superseded {typed.superseded.height:,}; "
        f"peak {peak:,.0f} MiB typing, {whole:,.0f} MiB with writing (start {before:,.0f})",
        flush=True,
    )


def main(months: int) -> None:
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            url = f"file://{folder}/store"
            prepare(url, kind, months)
            print(f"{kind:<13}", end="", flush=True)
            subprocess.run([sys.executable, __file__, "measure", url, str(months)], check=True)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        measure(sys.argv[2], int(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
