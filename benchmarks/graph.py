"""CPU time of the correlation graph: against its own matrix product, NumPy and pandas.

Three questions, one thread each, variants alternated in one process, medians of CPU seconds:

1. the exact 32 strongest companions of every stock, complete data, equal weights: times its own matrix product
   (the same 128-row blocks, nothing else), and against np.corrcoef + argsort and pandas `.corr()`;
2. the same with gaps in a tenth of the stocks, pairwise complete: times the complete case, against
   pandas `.corr(min_periods=40)`;
3. the graph as the house draws it (weighted, shrunk, k = 20, threshold 0.3), one session, and many sessions on one and
   on two threads (wall seconds);
4. one session of the whole market, 4,400 stocks: edges with their attributes, and all features of the nodes.

Before anything is timed the companions are proved equal: for every stock the same set as the double-precision matrix
of NumPy (complete) and of pandas (gaps) gives.

    python -m benchmarks.graph [--codes 4000] [--rounds 7]
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from datetime import date

import numpy as np
import pandas as pd
import polars as pl
from threadpoolctl import threadpool_limits

from benchmarks.table import Line, alternate, report
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.correlation import build_edges
from gogoku_pipeline.graph.node_features import compute_node_features
from gogoku_pipeline.graph.sides import make_side
from gogoku_pipeline.graph.strongest import BLOCK, strongest
from gogoku_pipeline.graph.windows import session_weights

WINDOW, K, COMMON = 60, 32, 40
EQUAL = np.full(WINDOW, 1 / WINDOW)


def residuals(codes: int, gappy: float, seed: int = 1) -> np.ndarray:
    """[codes, 60] noise plus 33 sector factors; a share of the stocks misses a tenth of its sessions or starts late."""
    rng = stream(seed, "benchmark")
    values = rng.normal(0, 0.02, (codes, WINDOW)) + rng.normal(0, 0.012, (33, WINDOW))[np.arange(codes) % 33]
    chosen = rng.random(codes) < gappy
    values[(rng.random(values.shape) < 0.1) & chosen[:, None]] = np.nan
    late = chosen & (rng.random(codes) < 0.2)
    values[late, :15] = np.nan
    return values


def companions(values: np.ndarray, weights: np.ndarray = EQUAL, k: int = K, floor: float = 0.0):
    return strongest(values, values, weights, k, floor, COMMON)


def products_only(values: np.ndarray) -> Callable[[], None]:
    """The matrix product the companions cannot be found without, in the same blocks."""
    unit = make_side(values, EQUAL, COMMON).unit32
    memory = np.empty((BLOCK, len(unit)), dtype=np.float32)

    def run() -> None:
        for start in range(0, len(unit), BLOCK):
            rows = unit[start : start + BLOCK]
            np.matmul(rows, unit.T, out=memory[: len(rows)])

    return run


def matrix_and_argsort(values: np.ndarray) -> np.ndarray:
    matrix = np.abs(np.corrcoef(values))
    np.fill_diagonal(matrix, -1)
    return np.argsort(matrix, axis=1)[:, -K:]


def prove(values: np.ndarray, matrix: np.ndarray, what: str) -> None:
    """Every stock's companions are the 32 largest absolute entries of its row of the matrix."""
    size = np.nan_to_num(np.abs(matrix), nan=-1.0)
    np.fill_diagonal(size, -1.0)
    found = companions(values)
    best = np.argsort(-size, axis=1, kind="stable")[:, :K]
    wrong = 0
    for row, held in enumerate(found.counts):
        mine = set(found.columns[row, :held].tolist())
        wrong += mine != {column for column in best[row].tolist() if size[row, column] >= 0}
    if wrong:
        raise SystemExit(f"{what}: {wrong} of {len(values)} stocks have other companions; nothing was timed")
    print(f"proved: {what}, the same {K} companions for all {len(values)} stocks")


def show(title: str, spent: dict[str, float], base: str) -> None:
    print(f"\n{title}")
    for name, seconds in spent.items():
        print(f"  {name:48s} {1e3 * seconds:9.1f} CPU-ms   {seconds / spent[base]:7.2f} x {base}")


