"""Reading and appending daily bars: the house's Delta table (month folders) against one parquet file per day.

Both hold the same rows of the same 31 columns, zstd 1, sorted by (session, code); every answer is proved equal before
it is timed. Asked are the last 90 sessions with all columns and one column over ten years. The peer is read in both
ways people use: all files by pattern with a filter, and the files chosen by their names. The house is read as it reads
itself (`store.tables.scan`), sorted by key and, like the peer's files, in stored order. Writing: one more session,
against writing the whole table. Files are warm; wall and CPU seconds, medians of alternated rounds.

    python -m benchmarks.layout [--codes 1000] [--sessions 2500] [--rounds 5]

`--codes 4400` is the full market (ten million rows, four minutes).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.table import Line, report
from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.schema.columns import JST_INSTANT
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.store import CommitInfo, Store, open_store

BARS = TABLE_OF["daily_bars"]
COMMIT = CommitInfo(run_id="benchmark", code_version="0")
GOALS = {"90 sessions, by pattern": 6.0, "90 sessions, by name": 3.5, "one column, by pattern": 4.0}


def month_rows(days: list[date], codes: list[str], rng: np.random.Generator) -> pl.DataFrame:
    """Bars of some sessions: prices on a tick of 0.1, volumes in hundreds, five percent of rows without trade."""
    n = len(days) * len(codes)
    silent = rng.random(n) < 0.05
    columns: dict[str, pl.Series] = {}
    for column in BARS.columns:
        name, dtype = column.name, column.dtype
        if name == "session":
            columns[name] = pl.Series(np.repeat(np.array(days, dtype="datetime64[D]"), len(codes)))
        elif name == "code":
            columns[name] = pl.Series(codes * len(days))
        elif dtype == JST_INSTANT:
            instants = [datetime(day.year, day.month, day.day, 16, 30, tzinfo=JST) for day in days for _ in codes]
            columns[name] = pl.Series(instants, dtype=dtype)
        elif dtype == pl.Boolean:
            columns[name] = pl.Series(rng.random(n) < 0.01)
        elif dtype.is_float():
            values = pl.Series(np.round(rng.uniform(100, 10_000, n), 1))
            columns[name] = values.set(pl.Series(silent), None) if column.nullable else values
        elif dtype.is_integer():
            columns[name] = pl.Series(rng.integers(1, 10_000, n) * 100)
        else:
            columns[name] = pl.Series([None if column.nullable else "0"], dtype=pl.String).new_from_index(0, n)
    return pl.DataFrame(columns).cast(BARS.polars_schema).sort(BARS.key)


def write_both(store: Store, folder: Path, sessions: list[date], codes: list[str]) -> dict[str, list[float]]:
    """Write month after month; seconds of the house and of the daily files."""
    rng, spent = stream(3, "benchmark"), {"house": [], "daily": []}
    for _, group in groupby(sessions, key=lambda day: (day.year, day.month)):
        days = list(group)
        rows = month_rows(days, codes, rng)
        began = time.perf_counter()
        store.tables.write_sessions(BARS, rows, days, commit=COMMIT)
        spent["house"].append(time.perf_counter() - began)
        began = time.perf_counter()
        for (day,), part in rows.partition_by("session", as_dict=True, maintain_order=True).items():
            part.write_parquet(folder / f"{day}.parquet", compression="zstd", compression_level=1)
        spent["daily"].append(time.perf_counter() - began)
    return spent


def alternate(variants: dict[str, Callable[[], object]], rounds: int) -> dict[str, tuple[float, float]]:
    """Median wall and CPU seconds of each variant; one untimed round first."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
    for number in range(rounds + 1):
        for name, run in variants.items():
            wall, cpu = time.perf_counter(), time.process_time()
            run()
            if number:
                spent[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return {name: tuple(map(statistics.median, zip(*times, strict=True))) for name, times in spent.items()}


def questions(store: Store, folder: Path, sessions: list[date]) -> Iterator[tuple[str, dict[str, Callable]]]:
    """Each question with the ways to answer it; the first is the house in stored order."""
    start, names = sessions[-90], [folder / f"{day}.parquet" for day in sessions]
    everything = str(folder / "*.parquet")

    def recent(*, ordered: bool) -> pl.DataFrame:
        return store.tables.scan(BARS, start=start, ordered=ordered).collect()

    def column(*, ordered: bool) -> pl.DataFrame:
        return store.tables.scan(BARS, ordered=ordered).select("session", "code", "close_jpy").collect()

    yield (
        "90 sessions",
        {
            "house": lambda: recent(ordered=False),
            "house, sorted": lambda: recent(ordered=True),
            "daily files by pattern": lambda: pl.scan_parquet(everything).filter(pl.col("session") >= start).collect(),
            "daily files by name": lambda: pl.scan_parquet(names[-90:]).collect(),
        },
    )
    yield (
        "one column",
        {
            "house": lambda: column(ordered=False),
            "house, sorted": lambda: column(ordered=True),
            "daily files by pattern": lambda: (
                pl.scan_parquet(everything).select("session", "code", "close_jpy").collect()
            ),
        },
    )


def prove(question: str, ways: dict[str, Callable[[], pl.DataFrame]]) -> None:
    answers = {name: answer() for name, answer in ways.items()}
    want = answers["house, sorted"]
    for name, got in answers.items():
        if not got.sort(BARS.key).equals(want):
            raise SystemExit(f"{question}: {name} answers something else; nothing was timed")
    print(f"proved: {question}, the same {want.height:,} rows x {want.width} columns in {len(answers)} ways")


def one_more(store: Store, folder: Path, sessions: list[date], codes: list[str]) -> tuple[float, float]:
    """Seconds to add a session to the running month: house, and a file of its own."""
    month = [day for day in sessions if (day.year, day.month) == (sessions[-1].year, sessions[-1].month)]
    rows = month_rows(month[-1:], codes, stream(4, "benchmark"))
    house, daily = [], []
    for _ in range(5):
        began = time.perf_counter()
        store.tables.write_sessions(BARS, rows, month[-1:], commit=COMMIT)
        house.append(time.perf_counter() - began)
        began = time.perf_counter()
        rows.write_parquet(folder / "one.tmp", compression="zstd", compression_level=1)
        daily.append(time.perf_counter() - began)
    return statistics.median(house), statistics.median(daily)


def reading(store: Store, folder: Path, sessions: list[date], rounds: int) -> list[Line]:
    """The questions of S1."""
    found = []
    for question, ways in questions(store, folder, sessions):
        prove(question, ways)
        told = alternate(ways, rounds)
        for name, (wall, cpu) in told.items():
            ratio = wall / told["house"][0]
            print(f"  {name:26s}{1e3 * wall:9.1f} ms wall{1e3 * cpu:9.1f} CPU-ms{ratio:8.2f} x house")
            way = name.removeprefix("daily files ")
            if bound := GOALS.get(f"{question}, {way}"):
                detail = f"wall, both in stored order; sorted by key the house takes {told['house, sorted'][0]:.3f} s"
                found.append(Line("S1", f"{question}, daily files {way}", ">=", bound, ratio, detail))
    return found


def lines(codes: int = 1000, n_sessions: int = 2500, rounds: int = 5) -> list[Line]:
    """S1."""
    sessions = list(tse_calendar(date(2016, 1, 4)).sessions[:n_sessions])
    names = [f"{1000 + n}0" for n in range(codes)]
    with tempfile.TemporaryDirectory() as root:
        store, folder = open_store(f"file://{root}/store"), Path(root, "daily")
        folder.mkdir()
        spent = write_both(store, folder, sessions, names)
        whole = sum(spent["house"])
        size = f"{codes} codes x {len(sessions)} sessions, {len(BARS.columns)} columns"
        print(f"{size}; written in {whole:.1f} s (house, {len(spent['house'])} commits)")
        found = reading(store, folder, sessions, rounds)
        house, daily = one_more(store, folder, sessions, names)
    detail = f"{size}: {1e3 * house:.0f} ms of {whole:.1f} s wall; a file of its own {1e3 * daily:.0f} ms"
    return [*found, Line("S1", "one more session, % of writing it all", "<=", 3.0, 100 * house / whole, detail)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codes", type=int, default=1000)
    parser.add_argument("--sessions", type=int, default=2500)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    report(lines(given.codes, given.sessions, given.rounds))


if __name__ == "__main__":
    main()
