"""One table: every goal of speed and memory, what was measured here, and whether it is met.

    python -m benchmarks.goals [--quick] [--only panel asof ...]

Each part runs in a process of its own, one after another: it proves that all variants give the same output, alternates
them and hands back its lines. A peer that is not installed (extra `[bench]`) is named as left out. A part that fails
keeps its place in the table, and the command ends with 1.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.table import Line, report

QUICK = {
    "alpha158": {"rounds": 2},
    "panel": {"codes": 300, "rounds": 1},
    "technical": {"codes": 200, "rounds": 1},
    "rolling": {"codes": 200, "rounds": 1},
    "floor": {"codes": 300, "sessions": 460},
    "appending": {"codes": 200, "sessions": 700, "rounds": 1},
    "graph": {"codes": 1000, "rounds": 3},
    "layout": {"codes": 200, "n_sessions": 500, "rounds": 3},
    "encoding": {"codes": 200},
    "training_input": {"stocks": 500},
    "asof": {"sessions": 500, "rounds": 2},
    "evaluation": {"names": 1000, "years": 1, "draws": 200},
    "audit": {"features": "few", "sample": 1},
    "boosted": {"names": 200, "sessions": 500, "rounds": 1},
}
"""The parts in the order of the table, with the smaller sizes of `--quick`."""


def measure(part: str, target: Path, *, quick: bool) -> None:
    """Child: the lines of one part as JSON."""
    found = importlib.import_module(f"benchmarks.{part}").lines(**(QUICK[part] if quick else {}))
    target.write_text(json.dumps([asdict(line) for line in found]))


def measured(part: str, folder: Path, *, quick: bool) -> list[Line]:
    """The lines of one part from a process of its own."""
    target = folder / f"{part}.json"
    command = [sys.executable, "-m", "benchmarks.goals", "--part", part, str(target), *(["--quick"] if quick else [])]
    print(f"== {part}", flush=True)
    ended = subprocess.run(command, check=False)
    if ended.returncode or not target.exists():
        return [Line(part, "did not end", ">=", 0.0, None, f"exit code {ended.returncode}: see above")]
    return [Line(**line) for line in json.loads(target.read_text())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller tables and fewer rounds")
    parser.add_argument("--only", nargs="+", choices=QUICK, default=list(QUICK), help="these parts only")
    parser.add_argument("--part", nargs=2, metavar=("PART", "FILE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        measure(given.part[0], Path(given.part[1]), quick=given.quick)
        return
    with tempfile.TemporaryDirectory() as folder:
        found = [line for part in given.only for line in measured(part, Path(folder), quick=given.quick)]
    report(found)
    if any(line.goal in QUICK for line in found):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
