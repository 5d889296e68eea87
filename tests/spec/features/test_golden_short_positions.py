"""Outstanding short positions, by example (features.md, golden example G9)."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.engine import compute
from tests.unit.features.short_rows import bars, inputs, positions, report, staged

DAYS = tse_calendar().between(date(2024, 3, 1), date(2024, 5, 24))
NAMES = ("ssp_sum", "ssp_holders_count", "ssp_top", "ssp_hhi", "ssp_new_20d_count", "ssp_exit_20d_count")


def may(day: int) -> date:
    return date(2024, 5, day)


@pytest.fixture(scope="module")
def computed() -> pl.DataFrame:
    reports = positions(
        report("A", may(1), may(8), 0.0060),
        report("B", may(7), may(10), 0.0120),
        report("A", may(14), may(16), 0.0080),
        report("B", may(20), may(22), 0.0049),
    )
    return compute(NAMES, inputs(staged(bars(DAYS)), short_positions=reports), start=DAYS[0], end=DAYS[-1])


@pytest.mark.parametrize(
    ("day", "state"),
    [
        (7, (0.0, 0, None, None)),
        (9, (0.0060, 1, 0.0060, 1.0)),
        (10, (0.0180, 2, 0.0120, 0.555556)),
        (13, (0.0180, 2, 0.0120, 0.555556)),
        (16, (0.0200, 2, 0.0120, 0.520000)),
        (22, (0.0080, 1, 0.0080, 1.0)),
    ],
)
def test_g9_sums_run_over_everybody_still_outstanding(computed, day, state):
    row = computed.filter(pl.col("session") == may(day)).select(NAMES[:4]).row(0)
    assert row == tuple(None if value is None else pytest.approx(value, abs=5e-7) for value in state)


def test_g9_who_came_and_left_is_judged_against_twenty_sessions_before(computed):
    assert DAYS[DAYS.index(may(22)) - 20] == date(2024, 4, 19)
    row = computed.filter(pl.col("session") == may(22)).select("ssp_new_20d_count", "ssp_exit_20d_count").row(0)
    assert row == (1.0, 0.0)