def market(codes: int, sessions: int) -> tuple[pl.DataFrame, list[date]]:
    """A long table of returns with gaps, as `build_edges` takes it."""
    rng = stream(2, "benchmark")
    days = list(tse_calendar(date(2020, 6, 1)).sessions[:sessions])
    moves = rng.normal(0, 0.01, (sessions, 1))
    values = moves + rng.normal(0, 0.012, (sessions, 33))[:, np.arange(codes) % 33]
    values = values + rng.normal(0, 0.015, (sessions, codes))
    values[(rng.random(values.shape) < 0.1) & (rng.random(codes) < 0.1)] = np.nan
    frame = pl.DataFrame(
        {
            "session": np.repeat(np.array(days, dtype="datetime64[D]"), codes),
            "code": np.tile([f"{1000 + number}0" for number in range(codes)], sessions),
            "ret_1d": values.ravel(),
            "xs_ret_1d": np.repeat(np.nanmean(values, axis=1), codes),
        }
    )
    known = frame.with_columns(pl.col("ret_1d").fill_nan(None), is_in_universe=True, market_code=pl.lit("0111"))
    sector = (pl.col("code").cast(pl.Int64) // 10 % 33).cast(pl.String)
    return known.with_columns(ret_5d=pl.col("ret_1d"), sector33_code=sector), days


def range_of_sessions(codes: int, sessions: int, drawn: int) -> Line:
    """Wall seconds of build_edges on one thread over those on two, alternated; the same bits proved first."""
    frame, days = market(codes, sessions)
    wanted, config = days[-drawn:], GraphConfig()
    if not build_edges(frame, wanted, config).equals(build_edges(frame, wanted, config, threads=2)):
        raise SystemExit("one and two threads draw different edges; nothing was timed")
    walls: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(5):
        for threads, spent in walls.items():
            wall = time.perf_counter()
            build_edges(frame, wanted, config, threads=threads)
            spent.append(time.perf_counter() - wall)
    one, two = (statistics.median(spent) for spent in walls.values())
    detail = f"{codes} codes x {drawn} sessions: {one:.2f} and {two:.2f} s wall; load {os.getloadavg()[0]:.1f}"
    return Line("G1", "house graph on two threads, wall", ">=", 1.7, one / two, detail)


def whole_session(codes: int, rounds: int) -> None:
    """CPU milliseconds per session of edges and of node features: what ten sessions cost more than none."""
    frame, days = market(codes, 100)
    wanted, config = days[-10:], GraphConfig()
    stored = build_edges(frame, days[-30:], config)
    spent = alternate(
        {
            "laid out": lambda: build_edges(frame, [], config),
            "edges": lambda: build_edges(frame, wanted, config),
            "features": lambda: compute_node_features(stored, frame, wanted, config),
        },
        rounds,
    )
    for name in ("edges", "features"):
        print(f"  {codes} codes, {name}: {100 * (spent[name] - spent['laid out']):.0f} CPU-ms per session")


def complete(values: np.ndarray, rounds: int) -> list[Line]:
    """G1 on one thread: against its own product, and against peers that are given a second for each tenth of ours."""
    ours = {"product": products_only(values), "house": lambda: companions(values)}
    spent = alternate(ours, rounds)
    peers = {
        "house": lambda: companions(values),
        "np.corrcoef + argsort": lambda: matrix_and_argsort(values),
        "pandas .corr() alone": lambda: pd.DataFrame(values.T).corr(),
    }
    against = alternate(peers, 2)
    detail = f"{len(values)} stocks: {1e3 * spent['house']:.0f} CPU-ms"
    bounds = {"np.corrcoef + argsort": 12.0, "pandas .corr() alone": 30.0}
    return [
        Line("G1", f"exact top {K}, its own product", "<=", 2.2, spent["house"] / spent["product"], detail),
        *(
            Line("G1", f"exact top {K}, {peer}", ">=", bound, against[peer] / against["house"], detail)
            for peer, bound in bounds.items()
        ),
    ]


def pairwise(whole: np.ndarray, gaps: np.ndarray, rounds: int) -> list[Line]:
    """G2: gaps in a tenth of the stocks."""
    spent = alternate({"complete": lambda: companions(whole), "gaps": lambda: companions(gaps)}, rounds)
    peers = {"gaps": lambda: companions(gaps), "pandas": lambda: pd.DataFrame(gaps.T).corr(min_periods=COMMON)}
    against = alternate(peers, 2)
    detail = f"{len(gaps)} stocks: {1e3 * spent['gaps']:.0f} CPU-ms"
    what = f"top {K}, pairwise complete"
    return [
        Line("G2", f"{what}, complete data", "<=", 2.2, spent["gaps"] / spent["complete"], detail),
        Line("G2", f"{what}, pandas .corr(min_periods)", ">=", 15.0, against["pandas"] / against["gaps"], detail),
    ]


def lines(codes: int = 4000, rounds: int = 7, drawn: int = 20) -> list[Line]:
    """G1 and G2."""
    whole, gaps = residuals(codes, 0.0), residuals(codes, 0.1)
    with threadpool_limits(limits=1):
        prove(whole, np.corrcoef(whole), "complete data against np.corrcoef")
        prove(gaps, pd.DataFrame(gaps.T).corr(min_periods=COMMON).to_numpy(), "gaps against pandas .corr(min_periods)")
        found = [*complete(whole, rounds), *pairwise(whole, gaps, rounds)]
    return [*found, range_of_sessions(codes, 80, drawn)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codes", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=7)
    chosen = parser.parse_args()
    report(lines(chosen.codes, chosen.rounds))
    whole, gaps = residuals(chosen.codes, 0.0), residuals(chosen.codes, 0.1)
    weights, floor = session_weights(GraphConfig()), 0.3 / 0.95
    with threadpool_limits(limits=1):
        ours = {
            "product": products_only(whole),
            "house graph, complete (weighted, k 20, floor)": lambda: companions(whole, weights, 20, floor),
            "house graph, a tenth with gaps": lambda: companions(gaps, weights, 20, floor),
        }
        show("The house's own graph", alternate(ours, chosen.rounds), "product")
    print("\nMany sessions (residuals, edges, frames)")
    print(f"  {range_of_sessions(250, 440, 440).detail}")
    print("\nOne session of the whole market")
    whole_session(4400, 3)


if __name__ == "__main__":
    main()
