"""Kept memory: what is held is never handed out again, what nobody holds is, and not more is kept than was said."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.features.engine import frame_of
from gogoku_pipeline.features.output_memory import LARGE_PAGE, OutputMemory

ROWS = 200_000
NAMES = ("a", "b")


@pytest.fixture
def memory() -> OutputMemory:
    return OutputMemory(keeps=3 * LARGE_PAGE, least=1)


def frame(memory: OutputMemory, value: float) -> pl.DataFrame:
    """A frame of one value, as the engine makes it."""
    table = memory.table(len(NAMES), ROWS)
    table[:] = value
    return frame_of({"session": pl.Series(range(ROWS))}, NAMES, table)


def only(values: pl.Series) -> float:
    """The one value of a column."""
    (found,) = values.unique()
    return float(found)


def place(table: np.ndarray) -> int:
    return int(table.__array_interface__["data"][0])


def test_memory_of_a_frame_that_is_gone_is_handed_out_again(memory):
    table = memory.table(2, ROWS)
    first = place(table)
    del table
    assert memory.kept == LARGE_PAGE
    assert place(again := memory.table(2, ROWS)) == first
    assert memory.kept == 0
    assert place(memory.table(2, ROWS)) != place(again)


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(lambda made: made, id="the_frame"),
        pytest.param(lambda made: made.clone(), id="a_clone"),
        pytest.param(lambda made: made["a"], id="a_column"),
        pytest.param(lambda made: made[10:20], id="a_slice"),
        pytest.param(lambda made: made["a"][5:6], id="a_cell_of_a_column"),
        pytest.param(lambda made: made.lazy().select("a").collect(), id="a_selection"),
        pytest.param(lambda made: made["a"].to_numpy(), id="an_array"),
        pytest.param(lambda made: made["a"].to_numpy()[3:9][::2], id="a_view_of_an_array"),
        pytest.param(lambda made: made.to_arrow()["a"], id="an_arrow_column"),
        pytest.param(lambda made: pl.concat([made, made], rechunk=False), id="chunks"),
    ],
)
def test_what_outlives_its_frame_keeps_its_values(memory, part):
    held = part(frame(memory, 1.0))
    gc.collect()
    later = [frame(memory, float(number)) for number in (2, 3)]
    del later
    frame(memory, 4.0)
    left = held["a"] if isinstance(held, pl.DataFrame) else held
    assert set(np.asarray(left).tolist()) == {1.0}


def test_frames_that_live_together_share_nothing(memory):
    held = {value: frame(memory, float(value)) for value in range(6)}
    for value in (1, 4):
        del held[value]
    held |= {value: frame(memory, float(value)) for value in range(10, 14)}
    assert {value: only(made["b"]) for value, made in held.items()} == {value: float(value) for value in held}


def test_no_more_is_kept_than_was_said(memory):
    tables = [memory.table(2, ROWS) for _ in range(5)]
    tables.append(memory.table(2, 4 * LARGE_PAGE // 8))
    del tables
    assert memory.kept == 3 * LARGE_PAGE


def test_much_larger_memory_does_not_serve_a_small_output(memory):
    large = memory.table(1, 3 * LARGE_PAGE // 4)
    del large
    assert memory.kept == 3 * LARGE_PAGE
    small = memory.table(1, ROWS)
    assert memory.kept == 3 * LARGE_PAGE
    small[:] = 1.0


def test_small_outputs_are_not_kept():
    memory = OutputMemory(keeps=LARGE_PAGE, least=LARGE_PAGE)
    table = memory.table(2, ROWS)
    del table
    assert memory.kept == 0


def test_threads_never_hold_the_same_memory(memory):
    def hold(value: int) -> bool:
        right = True
        for turn in range(20):
            table = memory.table(2, ROWS)
            table[:] = value + turn / 32
            held = pl.Series(table[0]), table[:, 5:].T
            del table
            right &= only(held[0]) == value + turn / 32 and bool((held[1] == value + turn / 32).all())
        return right

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(hold, range(16)))
    gc.collect()
    assert 0 < memory.kept <= 3 * LARGE_PAGE
