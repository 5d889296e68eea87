"""Rolling columns: the house against pandas `groupby.rolling` and DuckDB's window functions, the same 28 columns.

Means and deviations over 5 to 60 rows of a stock and what is made of them: moving averages, volatility, volume ratios,
z-scores, distances to the highest and lowest, Amihud. Every window is computed once by either peer and combined. All
deliver single precision and null cells are equal, values at most 1e-4 of a column's standard deviation apart; the
peers in the order of their work (by code) and once more sorted as the house's table. Medians of CPU seconds.

    python -m benchmarks.rolling [--codes 1000] [--sessions 460] [--rounds 2]

DuckDB is named as left out where it is not installed (extra `[bench]`).
"""

from __future__ import annotations

import argparse
import importlib.util
import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import polars as pl

from benchmarks.features import synthetic_inputs
from benchmarks.panel import KEY, SPAN, agree
from benchmarks.panel_columns import declared
from benchmarks.table import Line, alternate, per_order, report
from gogoku_pipeline.features.engine import compute

BARS = ("high", "low", "close", "volume", "turnover_jpy")
SERIES = {
    "close": "close",
    "volume": "volume",
    "turnover": "turnover_jpy",
    "ret": "close / prev - 1",
    "log_ret": "ln(close / prev)",
    "illiq": "abs(close / prev - 1) / turnover_jpy * 1e9",
    "high": "high",
    "low": "low",
}
"""What the windows run over; the texts are SQL."""

WINDOWS = (
    *(("mean", "close", n) for n in (5, 10, 20, 40, 60)),
    *(("std", "log_ret", n) for n in (5, 10, 20, 60)),
    *(("mean", "volume", n) for n in (5, 20, 60)),
    *((what, "turnover", n) for n in (20, 60) for what in ("mean", "std")),
    *((what, "ret", n) for n in (20, 60) for what in ("mean", "std")),
    *(("std", name, n) for n in (20, 60) for name in ("close", "volume")),
    *(("max", "high", n) for n in (20, 60)),
    *(("min", "low", n) for n in (20, 60)),
    *(("mean", "illiq", n) for n in (20, 60)),
)
YEAR = math.sqrt(245)
SQL = {"mean": "avg", "std": "stddev_samp", "max": "max", "min": "min"}
BOUNDS = {"pandas": 20.0, "DuckDB": 30.0}


def columns(w: Callable[[str, str, int], object], s: Callable[[str], object]) -> dict[str, object]:
    """The 28 columns from windows `w(what, series, n)` and series `s(name)`, for anything with arithmetic."""
    out = {f"sma_{n}": w("mean", "close", n) for n in (5, 10, 20, 40, 60)}
    out |= {f"vol_{n}": w("std", "log_ret", n) * YEAR for n in (5, 10, 20, 60)}
    out |= {f"dist_high_{n}": s("close") / w("max", "high", n) - 1 for n in (20, 60)}
    out |= {f"dist_low_{n}": s("close") / w("min", "low", n) - 1 for n in (20, 60)}
    out |= {f"volume_ratio_{n}": s("volume") / w("mean", "volume", n) for n in (5, 20, 60)}
    out |= {"adv_20": w("mean", "turnover", 20), "band_width": 4 * w("std", "close", 20) / w("mean", "close", 20)}
    for name in ("close", "volume", "turnover", "ret"):
        for n in (20, 60):
            out[f"z_{name}_{n}"] = (s(name) - w("mean", name, n)) / w("std", name, n)
    return out | {f"amihud_{n}": w("mean", "illiq", n) for n in (20, 60)}


NAMES = tuple(columns(lambda what, name, n: 1.0, lambda name: 1.0))


class Text(str):
    """SQL that is put together like a number."""

    def __add__(self, other: object) -> Text:
        return Text(f"({self} + {other})")

    def __sub__(self, other: object) -> Text:
        return Text(f"({self} - {other})")

    def __mul__(self, other: object) -> Text:
        return Text(f"({self} * {other})")

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> Text:
        return Text(f"({self} / nullif({other}, 0))")


