"""Writing a block of stocks to the output: its rows and no others, whatever lies beside them."""

from __future__ import annotations

import numpy as np
import pytest

from gogoku_pipeline.features.output import LINE, order_of_block, put

NAN = np.nan
CODES, SESSIONS = 5, 40
BLOCK = range(2, 4)
"""The codes of the block among all codes."""


def places(listed: int) -> np.ndarray:
    """Where the block's rows go, code by code; rows of sessions before `listed` are not put out."""
    rows = [
        (session - listed) * CODES + code if session >= listed else -1 for code in BLOCK for session in range(SESSIONS)
    ]
    return np.array(rows)


@pytest.mark.parametrize("listed", [0, 7, SESSIONS])
def test_a_block_writes_its_rows_and_no_others(listed):
    out_row = places(listed)
    values = np.arange(2.0 * out_row.size).reshape(2, -1)
    values[1, -1] = np.inf
    out = np.full((3, CODES * SESSIONS), np.float32(-1))
    put(values, np.array([1, 0]), order_of_block(out_row), out, np.array([0, 2]))
    shown = out_row >= 0
    wanted = np.full_like(out, -1)
    wanted[0, out_row[shown]] = np.where(np.isinf(values[1]), NAN, values[1])[shown]
    wanted[2, out_row[shown]] = values[0][shown]
    assert np.array_equal(out, wanted, equal_nan=True)


def test_the_output_is_looked_at_once_a_line_and_only_where_the_block_writes():
    order = order_of_block(places(3))
    assert sorted(order.lines // LINE) == sorted(set(order.targets // LINE))
    assert set(order.lines) <= set(order.targets)


def test_a_block_of_which_nothing_is_put_out():
    order = order_of_block(np.array([-1, -1]))
    assert [part.size for part in order] == [0, 0, 0]
