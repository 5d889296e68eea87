"""Commits are whole or absent: a writer who loses, or dies, changes nothing."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from gogoku_pipeline.core.errors import CommitConflictError
from gogoku_pipeline.store import open_store
from gogoku_pipeline.store.commits import committed

ROOT = Path(__file__).resolve().parents[3]


def test_a_writer_who_always_loses_gets_an_error_and_changes_nothing(local, prices, rows, days, commit):
    window = days(2)
    local.tables.write_sessions(prices, rows(window), window, commit=commit)
    uri, tries = local.tables.uri(prices), []

    def always_late():
        mine = DeltaTable(uri)
        tries.append(mine.version())
        local.tables.write_sessions(prices, rows(window, factor=2.0), window, commit=commit)
        frame = rows([window[0]], factor=7.0).with_columns(month=pl.lit("2024-04"))
        write_deltalake(mine, frame, mode="overwrite", predicate=f"month = '2024-04' AND session = '{window[0]}'")

    with pytest.raises(CommitConflictError, match="one writer per table"):
        committed(prices.name, always_late, np.random.default_rng(1))
    assert len(tries) == 6
    assert local.tables.scan(prices).collect().equals(rows(window, factor=2.0).sort("session", "code"))


_WRITER = """
import itertools, json, sys
from gogoku_pipeline.store import CommitInfo, open_store
from tests.unit.store.price_rows import PRICES, price_rows
url, options = sys.argv[1], json.loads(sys.argv[2])
from datetime import date, timedelta
store, window = open_store(url, options), [date(2024, 4, 24) + timedelta(days=n) for n in range(40)]
codes = [f"{n:04d}0" for n in range(1000, 1400)]
for factor in itertools.count(1):
    store.tables.write_sessions(PRICES, price_rows(window, codes, factor), window, commit=CommitInfo("k", "v"))
    print(factor, flush=True)
"""


@pytest.mark.parametrize("wait", [0.02, 0.11])
def test_a_killed_writer_leaves_a_whole_version(place, prices, rows, days, commit, wait):
    store, window = open_store(*place), days(40)
    command = [sys.executable, "-W", "ignore", "-c", _WRITER, place[0], json.dumps(place[1])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
        seen = int(writer.stdout.readline())
        time.sleep(wait)
        writer.send_signal(signal.SIGKILL)
        seen = max([seen, *(int(line) for line in writer.stdout.read().split())])
    codes = [f"{n:04d}0" for n in range(1000, 1400)]
    back = store.tables.scan(prices).collect()
    assert any(back.equals(rows(window, codes, factor).sort("session", "code")) for factor in (seen, seen + 1))
    store.tables.write_sessions(prices, rows(window), window, commit=commit)
    assert store.tables.scan(prices).collect().equals(rows(window).sort("session", "code"))
