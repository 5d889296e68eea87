"""As-of joins: what was known of weekly rows at each session, by Polars, pandas and DuckDB.

The house joins releases to sessions with `join_asof` by code. Daily rows against weekly rows of four columns, sorted
beforehand for all three; answers proved equal first. Medians of CPU seconds of the process, variants alternated.

    python -m benchmarks.asof [--codes 1000] [--sessions 2500] [--rounds 3]
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import polars as pl

from benchmarks.table import Line, alternate, report
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import tse_calendar

VALUES = ("a", "b", "c", "d")


def tables(codes: int, sessions: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Daily rows, and weekly rows of four columns, both by session and code."""
    rng = stream(5, "benchmark")
    days = np.array(tse_calendar(date(2016, 1, 4)).sessions[:sessions], dtype="datetime64[D]")
    weeks = days[4::5]
    left = pl.DataFrame({"session": np.repeat(days, codes), "code": np.tile(np.arange(codes), days.size)})
    right = pl.DataFrame({"session": np.repeat(weeks, codes), "code": np.tile(np.arange(codes), weeks.size)})
    right = right.with_columns(**{name: pl.Series(rng.normal(size=right.height)) for name in VALUES})
    return left, right.filter(pl.Series(rng.random(right.height) < 0.98))


def ways(left: pl.DataFrame, right: pl.DataFrame) -> dict[str, Callable[[], pl.DataFrame]]:
    """Each engine on its own tables; DuckDB only where it is installed."""
    day, week = left.to_pandas(), right.to_pandas()
    for frame in (day, week):
        frame["session"] = frame["session"].astype("datetime64[ms]")

    def by_pandas() -> pl.DataFrame:
        return pl.from_pandas(pd.merge_asof(day, week, on="session", by="code"))

    found: dict[str, Callable[[], pl.DataFrame]] = {
        "polars": lambda: left.join_asof(right, on="session", by="code", check_sortedness=False),
        "pandas": by_pandas,
    }
    if importlib.util.find_spec("duckdb"):
        import duckdb

        database = duckdb.connect(config={"threads": 2})
        database.register("day", left.to_arrow())
        database.register("week", right.to_arrow())
        question = (
            "select d.session, d.code, w.a, w.b, w.c, w.d from day d asof left join week w "
            "on d.code = w.code and d.session >= w.session"
        )
        found["duckdb"] = lambda: database.sql(question).pl()
    return found


def lines(codes: int = 1000, sessions: int = 2500, rounds: int = 3) -> list[Line]:
    """A1."""
    left, right = tables(codes, sessions)
    variants = ways(left, right)
    keys = ["session", "code"]
    answers = {name: run().with_columns(pl.col("session").cast(pl.Date)).sort(keys) for name, run in variants.items()}
    for name, answer in answers.items():
        if not answer.with_columns(pl.col(VALUES).fill_nan(None)).equals(answers["polars"]):
            raise SystemExit(f"{name} joins something else")
    print(f"proved: as-of, {left.height:,} rows x {right.height:,}, the same in {', '.join(answers)}")
    spent = alternate(variants, rounds)
    told = ", ".join(f"{name} {seconds:.2f}" for name, seconds in spent.items())
    bounds = {"duckdb": 4.0, "pandas": 1.5}
    return [
        Line("A1", f"as-of join against {peer}", ">=", bound, spent[peer] / spent["polars"], f"CPU-s: {told}")
        for peer, bound in bounds.items()
        if peer in spent
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codes", type=int, default=1000)
    parser.add_argument("--sessions", type=int, default=2500)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    report(lines(given.codes, given.sessions, given.rounds))


if __name__ == "__main__":
    main()
