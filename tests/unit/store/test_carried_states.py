"""Carried states: one per session, the newest sessions of the newest version; and what a log says was rewritten."""

from datetime import date, timedelta

import polars as pl
import pytest

from gogoku_pipeline.schema.columns import Column
from gogoku_pipeline.schema.tables import SESSION, Table
from gogoku_pipeline.store import CommitInfo, open_store
from gogoku_pipeline.store.carried_states import SESSIONS_KEPT, CarriedStates

FIRST = date(2024, 5, 6)
DAYS = [FIRST + timedelta(days=number) for number in range(SESSIONS_KEPT + 3)]
COMMIT = CommitInfo(run_id="test", code_version="1")
TABLE = Table(
    name="core_test__numbers",
    description="Numbers.",
    columns=(SESSION, Column("number", pl.Int64, "A number.")),
    key=("session", "number"),
)


@pytest.fixture
def store(tmp_path):
    return open_store(f"file://{tmp_path / 'data'}")


@pytest.fixture
def states(store):
    return CarriedStates(store.objects)


def test_a_session_has_the_state_saved_last(states):
    assert states.of("feat__prices", "one", FIRST) == []
    for payload in (b"first", b"second", b"second", b"first"):
        states.save("feat__prices", "one", FIRST, payload)
        assert states.of("feat__prices", "one", FIRST) == [payload]


def test_the_newest_sessions_stay_whatever_is_computed_again(states):
    for day in DAYS:
        states.save("feat__prices", "one", day, str(day).encode())
    states.save("feat__prices", "one", DAYS[1], b"an old session again")
    held = [day for day in DAYS if states.of("feat__prices", "one", day)]
    assert held == DAYS[-SESSIONS_KEPT:]


def test_a_state_of_another_version_is_gone_with_the_first_of_a_new_one(states):
    states.save("feat__prices", "one", FIRST, b"old")
    states.save("feat__market", "one", FIRST, b"other family")
    states.save("feat__prices", "two", DAYS[1], b"new")
    assert states.of("feat__prices", "one", FIRST) == []
    assert states.of("feat__prices", "two", DAYS[1]) == [b"new"]
    assert states.of("feat__market", "one", FIRST) == [b"other family"]


def written(store, *days):
    rows = pl.DataFrame({"session": days, "number": [1] * len(days)}, schema=TABLE.polars_schema)
    return store.tables.write_sessions(TABLE, rows, days, commit=COMMIT).version


def test_the_log_names_the_sessions_that_were_rewritten(store):
    before = written(store, *DAYS[:5])
    assert store.tables.rewritten_since(TABLE, before) == set()
    written(store, DAYS[5])
    after = written(store, DAYS[1], DAYS[6])
    assert store.tables.rewritten_since(TABLE, before) == {DAYS[1], DAYS[5], DAYS[6]}
    assert store.tables.rewritten_since(TABLE, after - 1) == {DAYS[1], DAYS[6]}


def test_compacting_rewrites_no_session(store):
    before = written(store, DAYS[0])
    between = written(store, DAYS[1])
    store.tables.compact(TABLE)
    assert store.tables.version(TABLE) > between
    assert store.tables.rewritten_since(TABLE, before) == {DAYS[1]}


@pytest.mark.parametrize("how", ["write_whole", "append"])
def test_a_commit_that_names_no_session_may_have_changed_any(store, how):
    before = written(store, DAYS[0])
    rows = pl.DataFrame({"session": [DAYS[1]], "number": [2]}, schema=TABLE.polars_schema)
    getattr(store.tables, how)(TABLE, rows, commit=COMMIT)
    assert store.tables.rewritten_since(TABLE, before) is None


def test_of_a_table_that_is_not_there_nobody_knows(store):
    assert store.tables.rewritten_since(TABLE, 0) is None
    assert store.tables.rewritten_since(TABLE, written(store, DAYS[0]) + 1) is None
