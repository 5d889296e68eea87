"""Alternated timing and the one table of goals: what is asked, what was measured, whether it is met."""

from __future__ import annotations

import gc
import importlib.metadata
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PEERS = ("polars", "numba", "numpy", "pandas", "pyarrow", "duckdb", "polars_talib", "TA-Lib", "pyqlib", "torch")


@dataclass(frozen=True)
class Line:
    """One goal.

    Attributes:
        goal: its id on the page of goals, e.g. `P1`.
        what: what is compared.
        sense: `>=` or `<=`.
        bound: the figure asked for.
        measured: the figure found; None where the peer is not installed.
        detail: what stands behind it.
    """

    goal: str
    what: str
    sense: str
    bound: float
    measured: float | None
    detail: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the figure found reaches the one asked for; not where nothing was measured."""
        if self.measured is None:
            return False
        return self.measured >= self.bound if self.sense == ">=" else self.measured <= self.bound


def absent(goal: str, what: str, sense: str, bound: float, peer: str) -> Line:
    """A goal that was not measured, because its peer is not here."""
    return Line(goal, what, sense, bound, None, f"left out: {peer} is not installed (extra [bench])")


def alternate(variants: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median CPU seconds of the process (all threads) per variant, one after another; one untimed round first."""
    spent: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(rounds + 1):
        for name, run in variants.items():
            gc.collect()
            before = time.process_time()
            run()
            if number:
                spent[name].append(time.process_time() - before)
    return {name: statistics.median(values) for name, values in spent.items()}


def per_order(what: str, bounds: Mapping[str, float], spent: Mapping[str, float], rows: int) -> list[Line]:
    """P3 against peers whose rows lie by code: as they fall, and with the sort that makes them the house's table.

    Args:
        what: what is computed.
        bounds: peer to the ratio asked for.
        spent: CPU seconds of `house`, of each peer that is installed, and of its `<peer>, sorted`.
        rows: of the table.
    """
    out = []
    for peer, bound in bounds.items():
        told = f"{what}, {peer}"
        if peer not in spent:
            out.append(absent("P3", told, ">=", bound, peer))
            continue
        sorted_too = spent[peer] + spent[f"{peer}, sorted"]
        for order, seconds in (("rows by code", spent[peer]), ("by session, as the house", sorted_too)):
            detail = f"{rows:,} rows: peer {seconds:.2f}, house {spent['house']:.2f} CPU-s"
            out.append(Line("P3", f"{told} ({order})", ">=", bound, seconds / spent["house"], detail))
    return out


def machine() -> str:
    """Processor, cores, load and the versions the figures belong to."""
    known = Path("/proc/cpuinfo")
    models = [line.split(":")[1].strip() for line in known.read_text().splitlines() if line.startswith("model name")]
    versions = []
    for name in PEERS:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} -")
    load = "/".join(f"{value:.1f}" for value in os.getloadavg())
    cores = f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores, load {load}"
    return f"{cores}; Python {platform.python_version()}, {', '.join(versions)}"


def report(lines: Iterable[Line]) -> None:
    """Print the table."""
    print(f"\n{machine()}")
    print(f"{'goal':<6}{'what':<72}{'asked':>9}{'measured':>10}  met  detail")
    for line in lines:
        measured = "-" if line.measured is None else f"{line.measured:.3g}"
        met = "-" if line.measured is None else "yes" if line.is_met else "NO"
        print(
            f"{line.goal:<6}{line.what:<72}{line.sense + f' {line.bound:g}':>9}{measured:>10}  {met:<3}  {line.detail}"
        )
