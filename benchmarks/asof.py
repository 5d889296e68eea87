"""As-of joins: what was known of weekly rows at each session's decision, by the house, Polars, pandas and DuckDB.

Daily rows ask at 19:00 for the newest of weekly rows of four columns that was available before, by code. Tables are as
the house stores them, sorted by session and code, codes are text; the house and pandas once more with codes as
categories beforehand, which spares both the reading of text. Answers are proved equal first. Medians of CPU seconds of
the process, variants alternated.

    python -m benchmarks.asof [--codes 1000] [--sessions 2500] [--rounds 3]
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable
from datetime import date, time
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from benchmarks.table import Line, absent, alternate, report
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.schema.columns import JST_INSTANT, Column
from gogoku_pipeline.schema.tables import AVAILABLE_AT, CODE, SESSION, Table
from gogoku_pipeline.tables.asof import cutoff_at, join_as_of

VALUES = ("a", "b", "c", "d")
FACTS = Table(
    "weekly__facts",
    "Four numbers a week.",
    (SESSION, CODE, *(Column(name, pl.Float64, "A number.") for name in VALUES), AVAILABLE_AT),
    ("session", "code"),
)
ON: dict[str, Any] = {"left_on": "cutoff_at", "right_on": "available_at", "by": "code", "allow_exact_matches": False}
BOUNDS = {
    "DuckDB ASOF": ("house", 4.0),
    "pandas merge_asof": ("house", 1.5),
    "pandas merge_asof, categories": ("house, categories", 1.5),
}


def tables(codes: int, sessions: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Daily rows with their hour of decision, and weekly rows told at 16:30, both by session and code."""
    rng = stream(5, "benchmark")
    days = np.array(tse_calendar(date(2016, 1, 4)).sessions[:sessions], dtype="datetime64[D]")
    weeks, names = days[4::5], np.array([f"{10_000 + 10 * number}" for number in range(codes)])
    left = pl.DataFrame({"session": np.repeat(days, codes), "code": np.tile(names, days.size)})
    right = pl.DataFrame({"session": np.repeat(weeks, codes), "code": np.tile(names, weeks.size)})
    right = right.with_columns(**{name: pl.Series(rng.normal(size=right.height)) for name in VALUES})
    told = cutoff_at(pl.col("session"), time(16, 30)).cast(JST_INSTANT).alias("available_at")
    kept = right.with_columns(told).filter(pl.Series(rng.random(right.height) < 0.98))
    return left.with_columns(cutoff_at(pl.col("session"), time(19))), kept


def ways(left: pl.DataFrame, right: pl.DataFrame) -> dict[str, Callable[[], pl.DataFrame | pd.DataFrame]]:
    """Each engine on its own tables; DuckDB only where it is installed."""
    day, week = left.to_pandas(), right.drop("session").to_pandas()
    kind = pd.CategoricalDtype(sorted(day["code"].unique()))
    day_kinds, week_kinds = (frame.astype({"code": kind}) for frame in (day, week))
    facts, enum = right.drop("session"), pl.Enum(sorted(day["code"].unique()))
    asks, tells = (frame.with_columns(pl.col("code").cast(enum)) for frame in (left, right))
    found: dict[str, Callable[[], pl.DataFrame | pd.DataFrame]] = {
        "house": lambda: join_as_of(left, right, right_table=FACTS, on_code=True),
        "house, categories": lambda: join_as_of(asks, tells, right_table=FACTS, on_code=True),
        "Polars join_asof": lambda: left.join_asof(facts, **ON, check_sortedness=False),
        "pandas merge_asof": partial(pd.merge_asof, day, week, **ON),
        "pandas merge_asof, categories": partial(pd.merge_asof, day_kinds, week_kinds, **ON),
    }
    if importlib.util.find_spec("duckdb"):
        import duckdb

        database = duckdb.connect(config={"threads": 2})
        database.register("day", left.to_arrow())
        database.register("week", right.to_arrow())
        question = (
            "select d.*, w.a, w.b, w.c, w.d, w.available_at from day d asof left join week w "
            "on d.code = w.code and d.cutoff_at > w.available_at"
        )
        found["DuckDB ASOF"] = lambda: database.sql(question).pl()
    return found


def comparable(made: pl.DataFrame | pd.DataFrame) -> pl.DataFrame:
    frame = pl.from_pandas(made) if isinstance(made, pd.DataFrame) else made
    frame = frame.with_columns(pl.col("code").cast(pl.String), pl.col("session").cast(pl.Date))
    return frame.select("session", "code", pl.col(VALUES).fill_nan(None)).sort("session", "code")


def lines(codes: int = 1000, sessions: int = 2500, rounds: int = 3) -> list[Line]:
    """A1."""
    left, right = tables(codes, sessions)
    variants = ways(left, right)
    want = comparable(variants["house"]())
    for name, run in variants.items():
        if not comparable(run()).equals(want):
            raise SystemExit(f"{name} joins something else")
    print(f"proved: as-of, {left.height:,} rows x {right.height:,}, the same in {', '.join(variants)}")
    spent = alternate(variants, rounds)
    told = f"CPU-s: {', '.join(f'{name} {seconds:.2f}' for name, seconds in spent.items())}"
    return [
        Line("A1", f"as-of join, {peer}", ">=", bound, spent[peer] / spent[ours], told)
        if peer in spent
        else absent("A1", f"as-of join, {peer}", ">=", bound, "duckdb")
        for peer, (ours, bound) in BOUNDS.items()
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
