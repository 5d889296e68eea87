"""How long a backtest of the whole market takes, from tables in memory to proved accounts.

    python -m benchmarks.backtest [names sessions]

Goal: 4,000 names x 1,225 sessions (five years) in at most 15 s, with all inputs as frames: bars, listed issues,
universe, scores, TOPIX, dividends. Judged by CPU seconds of this process, all threads together, so that other work on
the machine does not count; wall seconds stand beside them. Prints the market's arrays, a weekly long-only and a daily
long-short run, the trades they make, and the peak of memory beside what the input frames alone take. Kernels are
compiled once before the clock starts.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.evaluation.backtest.config import BacktestConfig
from gogoku_pipeline.evaluation.backtest.market import MarketFrames, market_grid
from gogoku_pipeline.evaluation.backtest.result import run_backtest

GOAL_S = 15.0


@dataclass(frozen=True)
class Inputs:
    """Frames of one made-up market and scores that know a little of it."""

    market: MarketFrames
    scores: pl.DataFrame


def inputs(names: int, sessions: int, seed: int = 7) -> Inputs:
    """A market of random walks with halts, limits, splits and dividends, its size that of the real one."""
    rng = np.random.default_rng(seed)
    days = tse_calendar(date(2019, 1, 4)).sessions[:sessions]
    codes = [f"{1000 + place:04d}0" for place in range(names)]
    keys = pl.DataFrame(
        {"session": np.repeat(np.array(days, dtype="datetime64[D]"), names), "code": codes * sessions},
        schema={"session": pl.Date, "code": pl.String},
    )
    moves = rng.normal(0, 0.02, (sessions, names))
    closing = np.maximum(np.round(1000 * np.exp(np.cumsum(moves, axis=0) + rng.normal(0, 0.5, names))), 50.0)
    opening = np.maximum(np.round(closing * np.exp(rng.normal(0, 0.005, closing.shape))), 50.0)
    halted = rng.random(closing.shape) < 0.026
    volume = np.round(np.exp(rng.normal(np.log(2000), 1.2, names)) * np.exp(rng.normal(0, 0.3, closing.shape))) * 100
    traded = {name: pl.Series(np.where(halted, np.nan, values).ravel()).fill_nan(None) for name, values in (
        ("open_jpy", opening), ("close_jpy", closing), ("volume_shares", volume),
        ("high_jpy", np.maximum(opening, closing)), ("low_jpy", np.minimum(opening, closing)))}  # fmt: skip
    bars = keys.with_columns(
        *(series.alias(name) for name, series in traded.items()),
        pl.lit(1.0).alias("adjustment_factor"),
        pl.lit(None, dtype=pl.String).alias("ex_rights_type"),
        pl.lit(False).alias("is_limit_up"),
        pl.lit(False).alias("is_limit_down"),
    )
    listed = keys.with_columns(
        pl.Series("scale_category", rng.choice(["TOPIX Mid400", "TOPIX Small 1", "-"], names).tolist() * sessions),
        pl.Series("margin_class", rng.choice(["1", "2", "2"], names).tolist() * sessions),
        pl.Series("sector33_code", rng.choice([f"{n}050" for n in range(1, 10)], names).tolist() * sessions),
    )
    ahead = np.concatenate([moves[1:], np.zeros((1, names))])
    score = 0.05 * ahead / 0.02 + rng.normal(0, 1, closing.shape)
    universe = keys.with_columns(pl.lit(True).alias("is_tradable"))
    topix = pl.DataFrame({"session": days, "close_points": 1500 * np.exp(np.cumsum(moves.mean(axis=1)))})
    return Inputs(
        MarketFrames(bars, listed, universe, topix, _notices(days, codes)),
        keys.with_columns(pl.lit(5, dtype=pl.Int16).alias("horizon_d"), pl.Series("score", score.ravel())),
    )


def _notices(days: tuple[date, ...], codes: list[str]) -> pl.DataFrame:
    """Two dividends a year for every issue."""
    dated = [(code, day) for day in days[30::122] for code in codes]
    return pl.DataFrame(
        {
            "code": [code for code, _ in dated],
            "reference_number": [str(place) for place in range(len(dated))],
            "original_reference_number": [str(place) for place in range(len(dated))],
            "status": ["1"] * len(dated),
            "published_date": [day for _, day in dated],
            "published_time": ["15:00:00"] * len(dated),
            "ex_date": [day for _, day in dated],
            "dividend_jpy": [12.0] * len(dated),
        }
    )


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """(what it made, CPU seconds of all threads, wall seconds)."""
    cpu, wall = time.process_time(), time.perf_counter()
    made = work()
    return made, time.process_time() - cpu, time.perf_counter() - wall


def main(names: int = 4000, sessions: int = 1225) -> None:
    small = inputs(60, 90)
    for config in (BacktestConfig(), BacktestConfig.long_short()):
        run_backtest(small.scores, small.market, config)
    given = inputs(names, sessions)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    frames = (given.market.bars, given.market.listed, given.market.universe, given.scores)
    size = sum(frame.estimated_size("gb") for frame in frames if frame is not None)
    print(f"{names:,} names x {sessions:,} sessions; input frames {size:.2f} GB, peak before {before:.2f} GiB")
    grid, cpu, wall = timed(lambda: market_grid(given.market))
    print(f"{'market as arrays':>28}: {cpu:6.2f} s CPU {wall:6.2f} s wall")
    arrays = cpu
    daily = replace(BacktestConfig.long_short(), rebalance="daily", horizon_d=5, capital_jpy=1e10)
    for name, config in (("long-only, weekly", BacktestConfig()), ("long-short, daily", daily)):
        result, cpu, wall = timed(lambda config=config: run_backtest(given.scores, grid, config))
        print(f"{name:>28}: {cpu:6.2f} s CPU {wall:6.2f} s wall, {result.trades.height:,} trades")
        met = "met" if arrays + cpu <= GOAL_S else "missed"
        print(f"{'with the arrays':>28}: {arrays + cpu:6.2f} s CPU (goal {GOAL_S:.0f}: {met})")
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
