"""The set `alpha158` against qlib itself: the same 158 columns from the same bars.

qlib 0.9.7 reads its own binary files (written here first) and works through `D.features`, caches off, one kernel. The
house is given the same bars in single precision, as qlib stores them, and hands out a table by session. Before
anything is timed all columns are proved equal: the same cells missing, every value within a thousandth of its
column's standard deviation. Two markets are compared: one whose gaps are filled forward, which is timed, and one with
suspended days. Medians of CPU seconds of the process, variants alternated.

    python -m benchmarks.alpha158 [--codes 60] [--sessions 460] [--rounds 5]

Needs the extra `[bench]`; without qlib it says so and ends.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.features import synthetic_inputs
from benchmarks.table import Line, alternate, report
from gogoku_pipeline.features.alpha158.frame import alpha158
from gogoku_pipeline.features.alpha158.names import NAMES

BARS = ("open", "high", "low", "close", "volume", "vwap")
GOAL = 140.0
WIDEST = 1e-3
"""Largest difference, in standard deviations of the column."""


def market(codes: int, sessions: int, *, gaps: bool) -> pl.DataFrame:
    """Staged prices in single precision; without gaps the last bar is carried into sessions without a trade."""
    prices = synthetic_inputs(codes, sessions).prices.sort("code", "session")
    columns = ("open", "high", "low", "close", "volume")
    if not gaps:
        prices = prices.with_columns(pl.col(columns).forward_fill().over("code"))
    prices = prices.with_columns(vwap=(pl.col("high") + pl.col("low") + 2 * pl.col("close")) / 4)
    single = prices.with_columns(pl.col(BARS).cast(pl.Float32).cast(pl.Float64))
    return single.with_columns(turnover_jpy=pl.col("vwap") * pl.col("volume"), volume_shares="volume", factor=1.0)


@contextmanager
def provider(prices: pl.DataFrame) -> Iterator[str]:
    """The same bars as qlib stores them: a calendar, a list of instruments, one file of float32 per field."""
    days = prices["session"].unique().sort()
    place = {day: number for number, day in enumerate(days)}
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        for name in ("calendars", "instruments"):
            (folder / name).mkdir()
        (folder / "calendars/day.txt").write_text("\n".join(map(str, days)) + "\n")
        listed = []
        for (code,), rows in prices.partition_by("code", as_dict=True, maintain_order=True).items():
            first, last = rows["session"][0], rows["session"][-1]
            listed.append(f"{code}\t{first}\t{last}")
            (folder / "features" / str(code)).mkdir(parents=True)
            for field in BARS:
                values = rows[field].fill_null(float("nan")).to_numpy()
                stored = np.concatenate(([place[first]], values)).astype("<f4")
                stored.tofile(folder / "features" / str(code) / f"{field}.day.bin")
        (folder / "instruments/all.txt").write_text("\n".join(listed) + "\n")
        yield root


def peer(root: str, codes: list[str]):
    """The peer's own call, by instrument and day."""
    import qlib
    from qlib.contrib.data.loader import Alpha158DL
    from qlib.data import D

    qlib.init(
        provider_uri=root,
        region="cn",
        expression_cache=None,
        dataset_cache=None,
        kernels=1,
        logging_level=logging.ERROR,
    )
    config = {"kbar": {}, "price": {"windows": [0], "feature": ["OPEN", "HIGH", "LOW", "VWAP"]}, "rolling": {}}
    fields, names = Alpha158DL.get_feature_config(config)
    if tuple(names) != NAMES:
        raise SystemExit("qlib's columns have other names or another order")

    def run():
        from qlib.data.cache import H

        H.clear()
        return D.features(codes, fields, freq="day")

    return run


def prove(ours: pl.DataFrame, theirs, what: str) -> None:
    """Same missing cells, values within a thousandth of a standard deviation."""
    mine = ours.sort("code", "session").select(NAMES).to_numpy().astype(np.float64)
    other = theirs.sort_index().to_numpy().astype(np.float64)
    if mine.shape != other.shape:
        raise SystemExit(f"{what}: {mine.shape} cells against {other.shape}")
    other[~np.isfinite(other)] = np.nan
    worst, bad = 0.0, {}
    for k, name in enumerate(NAMES):
        missing = int((np.isnan(mine[:, k]) != np.isnan(other[:, k])).sum())
        apart = float(np.nanmax(np.abs(mine[:, k] - other[:, k]))) / float(np.nanstd(other[:, k]))
        worst = max(worst, apart)
        if missing or apart > WIDEST:
            bad[name] = (missing, apart)
    if bad:
        raise SystemExit(f"{what}: {len(bad)} of {len(NAMES)} columns differ: {bad}")
    print(
        f"proved: {what}, {mine.shape[0]:,} rows x {len(NAMES)} columns, at most {worst:.1e} sd apart, same null cells"
    )


def lines(codes: int = 60, sessions: int = 460, rounds: int = 5) -> list[Line]:
    """The measured line of the table of goals; none without qlib."""
    if importlib.util.find_spec("qlib") is None:
        print("qlib is not installed (extra [bench]): alpha158 was not compared")
        return []
    warnings.filterwarnings("ignore")
    gappy, prices = market(codes, sessions, gaps=True), market(codes, sessions, gaps=False)
    with provider(gappy) as root:
        prove(
            alpha158(gappy), peer(root, gappy["code"].unique().to_list())(), "alpha158 = qlib, suspended days left out"
        )
    with provider(prices) as root:
        run = peer(root, prices["code"].unique().to_list())
        prove(alpha158(prices), run(), "alpha158 = qlib, gaps filled forward")
        spent = alternate({"house": lambda: alpha158(prices), "qlib": run}, rounds)
    ratio = spent["qlib"] / spent["house"]
    detail = f"{prices.height:,} rows: qlib {spent['qlib']:.2f} CPU-s, house {1e3 * spent['house']:.1f} CPU-ms"
    return [Line("P1", "alpha158 against qlib D.features", ">=", GOAL, ratio, detail)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codes", type=int, default=60)
    parser.add_argument("--sessions", type=int, default=460)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    report(lines(given.codes, given.sessions, given.rounds))


if __name__ == "__main__":
    main()
