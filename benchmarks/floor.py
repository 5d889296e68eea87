"""What no panel can go below, and what memory it takes: a kernel that only writes, and the peak of a process.

The floor reads six columns and writes every cell of the output once, row after row into as many streams as there are
columns, into memory that was touched before. So do the others once they are warm: the house keeps the memory of outputs
that are gone (`features.output_memory`), Polars' allocator does the same, and the untimed first round pays for both.
The peak is taken in a process of its own that is handed its inputs as a
file: resident memory at the highest, the inputs and every library in it.

    python -m benchmarks.floor [--codes 4000] [--sessions 2500]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numba
import numpy as np
import polars as pl

from benchmarks.table import Line, report

GIB = 2**30


@numba.njit(nogil=True, cache=True)
def write_once(read: np.ndarray, out: np.ndarray) -> None:
    """Fill `out` [columns, rows] from `read` [inputs, rows]: one sum and one product per cell."""
    for t in range(out.shape[1]):
        total = np.float32(0)
        for j in range(read.shape[0]):
            total += read[j, t]
        for k in range(out.shape[0]):
            out[k, t] = total * np.float32(k)


def memory(name: str) -> int:
    """Bytes of this process by the kernel's count, e.g. `VmHWM` (highest resident) or `VmRSS`."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"the kernel does not tell {name}")


def measure(folder: Path) -> None:
    """Child: compute the panel from stored inputs; prints bytes of output, peak while computing and before it."""
    from benchmarks.panel import COLUMNS, SPAN, declared
    from gogoku_pipeline.features.engine import compute
    from gogoku_pipeline.features.inputs import FeatureInputs

    tables = {name: pl.read_parquet(folder / f"{name}.parquet") for name in ("prices", "universe", "topix")}
    registry, inputs = declared(), FeatureInputs(**tables)
    del tables
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    made = compute(COLUMNS, inputs, **SPAN, registry=registry)
    print(made.height, made.estimated_size(), memory("VmHWM"), before)


def write_inputs(folder: Path, codes: int, sessions: int) -> None:
    """Child: the synthetic market as files."""
    from benchmarks.features import synthetic_inputs

    inputs = synthetic_inputs(codes, sessions)
    for name in ("prices", "universe", "topix"):
        getattr(inputs, name).write_parquet(folder / f"{name}.parquet")


def lines(codes: int = 4000, sessions: int = 2500) -> list[Line]:
    """The memory of P5."""
    with tempfile.TemporaryDirectory() as folder:
        own = [sys.executable, "-m", "benchmarks.floor"]
        subprocess.run([*own, "write", folder, str(codes), str(sessions)], check=True)
        told = subprocess.run([*own, "measure", folder], check=True, stdout=subprocess.PIPE, text=True).stdout
    rows, output, peak, before = map(int, told.split())
    detail = (
        f"{rows:,} rows: output {output / GIB:.2f} GiB, peak {peak / GIB:.2f}, inputs and libraries {before / GIB:.2f}"
    )
    return [Line("P5", "peak memory above the output, GiB", "<=", 0.7, (peak - output) / GIB, detail)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codes", type=int, default=4000)
    parser.add_argument("--sessions", type=int, default=2500)
    given = parser.parse_args()
    report(lines(given.codes, given.sessions))


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        write_inputs(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    elif sys.argv[1:2] == ["measure"]:
        measure(Path(sys.argv[2]))
    else:
        main()
