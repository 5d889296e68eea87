"""Rows of a source that contradict each other stop no evening: values lie inside their bounds or are owed nulls.

Each source in turn says nonsense: a third of its numbers is multiplied by 0, 0.1, 3, 100, -1 or -5 wherever the table
would take the result (its declared bounds and its unit's range), so mornings outgrow days, parts outgrow wholes, and
highs fall below lows; or a third of its rows holds 0 wherever 0 is honest, so that whole sectors and weeks are silent.
Dates and codes stay: a wrong one is another row, not a contradiction.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.features import laws
from gogoku_pipeline.features.availability import state_tables
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.null_budget import null_budget
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.features.states.register import STATES
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.schema.units import UNIT_RANGES
from tests.laws.features.small_market import SESSIONS, inputs_of

SEED = 5
FACTORS = (0.0, 0.1, 3.0, 100.0, -1.0, -5.0)
SHARE = 0.3
KEPT = ("adjustment_factor",)
"""Columns no other column can contradict."""

SOURCES = sorted({source for state in STATES.values() for source in state.tables} - {"daily_bars"})
SAY_NUMBERS = [name for name in SOURCES if any(column.unit in UNIT_RANGES for column in TABLE_OF[name].columns)]


def nonsense(rows: pl.DataFrame, table: Table, seed: int) -> pl.DataFrame:
    """The rows with a share of every counted column multiplied, as far as the table takes it."""
    rng = stream(seed, table.name)
    changed = []
    for column in table.columns:
        if column.unit not in UNIT_RANGES or column.name in KEPT or not rows.schema[column.name].is_numeric():
            continue
        least, most = UNIT_RANGES[column.unit]
        least = least if column.at_least is None else max(least, column.at_least)
        most = most if column.at_most is None else min(most, column.at_most)
        said = rows[column.name].cast(pl.Float64).to_numpy()
        wrong = said * rng.choice(FACTORS, rows.height)
        taken = (rng.random(rows.height) < SHARE) & (wrong >= least) & (wrong <= most)
        values = pl.Series(column.name, np.where(taken, wrong, said)).fill_nan(None)
        changed.append(values.cast(rows.schema[column.name]))
    return rows.with_columns(changed)


def take_zero(table: Table) -> list[str]:
    """Counted columns of which 0 is an honest value."""
    counted = [column for column in table.columns if column.unit in UNIT_RANGES and column.dtype.is_numeric()]
    least = {c.name: max(UNIT_RANGES[c.unit][0], -np.inf if c.at_least is None else c.at_least) for c in counted}
    return [name for name, bound in least.items() if bound <= 0.0]


def nothing(rows: pl.DataFrame, table: Table, seed: int) -> pl.DataFrame:
    """The rows, a share of them with 0 wherever a number may be 0: nothing was traded, held or earned."""
    hit = pl.Series(stream(seed, table.name).random(rows.height) < SHARE)
    zero = [
        pl.when(hit & pl.col(name).is_not_null()).then(0.0).otherwise(name).alias(name) for name in take_zero(table)
    ]
    return rows.with_columns(zero).cast(rows.schema)


def stopped(inputs, names):
    """What would stop an evening: values outside their bounds, or nulls the declarations do not explain."""
    return laws.bounds(house(), names, inputs) + laws.budget_of_nulls(house(), names, inputs)


SAID = [
    *((name, nonsense) for name in SAY_NUMBERS),
    *((name, nothing) for name in SAY_NUMBERS if take_zero(TABLE_OF[name])),
]


@pytest.mark.parametrize(("source", "said"), SAID, ids=[f"{name}-{said.__name__}" for name, said in SAID])
def test_a_source_that_contradicts_itself_breaks_no_bound(source, said, inputs, tables):
    wrong = said(tables[source], TABLE_OF[source], SEED)
    assert not wrong.equals(tables[source])
    names = [name for name in house().names if source in state_tables([name])]
    assert names
    assert stopped(replace(inputs, tables={**inputs.tables, source: wrong}), names) == []


def test_bars_that_contradict_themselves_break_no_bound(bars, tables):
    wrong = nonsense(bars, TABLE_OF["daily_bars"], SEED)
    assert (wrong["high_jpy"] < wrong["low_jpy"]).any()
    assert (wrong["morning_turnover_jpy"] > wrong["turnover_jpy"]).any()
    inputs = inputs_of(wrong, {**tables, "daily_bars": wrong})
    assert laws.bounds(house(), house().names, inputs) == []
    halves = [member.name for member in house().public if member.group == "sessions"]
    assert laws.budget_of_nulls(house(), halves, inputs) == []


@pytest.mark.parametrize("claim", [pl.col("low_jpy") / 2, pl.lit(0.0)], ids=["below the low", "zero"])
def test_a_bar_whose_high_is_not_the_highest_has_no_prices_and_moves_no_other_bar(bars, tables, claim):
    hit = (pl.col("code") == "10050") & (pl.col("session") == SESSIONS[200])
    wrong = bars.with_columns(high_jpy=pl.when(hit).then(claim).otherwise("high_jpy"))
    prices, before = inputs_of(wrong, tables).prices, inputs_of(bars, tables).prices
    row, others = prices.filter(hit), prices.filter(~hit)
    assert row.select("open", "high", "low", "close", "open_raw_jpy").null_count().row(0) == (1, 1, 1, 1, 1)
    assert before.filter(hit)["close"][0] > 0
    assert others.drop("mark").equals(before.filter(~hit).drop("mark"))


def test_a_morning_that_outgrows_its_day_has_no_share_and_owes_none(bars, tables):
    inputs = inputs_of(bars.with_columns(morning_turnover_jpy=pl.col("turnover_jpy") * 3), tables)
    frame = compute(["am_value_share"], inputs, start=SESSIONS[0], end=SESSIONS[-1])
    (count,) = null_budget(frame, inputs)
    assert count.expected == count.observed == count.rows
