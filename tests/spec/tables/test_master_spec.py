"""The security master, by example: snapshots in, intervals out."""

from __future__ import annotations

import polars as pl
import pytest

from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.schema.listed_issues import MASTER
from gogoku_pipeline.tables.master import build_security_master, listed_on

NEVER = None


def intervals(master: pl.DataFrame) -> list[tuple]:
    return master.select("code", "valid_from_date", "valid_to_date", "stock_id", "market_code").rows()


@pytest.fixture
def story(make_listed, sessions):
    """10000 stays; 20000 moves from Standard to Prime; 30000 lists late; 40000 leaves; 50000 leaves and returns."""
    rows = []
    for n, session in enumerate(sessions[:5]):
        rows.append({"session": session, "code": "10000"})
        rows.append({"session": session, "code": "20000", "market_code": "0112" if n < 3 else "0111"})
        if n >= 2:
            rows.append({"session": session, "code": "30000"})
        if n < 2:
            rows.append({"session": session, "code": "40000"})
        if n != 3:
            rows.append({"session": session, "code": "50000"})
    return make_listed(*rows)


@pytest.fixture
def expected(sessions):
    s = sessions
    return [
        ("10000", s[0], NEVER, 0, "0111"),
        ("20000", s[0], s[2], 1, "0112"),
        ("20000", s[3], NEVER, 1, "0111"),
        ("30000", s[2], NEVER, 4, "0111"),
        ("40000", s[0], s[1], 2, "0111"),
        ("50000", s[0], s[2], 3, "0111"),
        ("50000", s[4], NEVER, 3, "0111"),
    ]


def test_changes_departures_and_returns_become_intervals(story, expected):
    master = build_security_master(story)
    assert intervals(master) == expected
    assert master.schema == MASTER.polars_schema


def test_fed_session_by_session_it_is_the_same_table(story, expected, sessions):
    master = None
    for session in sessions[:5]:
        master = build_security_master(story.filter(pl.col("session") == session), master)
    assert master is not None
    assert master.equals(build_security_master(story))


def test_an_interval_is_available_when_its_first_snapshot_was(story, sessions):
    master = build_security_master(story).filter(pl.col("code") == "20000")
    assert master["available_at"].dt.date().to_list() == [sessions[0], sessions[3]]


def test_listed_on_answers_for_the_session_and_hides_the_end(story, sessions):
    listed = listed_on(build_security_master(story), sessions[1])
    assert listed.select("code", "market_code").rows() == [
        ("10000", "0111"),
        ("20000", "0112"),
        ("40000", "0111"),
        ("50000", "0111"),
    ]
    assert "valid_to_date" not in listed.columns
    assert listed_on(build_security_master(story), sessions[3])["code"].to_list() == ["10000", "20000", "30000"]


def test_a_null_attribute_that_becomes_known_is_a_change(make_listed, sessions):
    rows = [{"session": s, "product_category": c} for s, c in zip(sessions, [None, None, "011"], strict=False)]
    assert build_security_master(make_listed(*rows))["valid_to_date"].to_list() == [sessions[1], None]


def test_no_snapshots_change_nothing(story, make_listed):
    master = build_security_master(story)
    assert build_security_master(make_listed(), master).equals(master)
    assert build_security_master(make_listed()).equals(MASTER.empty())


def test_snapshots_older_than_the_master_are_refused(story, sessions):
    master = build_security_master(story)
    with pytest.raises(DataError, match="Rebuild it from all snapshots"):
        build_security_master(story.filter(pl.col("session") == sessions[1]), master)


def test_a_rebuild_over_older_sessions_keeps_every_number(story, make_listed, sessions):
    stored = build_security_master(story.filter(pl.col("session") >= sessions[1]))
    older = make_listed({"session": sessions[0], "code": "90000"}, {"session": sessions[0], "code": "10000"})
    snapshots = pl.concat([older, story.filter(pl.col("session") >= sessions[1])])
    ids = dict(stored.select("code", "stock_id").iter_rows())
    rebuilt = dict(build_security_master(snapshots, ids_from=stored).select("code", "stock_id").iter_rows())
    assert rebuilt == ids | {"90000": 5}
    assert build_security_master(snapshots)["stock_id"].to_list() != list(rebuilt.values())


def test_a_number_with_two_codes_is_refused(story):
    master = build_security_master(story)
    other = master.with_columns(pl.col("stock_id") + 1)
    with pytest.raises(DataError, match="one number per code"):
        build_security_master(story, ids_from=pl.concat([master, other]))