def by_pandas(bars: pd.DataFrame) -> pd.DataFrame:
    """One groupby, one rolling per window; rows by code."""
    codes = bars["code"]
    prev = bars.groupby("code", sort=False, observed=True)["close"].shift(1)
    move = bars["close"] / prev - 1
    made = {"ret": move, "log_ret": np.log(bars["close"] / prev), "illiq": move.abs() / bars["turnover_jpy"] * 1e9}
    made |= {name: bars[column] for name, column in SERIES.items() if column in bars}
    grouped = pd.DataFrame(made).groupby(codes, sort=False, observed=True)
    windows = {}
    for what, name, n in WINDOWS:
        windows[what, name, n] = getattr(grouped[name].rolling(n, min_periods=1), what)().to_numpy()
    out = columns(lambda *key: windows[key], lambda name: made[name].to_numpy())
    with np.errstate(all="ignore"):
        frame = pd.DataFrame({name: np.asarray(values, np.float32) for name, values in out.items()})
    return pd.concat([bars[KEY], frame.replace([np.inf, -np.inf], np.nan)], axis=1)


def by_duckdb(bars: pl.DataFrame) -> Callable[[], pl.DataFrame]:
    """One query of named windows over a registered table; rows as the windows leave them."""
    import duckdb

    database = duckdb.connect(config={"threads": 2})
    database.register("bars", bars.with_columns(pl.col("code").cast(pl.String)).to_arrow())
    sizes = sorted({n for _, _, n in WINDOWS})
    frames = [f"w{n} as (partition by code order by session rows {n - 1} preceding)" for n in sizes]
    series = ", ".join(f"{text} as s_{name}" for name, text in SERIES.items())
    rolled = ", ".join(f"{SQL[what]}(s_{name}) over w{n} as {what}_{name}_{n}" for what, name, n in WINDOWS)
    out = columns(lambda what, name, n: Text(f"{what}_{name}_{n}"), lambda name: Text(f"s_{name}"))
    chosen = ", ".join(f"({text})::float as {name}" for name, text in out.items())
    question = (
        "with held as (select *, lag(close) over (partition by code order by session) as prev from bars), "
        f"series as (select session, code, {series} from held), "
        f"rolled as (select *, {rolled} from series window {', '.join(frames)}) "
        f"select session, code, {chosen} from rolled"
    )
    return lambda: database.sql(question).pl()


def lines(codes: int = 1000, sessions: int = 460, rounds: int = 2) -> list[Line]:
    """The rolling columns of P3."""
    registry, inputs = declared(), synthetic_inputs(codes, sessions)
    bars = inputs.prices.select(*KEY, *BARS).sort("code", "session").with_columns(pl.col("code").cast(pl.Categorical))
    plain = bars.to_pandas()
    house = partial(compute, NAMES, inputs, **SPAN, registry=registry)
    peers: dict[str, Callable[[], pl.DataFrame | pd.DataFrame]] = {"pandas": partial(by_pandas, plain)}
    if importlib.util.find_spec("duckdb"):
        peers["DuckDB"] = by_duckdb(bars)
    ours, variants = house(), {"house": house, **peers}
    for name, run in peers.items():
        made = run()
        table = pl.from_pandas(made) if isinstance(made, pd.DataFrame) else made
        table = table.with_columns(pl.col("code").cast(pl.String), pl.col("session").cast(pl.Date))
        agree(ours, table.sort(KEY), NAMES, name)
        if isinstance(made, pd.DataFrame):
            made = made.assign(code=made["code"].astype(str).astype("category"))
            variants[f"{name}, sorted"] = partial(made.sort_values, KEY, ignore_index=True)
        else:
            variants[f"{name}, sorted"] = partial(made.sort, KEY)
    spent = alternate(variants, rounds)
    return per_order(f"{len(NAMES)} rolling columns", BOUNDS, spent, bars.height)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codes", type=int, default=1000)
    parser.add_argument("--sessions", type=int, default=460)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    report(lines(given.codes, given.sessions, given.rounds))


if __name__ == "__main__":
    main()
