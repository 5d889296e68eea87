"""CPU time of one appended session against a rebuild of the whole history, over the features made of prices.

Bars are geometric walks with a market factor, 1 % of rows without trade, 15 % of codes listing late, splits, 33
sectors; they are staged by the production code. Every family is computed by itself, as in the evening. First the
appended session is compared with the rebuild, to the bit; then both are timed (CPU seconds of the whole process, all
threads; staging prices and reading tables are not part of either). Features that read other sources are left out:
there is no synthetic filing cabinet of this size, and their staging costs the same in both.

    python -m benchmarks.appending [--codes 4000] [--sessions 2500] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import time
from datetime import date

import numpy as np
import polars as pl

from benchmarks.table import Line, report
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.append import append, append_sessions
from gogoku_pipeline.features.carrying import compute_carrying
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.family_tables import families
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.laws import compare
from gogoku_pipeline.features.price_columns import price_columns
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.features.states.register import STATES
from gogoku_pipeline.features.tail_rows import from_session
from gogoku_pipeline.tables.prices import MARK_SESSIONS, factor_events, stage_prices

CALENDAR = tse_calendar(date(2012, 1, 4))


def names_of_prices() -> dict[str, list[str]]:
    """Family to its features that read no table but prices, universe and index."""
    states = {feature.name: feature.states for feature in house().features}
    tables = {name: any(STATES[alias].tables for alias in states[name]) for name in states}
    free = {
        family: [f.name for f in members if not any(tables[below.name] for below in house().in_order([f.name]))]
        for family, members in families().items()
    }
    return {family: names for family, names in free.items() if names and "given" not in family}


def synthetic_bars(codes: int, sessions: int, seed: int = 1) -> pl.DataFrame:
    """Rows of core_jquants__daily_bars, as far as prices read them."""
    rng = stream(seed, "benchmark")
    shape = (sessions, codes)
    days = np.array(CALENDAR.sessions[:sessions], dtype="datetime64[D]")
    market = rng.normal(0, 0.01, sessions)
    close = 1000 * np.exp(np.cumsum(market[:, None] * rng.uniform(0.5, 1.5, codes) + rng.normal(0, 0.02, shape), 0))
    bars = {"close_jpy": close, "open_jpy": close * np.exp(rng.normal(0, 0.005, shape))}
    both = (bars["close_jpy"], bars["open_jpy"])
    bars["high_jpy"] = np.maximum(*both) * np.exp(np.abs(rng.normal(0, 0.005, shape)))
    bars["low_jpy"] = np.minimum(*both) * np.exp(-np.abs(rng.normal(0, 0.005, shape)))
    bars["volume_shares"] = np.round(np.exp(rng.normal(11, 1, shape)))
    bars["turnover_jpy"] = bars["volume_shares"] * close
    bars["morning_turnover_jpy"] = bars["turnover_jpy"] * rng.uniform(0.3, 0.7, shape)
    silent = rng.random(shape) < 0.01
    first = np.where(rng.random(codes) < 0.15, rng.integers(0, sessions, codes), 0)
    t, i = np.nonzero(np.arange(sessions)[:, None] >= first)
    names = np.array([f"{1000 + number}0" for number in range(codes)])
    columns = {name: np.where(silent, np.nan, values)[t, i] for name, values in bars.items()}
    factor = np.where(rng.random(t.size) < 0.0002, 0.5, 1.0)
    claims = {f"is_limit_{side}": rng.random(t.size) < 0.01 for side in ("up", "down")}
    halves = {f"morning_{name}_jpy": columns[f"{name}_jpy"] for name in ("open", "high", "low", "close")}
    halves |= {f"afternoon_{name}_jpy": columns[f"{name}_jpy"] for name in ("open", "close")}
    morning = {f"morning_{name}": claim for name, claim in claims.items()}
    frame = pl.DataFrame({"session": days[t], "code": names[i], **columns, **claims, **halves, **morning})
    return frame.with_columns(
        pl.col(pl.Float64).fill_nan(None), adjustment_factor=factor, ex_rights_type=pl.lit(None, pl.String)
    )


def inputs_of(bars: pl.DataFrame, names: list[str], seed: int = 1) -> FeatureInputs:
    """Staged prices, a universe of all and an index."""
    codes = bars.select(pl.col("code").unique().sort())
    sectors = codes.with_row_index("n").with_columns(
        sector33_code=(pl.col("n") % 33 * 50 + 50).cast(pl.String).str.zfill(4)
    )
    universe = bars.select("session", "code", is_in_universe=True).join(sectors, on="code", how="left")
    days = bars["session"].unique().sort()
    close = 1500 * np.exp(np.cumsum(stream(seed, "index").normal(0, 0.01, len(days))))
    topix = pl.DataFrame({"session": days, "close_points": close, "is_market_halt": False})
    prices = stage_prices(bars, calendar=CALENDAR, extra=price_columns(names))
    return FeatureInputs(
        prices, universe.drop("n").with_columns(sector17_code="sector33_code"), topix, factors=factor_events(bars)
    )


def lines(codes: int = 4000, sessions: int = 2500, rounds: int = 3) -> list[Line]:
    """P6."""
    days = CALENDAR.sessions[:sessions]
    wanted = names_of_prices()
    small = inputs_of(synthetic_bars(12, 700), [name for names in wanted.values() for name in names])
    first = CALENDAR.sessions
    for names in wanted.values():  # compile
        _, carried = compute_carrying(names, small, start=first[600], end=first[600])
        append(names, small, carried, start=first[601], end=first[601])
    bars = synthetic_bars(codes, sessions)
    spent_rebuilding = spent_appending = 0.0
    for family, names in wanted.items():
        whole, appended, tail = timed(names, inputs_of(bars, names), days, rounds)
        spent_rebuilding, spent_appending = spent_rebuilding + whole, spent_appending + appended
        print(
            f"{family}: {len(names)} features, tail {tail}: rebuild {whole:.2f} CPU-s, appended session "
            f"{appended:.3f} CPU-s, {appended / whole:.1%}; proved equal to the bit"
        )
    told = sum(map(len, wanted.values()))
    detail = (
        f"{bars.height:,} rows x {told} features, equal to the bit: rebuild {spent_rebuilding:.1f}, "
        f"session {spent_appending:.2f} CPU-s"
    )
    share = 100 * spent_appending / spent_rebuilding
    return [Line("P6", "one appended session, % of the rebuild's CPU", "<=", 5.0, share, detail)]


def timed(names: list[str], inputs: FeatureInputs, days: tuple[date, ...], rounds: int) -> tuple[float, float, int]:
    """CPU seconds of a rebuild and of one appended session, and the sessions of its tail; outputs are equal first."""
    last = days[-1]
    before = time.process_time()
    rebuilt = compute(names, inputs, start=days[0], end=last).filter(pl.col("session") == last)
    whole = time.process_time() - before
    _, carried = compute_carrying(names, inputs, start=days[-2], end=days[-2])
    tail = append_sessions(names)
    recent = from_session(inputs, days[-1 - tail - MARK_SESSIONS])
    spent = []
    for _ in range(rounds):
        before = time.process_time()
        frame, _ = append(names, recent, carried, start=last, end=last)
        spent.append(time.process_time() - before)
    if broken := compare("append", names, rebuilt, frame):
        raise SystemExit(f"outputs differ: {broken[:3]}")
    return whole, statistics.median(spent), tail


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codes", type=int, default=4000)
    parser.add_argument("--sessions", type=int, default=2500)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    report(lines(given.codes, given.sessions, given.rounds))


if __name__ == "__main__":
    main()
