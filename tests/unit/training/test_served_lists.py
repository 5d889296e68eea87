"""Lists by whoever serves: champion and baseline both scored, a suspension heeded, and every list made again."""

from datetime import datetime, time

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import PartitionMissingError, RegistryError
from gogoku_pipeline.evaluation.verdict import GateConfig
from gogoku_pipeline.registry.champions import VerdictRecord, record_verdict
from gogoku_pipeline.registry.reproduce import differences, recorded_sessions, reproduce
from gogoku_pipeline.registry.serve import serve_sessions
from gogoku_pipeline.registry.tables import PREDICTIONS
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.store import CommitInfo
from gogoku_pipeline.training.final import train_version
from gogoku_pipeline.training.recipe_ladder import LadderRecipe

WHO = CommitInfo("run-1", "test")
TERMS = Terms(gate=GateConfig(horizon_d=5))


def evening(session):
    return datetime.combine(session, time(19), JST)


@pytest.fixture
def cutoff(market):
    return market.sessions[140]


@pytest.fixture
def baseline(data, boosted, cutoff, store):
    return train_version(boosted, data, cutoff, (1,), store, validation=15)


@pytest.fixture
def promoted(data, cutoff, store, baseline):
    made = train_version(LadderRecipe("ridge"), data, cutoff, (1,), store, validation=15)
    record = VerdictRecord(
        decided_for=cutoff, recorded_at=evening(cutoff), model=made.model, version=made.version, decision="promote",
        reasons=("every criterion holds",), cutoff=cutoff, config_hash="c" * 64, feature_hash=made.feature_hash,
    )  # fmt: skip
    record_verdict(store, record, commit=WHO)
    return made


def test_champion_and_baseline_are_both_scored_and_the_champion_serves(store, panel, market, promoted):
    days = market.sessions[141:144]
    made = serve_sessions(store, panel, days, TERMS, available_at=evening)
    assert set(made.lists["model"]) == {"ridge"}
    assert made.lists["session"].unique().sort().to_list() == list(days)
    assert sorted(made.shadow["model"].unique()) == ["lightgbm", "ridge"]
    assert made.shadow.height == 2 * made.lists.height


def test_before_the_promotion_the_baseline_serves(store, panel, market, promoted, data, boosted):
    earlier = train_version(boosted, data, market.sessions[120], (1,), store, validation=15)
    made = serve_sessions(store, panel, market.sessions[130:131], TERMS, available_at=evening)
    assert set(made.lists["model_version"]) == {earlier.version}
    assert "nothing was promoted" in made.lists["served_because"][0]


def test_a_champion_of_other_features_is_replaced_and_the_list_says_so(store, panel, market, baseline, cutoff):
    store.artefacts.save("apex_ranker", "old", {"model.txt": b"x"}, {"cutoff": "2020-01-06", "feature_hash": "0" * 64})
    record = VerdictRecord(
        decided_for=cutoff, recorded_at=evening(cutoff), model="apex_ranker", version="old", decision="promote",
        reasons=("every criterion holds",), cutoff=cutoff, config_hash="c" * 64, feature_hash="0" * 64,
    )  # fmt: skip
    record_verdict(store, record, commit=WHO)
    made = serve_sessions(store, panel, market.sessions[141:142], TERMS, available_at=evening)
    assert set(made.lists["model"]) == {"lightgbm"}
    assert "feature catalogue 000000000000" in made.lists["served_because"][0]


def test_without_any_version_nobody_serves(store, panel, market):
    with pytest.raises(RegistryError, match="Materialise model__lightgbm"):
        serve_sessions(store, panel, market.sessions[141:142], TERMS, available_at=evening)


def test_a_list_is_made_again_to_the_bit(store, panel, market, promoted):
    days = market.sessions[141:143]
    made = serve_sessions(store, panel, days, TERMS, available_at=evening)
    store.tables.write_sessions(PREDICTIONS, made.lists, days, commit=WHO)
    asked = []
    found = reproduce(store, days[1], lambda versions: asked.append(dict(versions)) or panel)
    assert found.is_equal
    assert (found.rows, found.lineage.model) == (made.lists.height // 2, "ridge")
    assert asked == [dict(panel.table_versions)]


def test_one_bit_of_one_score_is_a_difference(store, panel, market, promoted):
    day = market.sessions[141]
    rows = serve_sessions(store, panel, [day], TERMS, available_at=evening).lists
    last = rows["code"][-1]
    scores = rows["score"].to_numpy().copy()
    scores[-1] = np.nextafter(scores[-1], 1.0)
    again = rows.with_columns(pl.Series("score", scores))
    assert differences(rows, rows).is_empty()
    assert differences(rows, again)["code"].to_list() == [last]
    assert differences(rows, rows.filter(pl.col("code") != last))["rank_again"].to_list() == [None]


def test_a_session_without_a_list_is_named(store, panel, market):
    with pytest.raises(PartitionMissingError, match="0 lists"):
        reproduce(store, market.sessions[10], lambda versions: panel)
    with pytest.raises(PartitionMissingError, match=f"{market.sessions[10]} to {market.sessions[12]}.*0 lists"):
        recorded_sessions(store, market.sessions[10], market.sessions[12])


def test_the_lists_of_a_span_are_those_that_were_made(store, panel, market, promoted):
    days = market.sessions[141:145]
    made = serve_sessions(store, panel, [days[0], days[2]], TERMS, available_at=evening)
    store.tables.write_sessions(PREDICTIONS, made.lists, [days[0], days[2]], commit=WHO)
    assert recorded_sessions(store, days[0], days[3]) == [days[0], days[2]]
    assert recorded_sessions(store, days[1], days[2]) == [days[2]]


def test_the_live_test_needs_a_verdict_to_compare_with(store, panel, market, promoted):
    """A promotion whose criteria are not kept is served without a live test."""
    made = serve_sessions(store, panel, market.sessions[141:142], TERMS, available_at=evening)
    assert made.standings == {}
