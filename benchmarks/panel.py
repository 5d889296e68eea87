"""The panel of 148 columns: the engine and its language against Polars, pandas and the machine's own write speed.

78 columns per stock and 70 across a session (`benchmarks.panel_columns`). The house delivers a table in float32,
sorted by session and code; Polars is timed twice, in the order of its work (by code) and in the house's order. Outputs
are proved equal first on double precision (null cells equal, at most 1e-4 of a column's standard deviation apart);
Polars is timed on single precision, its faster side. Each side writes to memory its own allocator kept from the round
before: the first, untimed one pays for clearing it. Medians of CPU seconds of the process, variants alternated.

    python -m benchmarks.panel [--codes 4000] [--sessions 460] [--rounds 3]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from functools import partial

import numpy as np
import pandas as pd
import polars as pl

from benchmarks.features import synthetic_inputs
from benchmarks.floor import write_once
from benchmarks.panel_columns import ACROSS, AGAINST_SECTOR, COMPARED, PER_STOCK, STEPS, declared
from benchmarks.table import Line, alternate, report
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.registry import Registry

SPAN = {"start": date(2000, 1, 1), "end": date(2100, 1, 1)}
COLUMNS = (*PER_STOCK, *ACROSS)
READ = ("open", "high", "low", "close", "volume", "turnover_jpy")
KEY = ["session", "code"]
SOME_SESSIONS = 120
"""Sessions on which pandas compares stocks; it takes a second for each ten."""


def finite(x: pl.Expr) -> pl.Expr:
    return pl.when(x.is_finite()).then(x)


def peer_per_stock(frame: pl.LazyFrame) -> pl.LazyFrame:
    for step in STEPS:
        frame = frame.with_columns(**{name: finite(column.peer) for name, column in step.items()})
    return frame


def peer_across(frame: pl.LazyFrame) -> pl.LazyFrame:
    """The 70 columns across a session, as one writes them by hand."""
    made = {}
    for name in COMPARED:
        x = pl.col(name)
        made[f"cs_z_{name}"] = finite((x - x.mean().over("session")) / x.std().over("session"))
        made[f"cs_rank_{name}"] = finite((x.rank("average").over("session") - 1) / (x.count().over("session") - 1))
    for name in AGAINST_SECTOR:
        made[f"cs_sec_{name}"] = pl.col(name) - pl.col(name).mean().over("session", "sector33_code")
    return frame.with_columns(**made)


def pandas_across(frame: pd.DataFrame) -> pd.DataFrame:
    """The same 70 columns in pandas."""
    days, chosen = frame.groupby("session", sort=False), list(COMPARED)
    grouped = days[chosen]
    own = frame[chosen]
    score = ((own - grouped.transform("mean")) / grouped.transform("std")).add_prefix("cs_z_")
    place = ((grouped.rank() - 1) / (grouped.transform("count") - 1)).add_prefix("cs_rank_")
    sectors = frame.groupby(["session", "sector33_code"], sort=False, observed=True)[list(AGAINST_SECTOR)]
    apart = (frame[list(AGAINST_SECTOR)] - sectors.transform("mean")).add_prefix("cs_sec_")
    return pd.concat([score, place, apart], axis=1).astype(np.float32)


def peer_panel(prices: pl.DataFrame, *, resort: bool, columns: tuple[str, ...] = COLUMNS) -> pl.DataFrame:
    """One plan; `resort` puts the rows by session before the second part, as the house delivers them."""
    frame = peer_per_stock(prices.lazy())
    if resort:
        frame = frame.sort(KEY)
    if set(columns) & set(ACROSS):
        frame = peer_across(frame)
    return frame.select(*KEY, *(pl.col(n).cast(pl.Float32) for n in columns)).collect()


def differences(left: pl.DataFrame, right: pl.DataFrame, names: tuple[str, ...]) -> dict[str, tuple[int, float]]:
    """Cells null on one side only, and the largest difference in standard deviations."""
    out = {}
    for name in names:
        a, b = left[name].cast(pl.Float64), right[name].cast(pl.Float64)
        spread = float(b.std() or 1.0) or 1.0
        out[name] = (int((a.is_null() != b.is_null()).sum()), float((a - b).abs().max() or 0.0) / spread)
    return out


def sorted_prices(inputs: FeatureInputs) -> pl.DataFrame:
    """What the peers are given: rows by code, sector beside the bars."""
    sectors = inputs.universe.select("session", "code", "sector33_code")
    joined = inputs.prices.select(*KEY, *READ).join(sectors, on=KEY, how="left", maintain_order="left")
    return joined.sort("code", "session").with_columns(pl.col("code", "sector33_code").cast(pl.Categorical))


def prove(registry: Registry, names: tuple[str, ...]) -> None:
    """Polars and pandas give the house's table."""
    inputs = synthetic_inputs(120, 300)
    ours = compute(names, inputs, **SPAN, registry=registry)
    theirs = peer_panel(sorted_prices(inputs), resort=True)
    agree(ours, theirs.with_columns(pl.col("code").cast(pl.String)).sort(KEY), names, "Polars")
    per_stock = peer_per_stock(sorted_prices(inputs).lazy()).sort(KEY).collect()
    agree(ours, pl.from_pandas(pandas_across(per_stock.to_pandas())), ACROSS, "pandas")


