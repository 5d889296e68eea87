"""A table that stopped being filled long ago says nothing any more: nulls that are owed, no old news and no error."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from gogoku_pipeline.features import laws
from gogoku_pipeline.features.availability import state_tables
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.registry import house
from tests.laws.features.small_market import SESSIONS

STOPPED, ASKED = SESSIONS[29], SESSIONS[300]
"""The last session filled, and the first one asked for: further apart than any window of these sources is fresh."""

SOON_OLD = ("breakdown", "futures", "index_options", "indices", "investor_types", "margin_interest", "short_ratio")
FRESH_BESIDE = {"index_options": "futures"}
"""Source to another one whose features read it too, for the price of the underlying, and are fresh without it."""

LONG_GOOD = ("dividends", "earnings_dates", "margin_alerts", "short_positions", "statements")
"""Sources whose news holds for a year or more, or whose silence is news."""


def stopped(inputs, source):
    """The inputs with a source that was filled until STOPPED."""
    rows = inputs.tables[source]
    return replace(inputs, tables={**inputs.tables, source: rows.filter(pl.col("session") <= STOPPED)})


@pytest.mark.parametrize("source", SOON_OLD)
def test_what_was_told_long_ago_is_no_longer_told(source, inputs):
    names = [member.name for member in house().public if source in state_tables([member.name])]
    names = [name for name in names if house().feature(name).role != "mask"]
    names = [name for name in names if FRESH_BESIDE.get(source) not in state_tables([name])]
    frame = compute(names, stopped(inputs, source), start=ASKED, end=SESSIONS[-1])
    assert frame.height > 500 and names
    assert {name for name in names if frame[name].count() > 0} == set()


@pytest.mark.parametrize("source", SOON_OLD + LONG_GOOD)
def test_the_nulls_of_a_stale_table_are_owed(source, inputs):
    names = [name for name in house().names if source in state_tables([name])]
    assert laws.budget_of_nulls(house(), names, stopped(inputs, source)) == []
    assert laws.bounds(house(), names, stopped(inputs, source)) == []
