"""A source that is believed a day early turns the law of truncation red, whichever source it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features import laws, what_if
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.features.states.register import STATES
from tests.laws.features.small_market import SESSIONS

CALENDAR = tse_calendar().sessions
BEFORE = dict(zip(CALENDAR[1:], CALENDAR[:-1], strict=True))
SOURCES = sorted({source for state in STATES.values() for source in state.tables} - {"calendar"})
"""The calendar is announced a year ahead: a day makes no difference to it."""

SESSIONS_EARLY = {"topix": 2}
"""Futures of a night are set against the index of their own day, known a session before them: one is harmless."""

SPAN = {"start": SESSIONS[0], "end": SESSIONS[-1]}
CUTS = SESSIONS[150:280:9]


def too_early(inputs: FeatureInputs, source: str) -> FeatureInputs:
    """The defect: every row of a source stands one session before its own and is believed a day before its hour."""
    rows = inputs.tables[source]
    for _ in range(SESSIONS_EARLY.get(source, 1)):
        session = pl.col("session").replace_strict(BEFORE, return_dtype=pl.Date)
        days = (pl.col("session") - session).dt.total_days()
        rows = rows.with_columns(session.alias("session"), pl.col("available_at") - pl.duration(days=days))
    return replace(inputs, tables={**inputs.tables, source: rows})


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_believed_a_session_early_breaks_truncation(inputs, source):
    names = [name for name in house().names if reads(name, source)]
    assert names
    whole = compute(names, too_early(inputs, source), **SPAN)

    def breaks(cut: date) -> bool:
        then = compute(names, too_early(what_if.known_at(inputs, cut), source), **SPAN)
        return bool(laws.compare("truncation", names, whole.filter(pl.col("session") <= cut), then))

    assert any(breaks(cut) for cut in CUTS), f"nobody noticed that {source} came a session early"


def reads(name: str, source: str) -> bool:
    below = {alias for member in house().in_order([name]) for alias in member.states}
    return any(source in STATES[alias].tables for alias in below)


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_delivered_after_every_hour_of_decision_says_nothing_in_time(inputs, source):
    """Rows that arrive a week late tell the same as rows that do not exist yet, until they arrive."""
    late = inputs.tables[source].with_columns(pl.col("available_at") + timedelta(days=7))
    names = [name for name in house().names if reads(name, source)]
    delayed = replace(inputs, tables={**inputs.tables, source: late})
    cut = CUTS[4]
    here = compute(names, delayed, **SPAN).filter(pl.col("session") <= cut)
    assert laws.compare("truncation", names, here, compute(names, what_if.known_at(delayed, cut), **SPAN)) == []
