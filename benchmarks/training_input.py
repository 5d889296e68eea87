"""How fast windows leave the panel, against a plain memory copy, a parquet scan per batch and a torch DataLoader.

Run: python benchmarks/training_input.py [stocks sessions features]. Goal T1 of the performance page: windows from the
panel <= 1.3x memcpy, >= 80x parquet per batch, >= 3x a Dataset with a DataLoader. Prints medians of alternated rounds.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import torch
from torch.utils.data import DataLoader, Dataset

from gogoku_pipeline.dataset.panel_map import Panel

LOOK_BACK, WINDOWS, ROUNDS = 60, 512, 7


class Windows(Dataset):
    """The plain way: one window per item."""

    def __init__(self, values, picks):
        self.values, self.picks = values, picks

    def __len__(self):
        return len(self.picks)

    def __getitem__(self, place):
        day, stock = self.picks[place]
        return torch.from_numpy(np.ascontiguousarray(self.values[day - LOOK_BACK + 1 : day + 1, stock]))


def open_as_panel(folder, values):
    """The map as the Panel the house trains from (masks are not measured)."""
    days, stocks, features = values.shape
    sessions = tuple(date(2024, 1, 1) + timedelta(days=place) for place in range(days))
    marks = np.ones((days, stocks), dtype=np.bool_)
    bits = np.full((days, stocks, (features + 7) // 8), 255, dtype=np.uint8)
    codes = tuple(f"{place:05d}" for place in range(stocks))
    names = tuple(f"f{place}" for place in range(features))
    return Panel(folder, values, bits, marks, marks, sessions, codes, names, "", "", {}, "", None)


def timed(action):
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def main(stocks=1000, sessions=260, features=64):
    rng = np.random.default_rng(0)
    folder = Path(tempfile.mkdtemp())
    made = np.memmap(folder / "values.f16", np.float16, "w+", shape=(sessions, stocks, features))
    made[:] = rng.standard_normal(made.shape, dtype=np.float32).astype(np.float16)
    made.flush()
    values = np.memmap(folder / "values.f16", np.float16, "r", shape=made.shape)
    panel = open_as_panel(folder, values)
    frame = pl.DataFrame(
        {
            "session": np.repeat(np.arange(sessions), stocks),
            "code": np.tile(np.arange(stocks), sessions),
            **{f"f{place}": made[:, :, place].astype(np.float32).reshape(-1) for place in range(features)},
        }
    )
    frame.write_parquet(folder / "values.parquet", compression="zstd", compression_level=1)
    days = rng.integers(LOOK_BACK, sessions, size=ROUNDS)
    picks = [(int(day), int(stock)) for day in days[:1] for stock in rng.permutation(stocks)[:WINDOWS]]
    flat = np.empty((LOOK_BACK, stocks, features), dtype=np.float16).transpose(1, 0, 2)
    source = np.ascontiguousarray(values[:LOOK_BACK]).transpose(1, 0, 2)
    seen = {"memcpy": [], "panel window": [], "data loader": [], "parquet scan": []}
    scan = pl.scan_parquet(folder / "values.parquet")
    for day in days:
        start, stop = int(day) - LOOK_BACK + 1, int(day) + 1
        inside = pl.col("session").is_between(start, stop - 1)
        seen["memcpy"].append(timed(lambda: np.copyto(flat, source)) / stocks)
        seen["panel window"].append(
            timed(lambda day=day: np.copyto(flat, panel.window(panel.sessions[day], LOOK_BACK))) / stocks
        )
        loader = DataLoader(Windows(values, picks), batch_size=WINDOWS)
        seen["data loader"].append(timed(lambda loader=loader: next(iter(loader))) / len(picks))
        seen["parquet scan"].append(timed(lambda inside=inside: scan.filter(inside).collect()) / stocks)
    floor = statistics.median(seen["memcpy"])
    for name, times in seen.items():
        middle = statistics.median(times)
        print(f"{name:>14}: {1 / middle:>12,.0f} windows/s   {middle / floor:>8.2f} x memcpy")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
