"""Appending equals rebuilding, bit for bit: session by session or several at once, over splits, halts and absences."""

from __future__ import annotations

from itertools import cycle, repeat

import pytest

from gogoku_pipeline.features.append import append_sessions
from gogoku_pipeline.features.carried import Carried
from gogoku_pipeline.features.needs import needs_of
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.features.states.register import STATES
from tests.laws.features.appended import ABSENT, RETURNED, Chain, with_absences
from tests.laws.features.small_market import SESSIONS, inputs_of

NAMES = house().names


def reads_sources(name: str) -> bool:
    return any(STATES[alias].tables for feature in house().in_order([name]) for alias in feature.states)


def carries(name: str) -> bool:
    needs = needs_of((name,), house())
    return bool(needs.states) or any(needs.kept.values())


OWN = [name for name in NAMES if not reads_sources(name)]
CARRIED = [name for name in OWN if carries(name)]
NEAR = [name for name in OWN if append_sessions([name]) <= 20]


@pytest.fixture(scope="module")
def market(bars, tables):
    return inputs_of(with_absences(bars), tables)


def test_every_feature_appended_a_few_sessions_at_a_time_equals_the_rebuild(market):
    chain = Chain(NAMES, market, first=8)
    assert chain.violations(cycle((1, 30, 1, 2, 21, 1, 13))) == []
    assert chain.refused == []


def test_carried_features_appended_session_by_session_equal_the_rebuild(market):
    assert len(CARRIED) > 25
    chain = Chain(CARRIED, market, first=20)
    assert chain.violations(repeat(1)) == []
    assert chain.refused == []


def test_an_issue_that_returns_after_more_sessions_than_the_tail_is_computed_from_the_history(market):
    chain = Chain(NEAR, market, first=130)
    assert len(NEAR) > 50
    assert chain.violations(cycle((1, 1, 18))) == []
    back = [SESSIONS[there] for gone, there in ABSENT.values() if there - gone > 20]
    assert len(chain.refused) == len(back) == 2
    held = {day for start in chain.refused for day in SESSIONS[SESSIONS.index(start) :][:18]}
    assert set(back) <= held
    assert RETURNED in chain.carried.codes


def test_a_saved_state_goes_on_as_the_one_it_was_saved_from(market):
    chain = Chain(CARRIED, market, first=240)
    chain.carried = Carried.from_bytes(chain.carried.to_bytes())
    assert chain.violations([1, 2]) == []
    other = Carried.from_bytes(chain.carried.to_bytes())
    assert other.to_bytes() == chain.carried.to_bytes()
    assert (other.through, other.codes) == (SESSIONS[243], chain.carried.codes)


@pytest.mark.slow
def test_every_feature_appended_session_by_session_equals_the_rebuild(market):
    chain = Chain(NAMES, market, first=5)
    assert chain.violations(repeat(1)) == []
    assert chain.refused == []
