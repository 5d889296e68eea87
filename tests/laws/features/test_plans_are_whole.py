"""Each plan's own set is computed from that plan's sources alone, is never empty or constant, and owes its nulls."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from gogoku_pipeline.core.errors import PartitionMissingError
from gogoku_pipeline.features import laws
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.feature import PLANS
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.features.sets import names_of
from gogoku_pipeline.schema import topix
from gogoku_pipeline.schema.register import SOURCES
from tests.laws.features.small_market import SESSIONS, inputs_of

SPAN = {"start": SESSIONS[0], "end": SESSIONS[-1]}
HALVES = ("morning_", "afternoon_")
CONSTANT = {
    "cal_half_session_flag": "the exchange has held no half session since 2009",
    "has_short_state": "the source begins in 2013, before this market",
}
"""Columns of one value on this road, and why."""


def inputs_of_plan(plan, bars, tables):
    """What a key of the plan brings: its sources, no index below Light, no session halves below Premium."""
    reach = [name.lower() for name in PLANS[: PLANS.index(plan) + 1]]
    sources = {name: frame for name, frame in tables.items() if SOURCES[name].lowest_plan in reach}
    served = bars if plan == "Premium" else bars.select(pl.exclude(f"^({'|'.join(HALVES)}).*$"))
    inputs = inputs_of(served, {**sources, **({"daily_bars": served} if "daily_bars" in sources else {})})
    return inputs if plan != "Free" else replace(inputs, topix=topix.TABLE.empty())


@pytest.fixture(scope="module", params=PLANS)
def of_plan(request, bars, tables):
    """The plan, its inputs and its set computed from them."""
    inputs = inputs_of_plan(request.param, bars, tables)
    names = names_of(request.param.lower(), house(request.param))
    return request.param, inputs, compute(names, inputs, **SPAN, registry=house(request.param))


def test_every_column_says_something_and_not_the_same_every_day(of_plan):
    plan, _, frame = of_plan
    values = frame.drop("session", "code")
    assert [name for name in values.columns if values[name].null_count() == values.height] == []
    constant = {name for name in values.columns if values[name].drop_nulls().n_unique() == 1}
    assert constant == {name for name in CONSTANT if name in values.columns}, plan


def test_its_null_budget_is_met(of_plan):
    plan, inputs, frame = of_plan
    names = [name for name in frame.columns if name not in ("session", "code")]
    assert laws.budget_of_nulls(house(plan), names, inputs) == []


def test_a_column_has_the_same_bits_whatever_else_the_plan_brings(of_plan, inputs):
    plan, _, frame = of_plan
    names = [name for name in frame.columns if name not in ("session", "code")]
    assert laws.compare(plan, names, compute(names, inputs, **SPAN), frame) == []


@pytest.mark.parametrize(("plan", "above"), list(zip(PLANS, PLANS[1:], strict=False)))
def test_the_next_plans_set_cannot_be_made_of_this_plans_sources(plan, above, bars, tables):
    inputs = inputs_of_plan(plan, bars, tables)
    more = [name for name in names_of(above.lower(), house(above)) if house().feature(name).plan == above]
    if above == "Light":
        more = [name for name in more if name.startswith("flow_")]
    with pytest.raises(PartitionMissingError):
        compute(more, inputs, **SPAN)
