"""Laws of history: what was known at an instant does not depend on what landed later."""

from __future__ import annotations

import tempfile
from datetime import date, datetime, timedelta

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.store import open_store
from gogoku_pipeline.tables.corrections import is_fetch_dependent
from gogoku_pipeline.tables.history import as_of
from gogoku_pipeline.tables.ledger import retype
from gogoku_pipeline.tables.typed import typed_sessions
from tests.unit.tables.raw_answers import as_csv, at, land_answer, land_file, source_row

SESSIONS = tse_calendar().between(date(2024, 5, 7), date(2024, 5, 10))
MONTH = (SESSIONS[0], SESSIONS[-1])
BARS = TABLE_OF["daily_bars"]
SERVED = [column.name for column in BARS.columns if is_fetch_dependent(column.name)]
SLOW = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])

ANSWERS = st.dictionaries(st.integers(0, 3), st.sampled_from([1.0, 2.0, 3.0]), max_size=4)
"""Codes and closes of one answer about one day."""

HISTORIES = st.lists(st.lists(ANSWERS, min_size=1, max_size=3), min_size=len(SESSIONS), max_size=len(SESSIONS))
"""For each session the answers that were fetched about it, one evening after the other."""


def bars(day: date, answer: dict[int, float]) -> list[dict]:
    return [source_row("daily_bars", day, n, C=close, AdjC=close * 7) for n, close in answer.items()]


def land_history(store, histories, file) -> list[datetime]:
    """Every first answer on its own evening, the others on evenings of June, a file in between; the instants."""
    instants = []
    for day, answers in zip(SESSIONS, histories, strict=True):
        for n, answer in enumerate(answers):
            fetched = at(day, 19) if n == 0 else at(date(2024, 6, 2 + n), 19, day.day)
            land_answer(store, "daily_bars", day, bars(day, answer), fetched_at=fetched)
            instants.append(fetched)
    rows = [row for day, answer in zip(SESSIONS, file, strict=False) for row in bars(day, answer)]
    if rows:
        landed = at(date(2024, 6, 3), 21)
        land_file(store, "daily_bars", MONTH, as_csv("daily_bars", rows), fetched_at=landed)
        instants.append(landed)
    return sorted({instant + timedelta(minutes=30) for instant in instants if instant >= at(SESSIONS[-1], 19)})


def without_served(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.drop(SERVED)


@SLOW
@given(HISTORIES, st.lists(ANSWERS, max_size=len(SESSIONS)))
def test_a_table_as_of_an_instant_is_the_table_typed_from_what_was_landed_by_then(histories, file):
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"file://{folder}/store")
        instants = land_history(store, histories, file)
        retype(store, "daily_bars", run_id="law", code_version="0")
        for instant in instants:
            rebuilt = typed_sessions(store, "daily_bars", SESSIONS, known_at=instant).frame
            assert without_served(as_of(store, BARS, instant)).equals(without_served(rebuilt)), instant


@SLOW
@given(HISTORIES, st.lists(ANSWERS, max_size=len(SESSIONS)))
def test_typing_landing_by_landing_leaves_the_same_table_and_history_as_typing_once(histories, file):
    with tempfile.TemporaryDirectory() as folder:
        often, once = open_store(f"file://{folder}/often"), open_store(f"file://{folder}/once")
        for n in range(3):
            for day, answers in zip(SESSIONS, histories, strict=True):
                for store in (often, once):
                    if n < len(answers):
                        fetched = at(day, 19) if n == 0 else at(date(2024, 6, 2 + n), 19, day.day)
                        land_answer(store, "daily_bars", day, bars(day, answers[n]), fetched_at=fetched)
            retype(often, "daily_bars", run_id="law", code_version="0")
        retype(once, "daily_bars", run_id="law", code_version="0")
        assert often.tables.scan(BARS).collect().equals(once.tables.scan(BARS).collect())
        for instant in (at(SESSIONS[2], 20), at(date(2024, 6, 3), 20), at(date(2024, 6, 5), 20)):
            assert as_of(often, BARS, instant).equals(as_of(once, BARS, instant))
