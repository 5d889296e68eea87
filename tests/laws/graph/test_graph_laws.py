"""What no graph may do: look ahead, read outsiders, depend on row order, units, borders or threads."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

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


def changed_by_the_future(build, returns, days, config):
    """Days whose answer differs when the rows after them are dropped or scrambled."""
    touched = []
    for day in days:
        past, later = returns.filter(pl.col("session") <= day), returns.filter(pl.col("session") > day)
        noise = np.random.default_rng(3).normal(0, 0.05, later.height).astype(np.float32)
        scrambled = pl.concat([past, later.with_columns(ret_1d=pl.Series(noise), is_in_universe=pl.lit(False))])
        whole = build(returns, [day], config)
        if any(not _same(whole, build(frame, [day], config)) for frame in (past, scrambled)):
            touched.append(day)
    return touched


def _same(one, other):
    return all(a.equals(b, null_equal=True) for a, b in zip(one, other, strict=True))


def test_rows_after_the_session_change_nothing(returns, days, config):
    assert changed_by_the_future(graph_of, returns, days, config) == []


def test_a_window_that_reads_the_next_session_is_caught(returns, days, sessions, config):
    def ahead(frame, wanted, settings):
        known = sorted(set(frame["session"]))
        next_day = known[min(known.index(wanted[0]) + 1, len(known) - 1)]
        return graph_of(frame, [next_day], settings)

    late_enough = [day for day in days if sessions[60] <= day < sessions[149]]
    assert changed_by_the_future(ahead, returns, late_enough, config) == late_enough


def test_row_order_changes_no_bit(returns, days, config):
    edges, features = graph_of(returns, days, config)
    shuffled = returns.sample(fraction=1.0, shuffle=True, seed=11)
    mixed = build_edges(shuffled, days[::-1], config)
    assert edges.equals(mixed)
    assert features.equals(compute_node_features(mixed.reverse(), shuffled, days[::-1], config), null_equal=True)


def test_session_by_session_equals_the_range_bit_for_bit(returns, sessions, config):
    span = sessions[75:105]
    edges, features = graph_of(returns, span, config)
    parts = []
    for day in span:
        first = sessions[sessions.index(day) - config.lookback_sessions]
        parts.append(graph_of(returns.filter(pl.col("session").is_between(first, day)), [day], config))
    assert edges.equals(pl.concat([part[0] for part in parts]))
    assert features.equals(pl.concat([part[1] for part in parts]), null_equal=True)


def test_two_threads_give_the_bits_of_one(returns, days, config):
    assert _same(graph_of(returns, days, config), graph_of(returns, days, config, threads=2))


def test_a_stock_outside_the_universe_changes_nothing(returns, days, config):
    """Code 15800 is never a member; any values or none at all give the same graph of the others."""
    outsider = pl.col("code") == "15800"
    assert returns.filter(outsider & pl.col("is_in_universe")).height == 0 < returns.filter(outsider).height
    without = graph_of(returns.filter(~outsider), days, config)
    wild = returns.with_columns(ret_1d=pl.when(outsider).then(7.0).otherwise("ret_1d").cast(pl.Float32))
    for frame in (returns, wild):
        edges, features = graph_of(frame, days, config)
        assert edges.equals(without[0])
        assert features.filter(~outsider).equals(without[1], null_equal=True)
        alone = features.filter(outsider)
        assert alone["has_graph"].sum() == 0 and alone["g_degree_count"].null_count() == alone.height


@pytest.mark.parametrize("factor", [2.0**-7, 2.0**6])
def test_returns_in_other_units_give_the_same_graph(returns, days, config, factor):
    edges, features = graph_of(returns, days, config)
    other_edges, other = graph_of(returns.with_columns(pl.col("ret_1d", "xs_ret_1d") * factor), days, config)
    assert edges.equals(other_edges)
    unscaled = other.with_columns(pl.col("g_peer_ret_1d", "g_lead_lag_1d") / factor).cast(features.schema)
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


def test_edges_are_undirected_unique_strong_and_sorted(returns, sessions, config):
    edges = build_edges(returns, sessions, config)
    assert edges.schema == EDGES.polars_schema
    assert edges.height > 3000
    assert (edges["code_i"] < edges["code_j"]).all()
    assert edges.equals(edges.sort(EDGES.key)) and not edges.select(EDGES.key).is_duplicated().any()
    assert edges["correlation"].abs().is_between(config.threshold - 1e-7, config.shrink).all()
    assert (edges["available_at"].dt.strftime("%Y-%m-%d %H:%M") == edges["session"].dt.strftime("%Y-%m-%d 16:30")).all()


def test_every_edge_is_among_the_k_strongest_of_one_of_its_ends(returns, days, config):
    edges = build_edges(returns, days, config)
    ends = pl.concat(
        [edges.select("session", "code_i", "code_j", "correlation", end=end) for end in ("code_i", "code_j")]
    )
    rank = pl.col("correlation").abs().rank("min", descending=True).over("session", "end")
    best = ends.with_columns(rank=rank).group_by("session", "code_i", "code_j").agg(pl.col("rank").min())
    assert best["rank"].max() <= config.k
    per_day = edges.group_by("session").len()["len"].max()
    assert per_day <= config.k * returns["code"].n_unique()


def test_nothing_but_numbers_and_nulls_leaves(returns, sessions, config):
    dirty = returns.with_columns(
        ret_1d=pl.when(pl.col("ret_1d").is_null() & (pl.col("code") < "15000")).then(float("nan")).otherwise("ret_1d")
    ).cast(returns.schema)
    edges, features = graph_of(dirty, sessions, config)
    clean_edges, clean = graph_of(returns, sessions, config)
    assert edges.equals(clean_edges) and features.equals(clean, null_equal=True)
    assert edges["correlation"].is_finite().all()
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
