"""Sources are read as far back as their states say: where a state asks for a past, doing without it is noticed."""

from __future__ import annotations

import polars as pl
import pytest

from gogoku_pipeline.features import laws, what_if
from gogoku_pipeline.features.availability import state_tables
from gogoku_pipeline.features.engine import compute, warmup_sessions
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.features.states.register import STATES
from tests.laws.features.small_market import SESSIONS

PLACES = (140, 200, 260)
LONGEST = 120
"""Warm-up of the features looked at: those with more cannot begin inside a small market."""


def states_of(source: str) -> list:
    return [state for state in STATES.values() if source in state.tables]


WITH_A_PAST = [
    source
    for source in state_tables(house().names)
    if all(state.history_sessions != 0 and state.price_sessions == 0 for state in states_of(source))
]
"""Sources whose states ask for rows before the range, and for no earlier prices in which these rows would lie."""


def test_most_sources_of_events_ask_for_a_past():
    assert set(WITH_A_PAST) >= {"statements", "listed_issues", "investor_types", "margin_alerts", "dividends"}


@pytest.mark.parametrize("source", WITH_A_PAST)
def test_a_source_without_the_past_its_state_asks_for_gives_other_values(inputs, source):
    by_warmup: dict[int, list[str]] = {}
    for name in house().names:
        sessions = warmup_sessions([name]) if source in state_tables([name]) else None
        if sessions is not None and sessions <= LONGEST:
            by_warmup.setdefault(sessions, []).append(name)
    broken = set()
    for sessions, names in by_warmup.items():
        whole = compute(names, inputs, start=SESSIONS[0], end=SESSIONS[-1])
        for place in PLACES:
            first, start = SESSIONS[place - sessions], SESSIONS[place]
            part = what_if.only_from(inputs, first, {source: first})
            chunk = compute(names, part, start=start, end=SESSIONS[-1])
            now = whole.filter(pl.col("session") >= start)
            broken |= {found.feature for found in laws.compare("chunks", names, now, chunk)}
    assert broken, f"nobody noticed that the past of {source} is gone"
