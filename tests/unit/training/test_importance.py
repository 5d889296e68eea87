"""What a version loses without a feature: the planted ones cost, noise and the market cost nothing."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.errors import ConfigError, DatasetError
from gogoku_pipeline.dataset.batches import TrainingData
from gogoku_pipeline.dataset.companions import with_edges, with_raw
from gogoku_pipeline.graph.correlation import EDGES
from gogoku_pipeline.store import open_store
from gogoku_pipeline.training.dealt_anew import Deal, DealtAnew, never_apart
from gogoku_pipeline.training.final import train_version
from gogoku_pipeline.training.importance import ImportanceConfig, measured_importance, sampled_days
from gogoku_pipeline.training.predict import seed_scores
from gogoku_pipeline.training.recipe_ladder import LadderRecipe

GROUPS = {"ret_1d": "returns", "ret_5d": "returns", "vol_20d": "volatility"}
CUT = 150


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return open_store(f"file://{tmp_path_factory.mktemp('versions')}/store")


@pytest.fixture(scope="module")
def trees(place, data, boosted, market):
    version = train_version(boosted, data, market.sessions[-1], (1, 2), place, validation=30)
    return place.artefacts.load(version.model, version.version)


@pytest.fixture(scope="module")
def rule(place, data, market):
    """Minus the last return, and nothing else: a version of which everything is known."""
    version = train_version(LadderRecipe("reversal_1d"), data, market.sessions[100], (1,), place, validation=15)
    return place.artefacts.load(version.model, version.version)


@pytest.fixture(scope="module")
def measured(trees, data):
    return measured_importance(trees, data, GROUPS, ImportanceConfig(days=6))


def test_planted_features_cost_and_noise_does_not(measured):
    rows = {(row["kind"], row["name"]): row for row in measured.rows.iter_rows(named=True)}
    for name in ("ret_1d", "ret_5d"):
        row = rows["feature", name]
        assert row["drop"] > 3 * row["standard_error"] > 0, name
    for name in ("noise_0", "noise_1"):
        assert abs(rows["feature", name]["drop"]) < 0.05
    assert rows["group", "returns"]["drop"] > max(rows["feature", name]["drop"] for name in ("ret_1d", "ret_5d"))
    assert rows["group", "returns"]["features"] == 2
    assert measured.rows.filter(kind="group")["drop"].is_sorted(descending=True)


def test_the_market_cannot_be_dealt_and_is_left_out(measured, data):
    assert measured.alike == {"mkt_ret_1d"}
    assert "mkt_ret_1d" not in measured.rows["name"]
    assert never_apart(data, data.sessions[-3:]) == {"mkt_ret_1d"}


def test_the_days_are_those_the_version_did_not_learn_from(measured, trees, rule, data, market):
    assert measured.sample == "validation"
    first, last, _ = trees.manifest["validation"]
    assert all(first <= day.isoformat() <= last for day in measured.sessions) and len(measured.sessions) == 6
    sample, days = sampled_days(rule, data, 8)
    assert sample == "after the cut-off" and min(days) > market.sessions[100] and len(days) == 8
    known = market.sessions[120]
    assert sampled_days(rule, data, 8, known)[0] == "validation", "too few outcomes were known by then"
    exits = market.labels.filter(pl.col("session").is_in(sampled_days(rule, data, 2, known)[1]))["exit_session"]
    assert exits.max() <= known


def test_without_known_outcomes_there_is_nothing_to_measure(rule, data, market):
    early = date_before(market.sessions[0])
    with pytest.raises(DatasetError, match="0 sessions with known outcomes"):
        measured_importance(rule, data, GROUPS, known_by=early)


def date_before(day):
    return day - timedelta(days=1)


@pytest.mark.parametrize("settings", [{"days": 1}, {"most_features": -1}, {"most_seeds": 0}, {"repeats": 0}])
def test_counts_that_measure_nothing_are_refused(settings):
    with pytest.raises(ConfigError, match=next(iter(settings))):
        ImportanceConfig(**settings)


def test_a_rule_loses_all_without_its_one_feature_and_nothing_without_the_others(rule, data):
    found = measured_importance(rule, data, {}, ImportanceConfig(days=4, repeats=2, most_features=2))
    lost = dict(found.rows.filter(kind="group").select("name", "drop").iter_rows())
    assert lost.pop("ret_1d") == pytest.approx(found.rank_ic, abs=0.15) and found.rank_ic > 0.3
    assert set(lost.values()) == {0.0}
    assert found.rows.filter(kind="feature").height == 2


def test_the_same_question_has_the_same_answer(trees, data, measured):
    again = measured_importance(trees, data, GROUPS, ImportanceConfig(days=6))
    assert again.rows.equals(measured.rows) and again.rank_ic == measured.rank_ic
    assert not measured_importance(trees, data, GROUPS, ImportanceConfig(days=6, seed=1)).rows.equals(measured.rows)


def test_dealing_moves_whole_look_backs_of_the_named_features_alone(data, market):
    deal = Deal(frozenset({"ret_5d", "vol_20d"}), seed=3)
    dealt, session = DealtAnew(data, deal), market.sessions[-1]
    before, after = data.day(session, 6), dealt.day(session, 6)
    order = deal.order(session, len(before.stocks))
    for place, name in enumerate(data.names):
        wanted = order if name in deal.names else slice(None)
        np.testing.assert_array_equal(after.values[..., place], before.values[wanted][..., place])
        np.testing.assert_array_equal(after.valid[..., place], before.valid[wanted][..., place])
    assert (order != np.arange(len(order))).any()
    rows = dealt.table([market.sessions[-2], session])
    last = rows.values[rows.day == 1]
    flat = np.where(after.valid[:, -1], after.values[:, -1], np.nan).astype(np.float32)
    np.testing.assert_array_equal(last, flat)
    np.testing.assert_array_equal(dealt.day_targets([session], 5), data.day_targets([session], 5))


def test_raw_channels_follow_their_feature_and_ties_move_when_asked(panel, market):
    pairs = pl.DataFrame({"code_i": [market.codes[0]], "code_j": [market.codes[1]]})
    known = {"weight": 0.6, "is_same_sector": True, "is_same_market": True, "weight_delta_20d": 0.0}
    told = [pl.lit(value, dtype=EDGES.polars_schema[name]).alias(name) for name, value in known.items()]
    edges = pl.DataFrame({"session": market.sessions}).join(pairs, how="cross").with_columns(told)
    held = with_edges(panel, edges.lazy(), market.sessions, 103)
    held = with_raw(held, [market.features.lazy()], ("ret_1d", "ret_5d"), {"feat__returns": 1})
    session, deal = market.sessions[-1], Deal(frozenset({"ret_1d"}), seed=5, moves_ties=True)
    data = TrainingData(held, market.labels)
    dealt, stocks = DealtAnew(data, deal), data.members(session)
    order = deal.order(session, len(stocks))
    row = held.index(session)
    raw, was = (one.raw.window(row, 4, stocks, ("ret_1d", "ret_5d")) for one in (dealt.panel, held))
    np.testing.assert_array_equal(raw[..., 0], was[order][..., 0])
    np.testing.assert_array_equal(raw[..., 1], was[..., 1])
    graph, before = (one.edges.among(session, stocks) for one in (dealt.panel, held))
    np.testing.assert_array_equal(graph.index, order[before.index])
    still = DealtAnew(data, replace(deal, moves_ties=False)).panel.edges.among(session, stocks)
    np.testing.assert_array_equal(still.index, before.index)


def test_a_deal_of_nothing_changes_no_score(trees, data, market):
    sessions = market.sessions[-3:]
    same = DealtAnew(data, Deal(frozenset(), seed=1))
    assert seed_scores(trees, same, sessions).equals(seed_scores(trees, data, sessions))
