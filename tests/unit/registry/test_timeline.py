"""The champion's timeline: every session with who was champion, who served, what was known and why."""

from datetime import date, datetime, time

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.registry.champions import BASELINE, VerdictRecord, record_verdict
from gogoku_pipeline.registry.predictions import Lineage, ranked_predictions
from gogoku_pipeline.registry.tables import PREDICTIONS
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.registry.timeline import TIMELINE, champion_timeline
from gogoku_pipeline.store import CommitInfo, open_store

WHO = CommitInfo("run-1", "test")
DAYS = [date(2024, 5, 7), date(2024, 5, 8), date(2024, 5, 9)]
SERVERS = {DAYS[0]: (BASELINE, "b1"), DAYS[2]: ("apex_ranker", "v1")}


@pytest.fixture
def store(tmp_path):
    made = open_store(f"file://{tmp_path}")
    for day, (model, version) in SERVERS.items():
        at = datetime.combine(day, time(19), JST)
        scores = pl.DataFrame({"session": [day] * 4, "code": list("abcd"), "horizon_d": [5] * 4, "score": [4, 3, 2, 1]})
        rows = ranked_predictions(scores, day, Lineage(model, version, "f" * 64, f"why {model}"), available_at=at)
        made.tables.write_sessions(PREDICTIONS, rows, [day], commit=WHO)
    return made


def promote(store, day, version="v1"):
    record = VerdictRecord(
        decided_for=day, recorded_at=datetime(2024, 12, 30, tzinfo=JST), model="apex_ranker", version=version,
        decision="promote", reasons=("every criterion holds",), cutoff=day, config_hash="c" * 64, feature_hash="f" * 64,
    )  # fmt: skip
    record_verdict(store, record, commit=WHO)


def test_a_session_says_who_was_champion_who_served_and_why(store):
    promote(store, DAYS[1])
    found = champion_timeline(store, Terms())
    assert found.schema == TIMELINE
    assert found.select("session", "champion", "server", "server_version", "state", "reason").rows() == [
        (DAYS[0], BASELINE, BASELINE, "b1", "baseline", "why lightgbm"),
        (DAYS[2], "apex_ranker", "apex_ranker", "v1", "unwatched", "why apex_ranker"),
    ]


def test_a_session_without_a_list_has_a_champion_but_no_server(store):
    promote(store, DAYS[1])
    row = champion_timeline(store, Terms(), DAYS).row(1, named=True)
    assert (row["champion"], row["champion_version"], row["server"]) == ("apex_ranker", "v1", None)
    assert "promoted for 2024-05-08" in row["reason"]


def test_a_later_promotion_leaves_every_earlier_row_as_it_was(store):
    promote(store, DAYS[1])
    before = champion_timeline(store, Terms())
    promote(store, date(2024, 5, 10), "v2")
    assert champion_timeline(store, Terms()).equals(before)


def test_where_nothing_was_served_the_timeline_is_empty(tmp_path):
    found = champion_timeline(open_store(f"file://{tmp_path}"), Terms())
    assert found.is_empty() and found.schema == TIMELINE
