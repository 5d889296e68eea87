"""What no graph may do: look ahead, read outsiders, depend on row order, units, borders or threads."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from gogoku_pipeline.graph import laws
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.correlation import EDGES, build_edges
from gogoku_pipeline.graph.node_features import compute_node_features

PLACES = (30, 59, 60, 84, 100, 130, 149)


@pytest.fixture(scope="module")
def days(sessions):
    return [sessions[place] for place in PLACES]


def graph_of(returns, days, config, **options):
    """Edges and node features of the days."""
    edges = build_edges(returns, days, config, **options)
    return edges, compute_node_features(edges, returns, days, config, **options)


def same(one, other):
    return all(a.equals(b, null_equal=True) for a, b in zip(one, other, strict=True))


def test_rows_after_the_session_change_nothing(returns, days, config):
    assert [violation for day in days for violation in laws.truncation(returns, day, config)] == []


def test_a_window_that_reads_the_next_session_breaks_truncation(returns, days, sessions, config):
    def ahead(frame, wanted, settings):
        known = sorted(set(frame["session"]))
        return graph_of(frame, [known[min(known.index(wanted[0]) + 1, len(known) - 1)]], settings)

    for day in days:
        if sessions[60] <= day < sessions[149]:
            assert {v.law for v in laws.truncation(returns, day, config, ahead)} >= {"truncation"}


def test_row_order_changes_no_bit(returns, days, config):
    assert laws.row_order(returns, days, config) == []


def test_ties_broken_by_row_order_break_the_row_order_law(returns, days, config):
    def by_rows(frame, wanted, settings):
        """A weaker graph that keeps whichever edges come first."""
        edges, features = graph_of(frame, wanted, settings)
        place = frame.group_by("code", maintain_order=True).agg().with_row_index("place")
        ranked = edges.join(place, left_on="code_i", right_on="code").sort("session", "place", "code_j")
        return ranked.unique(["session", "code_j"], keep="first", maintain_order=True).select(edges.columns), features

    assert {v.law for v in laws.row_order(returns, days, config, by_rows)} == {"row order"}


def test_session_by_session_equals_the_range_bit_for_bit(returns, sessions, config):
    assert laws.chunks(returns, sessions[75:105], config) == []


def test_a_lookback_that_is_too_short_breaks_the_chunk_law(returns, sessions, config):
    """Weights that reach further back than declared: a graph with a longer window than its lookback says."""

    def longer(frame, wanted, settings):
        return graph_of(frame, wanted, replace(settings, window=70))

    assert {v.law for v in laws.chunks(returns, sessions[100:102], config, longer)} == {"chunks"}


def test_two_threads_give_the_bits_of_one(returns, days, config):
    assert same(graph_of(returns, days, config), graph_of(returns, days, config, threads=2))


def test_a_stock_outside_the_universe_changes_nothing(returns, days, config):
    """Code 15800 is never a member; its values, or none at all, give the same graph of the others."""
    outsider = pl.col("code") == "15800"
    assert returns.filter(outsider & pl.col("is_in_universe")).height == 0 < returns.filter(outsider).height
    wild = returns.with_columns(ret_1d=pl.when(outsider).then(7.0).otherwise("ret_1d").cast(pl.Float32))
    assert laws.isolation(returns, days, config, "15800") == laws.isolation(wild, days, config, "15800") == []
    alone = graph_of(returns, days, config)[1].filter(outsider)
    assert alone["has_graph"].sum() == 0 and alone["g_degree_count"].null_count() == alone.height


def test_a_graph_over_everything_listed_breaks_isolation(returns, days, config):
    def everyone(frame, wanted, settings):
        return graph_of(frame.with_columns(is_in_universe=pl.lit(True)), wanted, settings)

    assert {v.law for v in laws.isolation(returns, days, config, "15800", everyone)} == {"isolation"}


@pytest.mark.parametrize("factor", [2.0**-7, 2.0**6])
def test_returns_in_other_units_give_the_same_graph(returns, days, config, factor):
    edges, features = graph_of(returns, days, config)
    other_edges, other = graph_of(returns.with_columns(pl.col("ret_1d", "xs_ret_1d") * factor), days, config)
    assert edges.equals(other_edges)
    unscaled = other.with_columns(pl.col("g_peer_ret_1d", "g_peer_resid_rev_5d", "g_lead_lag_1d") / factor).cast(
        features.schema
    )
    assert features.equals(unscaled, null_equal=True)


def test_percent_instead_of_ratio_gives_the_same_pairs(returns, days, config):
    percent = returns.with_columns(pl.col("ret_1d", "xs_ret_1d").cast(pl.Float64) * 100)
    edges, other = build_edges(returns, days, config), build_edges(percent, days, config)
    assert_frame_equal(edges, other, rel_tol=1e-6)


def test_one_stock_in_other_units_has_the_same_edges(returns, days, config):
    code = "13070"
    scaled = returns.with_columns(
        ret_1d=pl.when(pl.col("code") == code).then(pl.col("ret_1d") * 4.0).otherwise("ret_1d")
    )
    assert build_edges(returns, days, config).equals(build_edges(scaled.cast(returns.schema), days, config))


def test_edges_and_nodes_have_the_shape_they_claim_on_every_session(returns, sessions, config):
    edges, features = graph_of(returns, sessions, config)
    assert edges.height > 3000
    assert laws.shape_of_edges(edges, config) == []
    assert laws.values_of_nodes(edges, features) == []


def test_edges_are_rows_of_their_table_and_known_after_the_close(returns, days, config):
    edges = build_edges(returns, days, config)
    assert edges.schema == EDGES.polars_schema and edges.equals(edges.sort(EDGES.key))
    known = edges["available_at"].dt.strftime("%Y-%m-%d %H:%M")
    assert (known == edges["session"].dt.strftime("%Y-%m-%d 16:30")).all()


@pytest.mark.parametrize(
    ("spoil", "law"),
    [
        (lambda edges: pl.concat([edges, edges.head(1)]), "key"),
        (lambda edges: edges.with_columns(code_i="code_j"), "undirected"),
        (lambda edges: edges.with_columns(code_i="code_j", code_j="code_i"), "undirected"),
        (lambda edges: edges.with_columns(pl.col("weight") * 0.5), "threshold"),
        (lambda edges: edges.with_columns(weight=pl.lit(float("nan"), pl.Float32)), "threshold"),
        (lambda edges: edges.with_columns(weight_delta_20d=pl.lit(float("nan"), pl.Float32)), "change"),
        (lambda edges: edges.with_columns(pl.col("weight_delta_20d") * 20), "change"),
    ],
)
def test_spoiled_edges_are_reported(returns, days, config, spoil, law):
    assert law in {
        violation.law for violation in laws.shape_of_edges(spoil(build_edges(returns, days, config)), config)
    }


def test_a_graph_with_more_companions_than_claimed_is_reported(returns, days, config):
    crowded = build_edges(returns, days, replace(config, k=20))
    assert {violation.law for violation in laws.shape_of_edges(crowded, config)} == {"k strongest"}


@pytest.mark.parametrize(
    ("spoil", "law"),
    [
        (pl.col("g_degree_count").fill_null(0.0), "node or null"),
        (pl.lit(None, pl.Float32).alias("has_graph"), "node or null"),
        (pl.col("g_peer_corr_mean").fill_null(0.0), "peers"),
        (pl.col("g_degree_count") + 1, "degree"),
        (pl.col("g_lead_lag_1d") / 0.0, "bounds"),
        (pl.col("g_strength") * -1, "bounds"),
    ],
)
def test_spoiled_node_features_are_reported(returns, days, config, spoil, law):
    edges, features = graph_of(returns, days, config)
    assert law in {violation.law for violation in laws.values_of_nodes(edges, features.with_columns(spoil))}


def test_nothing_but_numbers_and_nulls_leaves(returns, sessions, config):
    dirty = returns.with_columns(
        ret_1d=pl.when(pl.col("ret_1d").is_null() & (pl.col("code") < "15000")).then(float("nan")).otherwise("ret_1d")
    ).cast(returns.schema)
    edges, features = graph_of(dirty, sessions, config)
    clean_edges, clean = graph_of(returns, sessions, config)
    assert edges.equals(clean_edges) and features.equals(clean, null_equal=True)
    assert edges["weight"].is_finite().all()
    for name in features.columns[2:]:
        assert features[name].drop_nulls().is_finite().all()
    assert features["has_graph"].null_count() == 0


def test_a_late_listing_joins_when_it_has_enough_returns_and_changes_its_past_by_nothing(returns, sessions, config):
    code, first = "13350", 70
    assert returns.filter((pl.col("code") == code) & pl.col("ret_1d").is_not_null())["session"].min() == sessions[first]
    _, features = graph_of(returns, sessions, config)
    mine = features.filter((pl.col("code") == code) & (pl.col("has_graph") == 1))
    returns_seen = [session for session in sessions[first:] if session.isoformat() != "2020-10-01"]
    assert mine["session"].min() == returns_seen[config.min_sessions - 1]
    before = [session for session in sessions if session < mine["session"].min()][-20:]
    without = returns.filter(pl.col("code") != code)
    assert build_edges(returns, before, config).equals(build_edges(without, before, config))


def test_every_listed_stock_has_one_row_of_features(returns, days, config):
    _, features = graph_of(returns, days, config)
    listed = returns.filter(pl.col("session").is_in(days)).select("session", "code").sort("session", "code")
    assert features.select("session", "code").equals(listed)


def test_a_session_with_too_few_nodes_has_no_graph(returns, days, config):
    edges, features = graph_of(returns, days, GraphConfig(min_nodes=200, k=4))
    assert edges.height == 0
    assert all(features[name].null_count() == features.height for name in features.columns if name.startswith("g_"))
    assert features["has_graph"].sum() == 0
