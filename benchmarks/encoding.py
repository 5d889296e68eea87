"""Size on disk of a table of features against its raw single-precision values.

The features made of prices of one family, computed by the house from synthetic bars, written by the house's store as
in the evening; keys, instants and the table's log are counted as well, the raw size is that of the features alone.
PyArrow's defaults (snappy, dictionaries) are written beside it for comparison.

    python -m benchmarks.encoding [--codes 1000] [--sessions 500]
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from benchmarks.appending import CALENDAR, inputs_of, names_of_prices, synthetic_bars
from benchmarks.table import Line, report
from gogoku_pipeline.features.availability import stamp_available_at
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.family_tables import family_table
from gogoku_pipeline.store import CommitInfo, open_store

FAMILY, STORED = "feat__prices", 250
COMMIT = CommitInfo(run_id="benchmark", code_version="0")


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def lines(codes: int = 1000, sessions: int = 500) -> list[Line]:
    """S2."""
    names = names_of_prices()[FAMILY]
    days = list(CALENDAR.sessions[:sessions])[-STORED:]
    inputs = inputs_of(synthetic_bars(codes, sessions), names)
    made = stamp_available_at(compute(names, inputs, start=days[0], end=days[-1]), names)
    declared = family_table(FAMILY)
    kept = {"session", "code", "available_at", *names}
    table = replace(declared, columns=tuple(column for column in declared.columns if column.name in kept))
    raw = made.height * len(names) * 4
    with tempfile.TemporaryDirectory() as root:
        store = open_store(f"file://{root}/store")
        before = size_of(Path(root))
        store.tables.write_sessions(table, made, days, commit=COMMIT)
        written = size_of(Path(root)) - before
        if not store.tables.scan(table).collect().equals(made.select(table.polars_schema.names()).sort(table.key)):
            raise SystemExit("the table read back is another one; sizes mean nothing")
        other = Path(root, "default.parquet")
        pq.write_table(made.select(pl.col(names)).to_arrow(), other)
        default = other.stat().st_size
    size = f"{made.height:,} rows x {len(names)} features, {raw >> 20} MiB raw"
    detail = f"{size}; PyArrow's defaults {default / raw:.2f}"
    return [Line("S2", "files of a feature table over raw float32", "<=", 0.9, written / raw, detail)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--codes", type=int, default=1000)
    parser.add_argument("--sessions", type=int, default=500)
    given = parser.parse_args()
    report(lines(given.codes, given.sessions))


if __name__ == "__main__":
    main()