def agree(ours: pl.DataFrame, theirs: pl.DataFrame, names: tuple[str, ...], peer: str) -> None:
    apart = differences(ours, theirs, names)
    if bad := {name: gap for name, gap in apart.items() if gap[0] or gap[1] > 1e-4}:
        raise SystemExit(f"{peer}: outputs differ: {bad}")
    widest = max(gap for _, gap in apart.values())
    told = f"{len(names)} columns, {ours.height:,} rows, at most {widest:.1e} sd apart, same null cells"
    print(f"proved: {peer} = house, {told}")


def timed(inputs: FeatureInputs, registry: Registry, rounds: int) -> dict[str, float]:
    """Median CPU seconds of the house, of Polars in both orders, and of writing as many cells."""
    single = sorted_prices(inputs).with_columns(pl.col(pl.Float64).cast(pl.Float32))
    whole = peer_per_stock(single.lazy()).collect()
    by_day = whole.sort(KEY)
    read = np.ascontiguousarray(single.select(READ).to_numpy().T, dtype=np.float32)
    written = np.zeros((len(COLUMNS), single.height), np.float32)
    variants: dict[str, Callable[[], object]] = {
        "house": lambda: compute(COLUMNS, inputs, **SPAN, registry=registry),
        "house per stock": lambda: compute(PER_STOCK, inputs, **SPAN, registry=registry),
        "over": partial(peer_panel, single, resort=False),
        "over, by session": partial(peer_panel, single, resort=True),
        "over per stock": partial(peer_panel, single, resort=False, columns=PER_STOCK),
        "over per stock, by session": partial(peer_panel, single, resort=True, columns=PER_STOCK),
        "across as stored": lambda: peer_across(whole.lazy()).select(ACROSS).collect(),
        "across by session": lambda: peer_across(by_day.lazy()).select(ACROSS).collect(),
        "floor": partial(write_once, read, written),
    }
    return alternate(variants, rounds)


def timed_with_pandas(codes: int, registry: Registry, rounds: int) -> tuple[float, str]:
    """How many times the CPU of the house's cross-section pandas takes on some sessions, rows by code."""
    inputs = synthetic_inputs(codes, SOME_SESSIONS)
    frame = peer_per_stock(sorted_prices(inputs).lazy()).select(*KEY, "sector33_code", *COMPARED).collect().to_pandas()
    spent = alternate(
        {
            "house": lambda: compute(COLUMNS, inputs, **SPAN, registry=registry),
            "house per stock": lambda: compute(PER_STOCK, inputs, **SPAN, registry=registry),
            "pandas": partial(pandas_across, frame),
        },
        rounds,
    )
    across = spent["house"] - spent["house per stock"]
    return spent["pandas"] / across, f"{len(frame):,} rows: pandas {spent['pandas']:.2f}, house {across:.2f} CPU-s"


def lines(codes: int = 4000, sessions: int = 460, rounds: int = 3) -> list[Line]:
    """P2, what Polars and pandas play of P3 and P4, and the ratios of P5."""
    registry = declared()
    prove(registry, COLUMNS)
    inputs = synthetic_inputs(codes, sessions)
    spent = timed(inputs, registry, rounds)
    size = f"{inputs.prices.height:,} rows"
    print(f"{size}, CPU-s: {', '.join(f'{name} {seconds:.2f}' for name, seconds in spent.items())}")
    del inputs
    house, stocks, floor = spent["house"], spent["house per stock"], spent["floor"]
    across = house - stocks
    pandas, told = timed_with_pandas(codes, registry, rounds)

    def against(goal: str, what: str, bound: float, peer: str, ours: float) -> Line:
        detail = f"{size}: peer {spent[peer]:.2f}, house {ours:.2f} CPU-s"
        return Line(goal, what, ">=", bound, spent[peer] / ours, detail)

    sorted_too = "by session, as the house"
    return [
        against("P2", "panel of 148, one Polars plan (rows by code)", 4.0, "over", house),
        against("P2", f"panel of 148, best Polars plan ({sorted_too})", 3.2, "over, by session", house),
        against("P3", "78 per stock, Polars over (rows by code)", 6.0, "over per stock", stocks),
        against("P3", f"78 per stock, Polars over ({sorted_too})", 6.0, "over per stock, by session", stocks),
        against("P4", "70 across, Polars over (rows by code, as stored)", 3.2, "across as stored", across),
        against("P4", f"70 across, Polars over ({sorted_too})", 2.0, "across by session", across),
        Line("P4", "70 across, pandas groupby (rows by code)", ">=", 8.0, pandas, told),
        Line("P5", "panel against writing as many cells once", "<=", 9.0, house / floor, f"floor {floor:.2f} CPU-s"),
        Line("P5", "per-stock part against the same floor", "<=", 2.0, stocks / floor, f"house {stocks:.2f} CPU-s"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codes", type=int, default=4000)
    parser.add_argument("--sessions", type=int, default=460)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    report(lines(given.codes, given.sessions, given.rounds))


if __name__ == "__main__":
    main()
