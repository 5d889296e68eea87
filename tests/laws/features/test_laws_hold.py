"""Every registered feature obeys every law; a feature added tomorrow is held to them by being registered."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time

import polars as pl
import pytest

from gogoku_pipeline.core.sessions import OUTAGE
from gogoku_pipeline.features import laws, what_if
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.features.states.register import STATES
from tests.laws.features.small_market import LOST_NIGHTS, NEWCOMER, SESSIONS, inputs_of, with_split

NAMES = house().names
PUBLIC = [member.name for member in house().public]
SPAN = {"start": SESSIONS[0], "end": SESSIONS[-1]}
AS_TRADED = ("price.raw_", "price.factor", "price.volume_factor", "price.adjustment_factor", "price.am_", "price.pm_")
"""Leaves that stand in yen or shares of the day, on purpose."""

FEW = {"flag": 2, "category": 2, "sessions": 3, "count": 3, "days": 5, "releases": 3}
"""Different values that a unit of whole numbers must show here; every other unit must show 20."""

FEWER = {
    "cal_half_session_flag": 1,
    "has_short_state": 1,
    "split_log_factor": 5,
    "flow_breadth_pos": 5,
    "ssp_new_20d_count": 2,
    "ssp_exit_20d_count": 2,
}
"""Features that show fewer here: no half session since 2009, shorts known since 2013, few factors and investors."""


def leaves(name: str) -> set[str]:
    """Leaves of a feature and of everything it is made of."""
    below = house().in_order([name])
    return {leaf.name for member in below if member.expr is not None for leaf in member.expr.leaves()}


@pytest.mark.parametrize("cut", [SESSIONS[45], OUTAGE, SESSIONS[180], SESSIONS[300]])
def test_later_rows_change_no_bit(inputs, cut):
    assert laws.truncation(house(), NAMES, inputs, cut) == []


@pytest.mark.parametrize("hour", [time(17), time(18, 30), time(23)])
def test_another_hour_of_decision_moves_what_is_known_and_breaks_no_law(inputs, hour):
    other = replace(inputs, cutoff=hour)
    assert laws.truncation(house(), NAMES, other, SESSIONS[230]) == []
    assert laws.budget_of_nulls(house(), NAMES, other) == []
    assert laws.chunks(house(), NAMES, other, SESSIONS[222], ulps=0) == []


@pytest.mark.parametrize("cut", [SESSIONS[119], SESSIONS[121], SESSIONS[260]])
def test_later_raw_bars_change_no_bit_even_when_they_hold_a_split(bars, inputs, cut):
    known = what_if.known_at(inputs, cut).tables
    before = inputs_of(bars.filter(pl.col("session") <= cut), known)
    whole = compute(NAMES, inputs, **SPAN).filter(pl.col("session") <= cut)
    assert laws.compare("truncation", NAMES, whole, compute(NAMES, before, **SPAN)) == []


@pytest.mark.parametrize("code", ["10000", "10030", "10050", "10080", NEWCOMER])
def test_a_stock_keeps_its_values_when_all_others_are_gone(inputs, code):
    assert laws.isolation(house(), NAMES, inputs, code) == []


@pytest.mark.parametrize("code", [NEWCOMER, "10050"])
def test_a_listing_moves_nothing_before_it(inputs, code):
    assert laws.late_listing(house(), NAMES, inputs, code) == []


def test_row_order_changes_no_bit(inputs):
    assert laws.row_order(house(), NAMES, inputs) == []


def test_values_follow_their_stock_when_codes_are_dealt_out_anew(inputs):
    assert laws.names_of_stocks(house(), NAMES, inputs) == []


@pytest.mark.parametrize(
    "start",
    [SESSIONS[165], SESSIONS[SESSIONS.index(OUTAGE) + 20], SESSIONS[SESSIONS.index(LOST_NIGHTS[-1])], SESSIONS[280]],
)
def test_a_chunk_with_its_declared_warm_up_equals_the_whole_to_the_bit(inputs, start):
    assert laws.chunks(house(), NAMES, inputs, start, ulps=0) == []


def test_a_chunk_equals_the_whole_where_the_index_reaches_further_back_than_prices(inputs):
    later = pl.col("session") >= SESSIONS[60]
    young = replace(inputs, prices=inputs.prices.filter(later), universe=inputs.universe.filter(later))
    names = [name for name in NAMES if house().feature(name).axis == "market"]
    assert laws.warmup_sessions(names, house()) > 250
    assert laws.chunks(house(), names, young, SESSIONS[300], ulps=0) == []


@pytest.mark.parametrize("factor", [0.25, 1024.0, 7.0])
def test_the_basis_of_a_history_carries_no_meaning(inputs, factor):
    assert laws.rebasing(house(), NAMES, inputs, factor) == []


def test_an_inserted_split_changes_nothing_but_facts_of_the_day(bars, inputs):
    split = inputs_of(with_split(bars, "10110", SESSIONS[170], 0.2), inputs.tables)
    own = [name for name in NAMES if not any(leaf.startswith(("state.", *AS_TRADED)) for leaf in leaves(name))]
    here, there = compute(own, inputs, **SPAN), compute(own, split, **SPAN)
    assert laws.compare("split", own, here, there, ulps=4) == []
    assert len(own) > 100
    assert not split.prices["factor"].equals(inputs.prices["factor"])


def test_values_stay_inside_their_declared_bounds(inputs):
    assert laws.bounds(house(), NAMES, inputs) == []


def test_nulls_are_exactly_the_ones_the_inputs_owe(inputs):
    assert laws.budget_of_nulls(house(), NAMES, inputs) == []


def test_no_feature_is_constant_or_empty(inputs):
    frame = compute(PUBLIC, inputs, **SPAN)
    seen = {name: frame[name].drop_nulls().n_unique() for name in PUBLIC}
    wanted = {name: FEWER.get(name, FEW.get(house().feature(name).unit, 20)) for name in PUBLIC}
    assert {name: seen[name] for name in PUBLIC if seen[name] < wanted[name]} == {}


def test_every_state_is_read_by_a_feature():
    read = {alias for member in house().features for alias in member.states}
    assert sorted(set(STATES) - read) == []


def test_the_outage_occupies_a_place_and_gives_no_observation(inputs):
    frame = compute(NAMES, inputs, **SPAN)
    day = frame.filter(pl.col("session") == OUTAGE)
    after = frame.filter(pl.col("session") == date(2020, 10, 2))
    assert day.height > 30
    for name in ("ret_1d", "ret_overnight", "ret_intraday", "range_1d", "mkt_ret_1d", "xs_ret_1d", "resid_ret_1d"):
        assert day[name].null_count() == day.height
    assert after["ret_1d"].null_count() == after.height
    assert after["mkt_ret_1d"].null_count() == after.height
    assert day["vol_60d"].null_count() < day.height
    assert after["mkt_ret_20d"].null_count() == 0


def test_gap_rows_hold_a_place_and_are_never_put_out(inputs):
    frame = compute(["ret_1d", "ret_5d"], inputs, **SPAN)
    gaps = inputs.prices.filter(pl.col("is_gap")).select("session", "code")
    assert gaps.height > 30
    assert frame.join(gaps, on=["session", "code"]).is_empty()
    assert frame.height == inputs.prices.height - gaps.height
