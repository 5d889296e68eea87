"""How fast windows leave the panel, against a plain memory copy, a parquet scan per batch and a torch DataLoader.

A batch is one session's cross-section, 120 sessions back, as ranking losses take it; pages are cached. The copy moves
the same bytes from a plain array of the whole. The DataLoader and the parquet scan are given 512 of the stocks, a batch
of theirs; a scan of the whole cross-section, the way of parquet that wastes least, is told beside. All are counted per
window. Windows are proved equal first. Wall seconds, medians of alternated rounds.

    python -m benchmarks.training_input [--stocks 2000] [--sessions 260] [--features 160]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import torch
from torch.utils.data import DataLoader, Dataset

from benchmarks.table import Line, report
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.dataset.panel_map import Panel

LOOK_BACK, WINDOWS, ROUNDS = 120, 512, 7


class Windows(Dataset):
    """The plain way: one window per item."""

    def __init__(self, values, picks):
        self.values, self.picks = values, picks

    def __len__(self):
        return len(self.picks)

    def __getitem__(self, place):
        day, stock = self.picks[place]
        return torch.from_numpy(np.ascontiguousarray(self.values[day - LOOK_BACK + 1 : day + 1, stock]))


def open_as_panel(folder: Path, values: np.ndarray) -> Panel:
    """The map as the Panel the house trains from (masks are not measured)."""
    days, stocks, features = values.shape
    sessions = tuple(date(2024, 1, 1) + timedelta(days=place) for place in range(days))
    marks = np.ones((days, stocks), dtype=np.bool_)
    bits = np.full((days, stocks, (features + 7) // 8), 255, dtype=np.uint8)
    codes = tuple(f"{place:05d}" for place in range(stocks))
    names = tuple(f"f{place}" for place in range(features))
    return Panel(folder, values, bits, marks, marks, sessions, codes, names, "", "", {}, "", None)


def write(folder: Path, stocks: int, sessions: int, features: int) -> np.ndarray:
    """The same values as a memory map and, in single precision, as one parquet file by session."""
    rng = stream(6, "benchmark")
    made = np.memmap(folder / "values.f16", np.float16, "w+", shape=(sessions, stocks, features))
    made[:] = rng.standard_normal(made.shape, dtype=np.float32).astype(np.float16)
    made.flush()
    frame = pl.DataFrame(
        {
            "session": np.repeat(np.arange(sessions), stocks),
            "code": np.tile(np.arange(stocks), sessions),
            **{f"f{place}": made[:, :, place].astype(np.float32).reshape(-1) for place in range(features)},
        }
    )
    frame.write_parquet(folder / "values.parquet", compression="zstd", compression_level=1, row_group_size=131_072)
    return np.memmap(folder / "values.f16", np.float16, "r", shape=made.shape)


def timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def rates(folder: Path, values: np.ndarray) -> dict[str, float]:
    """Median wall seconds per window of each way."""
    sessions, stocks, features = values.shape
    rng, panel = stream(7, "benchmark"), open_as_panel(folder, values)
    plain = np.array(values)  # reads every page of the map, so that all are in memory and known to this process
    flat = np.zeros((LOOK_BACK, stocks, features), dtype=np.float16).transpose(1, 0, 2)
    seen: dict[str, list[float]] = {
        "memcpy": [],
        "panel": [],
        "loader": [],
        "parquet": [],
        "parquet, whole session": [],
    }
    scan = pl.scan_parquet(folder / "values.parquet")
    for number, day in enumerate(rng.integers(LOOK_BACK, sessions, size=ROUNDS + 1).tolist()):
        window = panel.window(panel.sessions[day], LOOK_BACK)
        same = plain[day - LOOK_BACK + 1 : day + 1].swapaxes(0, 1)
        inside = scan.filter(pl.col("session").is_between(day - LOOK_BACK + 1, day))
        picks = [(day, int(stock)) for stock in rng.permutation(stocks)[:WINDOWS]]
        batch = inside.filter(pl.col("code").is_in([stock for _, stock in picks]))
        loader = DataLoader(Windows(values, picks), batch_size=WINDOWS)
        if not number:
            prove(window, inside.collect(), next(iter(loader)).numpy(), picks)
        spent = {
            "memcpy": timed(lambda same=same: np.copyto(flat, same)) / stocks,
            "panel": timed(lambda window=window: np.copyto(flat, window)) / stocks,
            "loader": timed(lambda loader=loader: next(iter(loader))) / len(picks),
            "parquet": timed(batch.collect) / len(picks),
            "parquet, whole session": timed(inside.collect) / stocks,
        }
        for name, seconds in spent.items():
            if number:
                seen[name].append(seconds)
    return {name: statistics.median(times) for name, times in seen.items()}


def prove(window: np.ndarray, rows: pl.DataFrame, batch: np.ndarray, picks: list[tuple[int, int]]) -> None:
    """The three ways hold the same windows."""
    stocks, _, features = window.shape
    stored = rows.select(f"f{place}" for place in range(features)).to_numpy().reshape(LOOK_BACK, stocks, features)
    if not (
        np.array_equal(window[[stock for _, stock in picks]], batch) and np.array_equal(stored, window.swapaxes(0, 1))
    ):
        raise SystemExit("windows differ; nothing was timed")
    print(
        f"proved: {stocks} windows of {LOOK_BACK} sessions x {features} features, the same from map, loader and parquet"
    )


def lines(stocks: int = 2000, sessions: int = 260, features: int = 160) -> list[Line]:
    """T1."""
    with tempfile.TemporaryDirectory() as root:
        spent = rates(Path(root), write(Path(root), stocks, sessions, features))
    told = ", ".join(f"{name} {1 / seconds:,.0f}" for name, seconds in spent.items())
    detail, ours = f"windows/s: {told}", spent["panel"]
    return [
        Line("T1", "windows from the panel, a memory copy of them", "<=", 1.3, ours / spent["memcpy"], detail),
        Line("T1", "windows from the panel, a parquet scan per batch", ">=", 80.0, spent["parquet"] / ours, detail),
        Line("T1", "windows from the panel, Dataset and DataLoader", ">=", 3.0, spent["loader"] / ours, detail),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stocks", type=int, default=2000)
    parser.add_argument("--sessions", type=int, default=260)
    parser.add_argument("--features", type=int, default=160)
    given = parser.parse_args()
    report(lines(given.stocks, given.sessions, given.features))


if __name__ == "__main__":
    main()
