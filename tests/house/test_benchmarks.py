"""The table of `make bench`: every goal has a line, every part hands out lines, and a line says what was found."""

import importlib
import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.floor import write_once
from benchmarks.goals import QUICK
from benchmarks.table import Line, absent, report

FOLDER = Path(__file__).parent.parent.parent / "benchmarks"
GOALS = {"P1", "P2", "P3", "P4", "P5", "P6", "G1", "G2", "S1", "S2", "T1", "A1"}


@pytest.mark.parametrize("part", QUICK)
def test_a_part_of_the_table_hands_out_lines_at_smaller_sizes_too(part):
    lines = inspect.signature(importlib.import_module(f"benchmarks.{part}").lines)
    assert set(QUICK[part]) <= set(lines.parameters)
    assert all(parameter.default is not inspect.Parameter.empty for parameter in lines.parameters.values())


def test_every_goal_has_a_line_in_a_part_of_the_table():
    told = {goal for part in QUICK for goal in re.findall(r'"([A-Z]\d)"', (FOLDER / f"{part}.py").read_text())}
    assert told >= GOALS


def test_a_goal_is_met_on_its_own_side_of_the_bound():
    assert Line("P2", "", ">=", 4.0, 4.0).is_met and not Line("P2", "", ">=", 4.0, 3.9).is_met
    assert Line("P5", "", "<=", 9.0, 9.0).is_met and not Line("P5", "", "<=", 9.0, 9.1).is_met


def test_a_peer_that_is_not_installed_is_named_and_meets_nothing(capsys):
    missing = absent("A1", "as-of join, DuckDB ASOF", ">=", 4.0, "duckdb")
    report([missing, Line("S2", "files", "<=", 0.9, 0.95, "raw 80 MiB")])
    first, second = capsys.readouterr().out.splitlines()[-2:]
    assert not missing.is_met
    assert re.search(r">= 4 +- +- +left out: duckdb is not installed", first)
    assert re.search(r"<= 0\.9 +0\.95 +NO +raw 80 MiB", second)


def test_the_floor_writes_every_cell_once_from_what_it_reads():
    read = np.arange(12, dtype=np.float32).reshape(2, 6)
    out = np.full((3, 6), np.nan, np.float32)
    write_once(read, out)
    assert np.array_equal(out, read.sum(axis=0) * np.arange(3, dtype=np.float32)[:, None])
