"""What edges carry: shared labels and the change of 20 sessions, against a slow computation of every pair."""

from __future__ import annotations

import polars as pl
import pytest

from gogoku_pipeline.graph.correlation import build_edges

PLACES = (59, 80, 149)


@pytest.fixture(scope="module")
def edges(returns, sessions, config):
    return build_edges(returns, [sessions[place] for place in PLACES], config)


def test_the_change_is_against_the_same_pairs_correlation_20_sessions_ago_edge_or_not(
    edges, sessions, every_pair, oracle, config
):
    compared, new = 0, 0
    for place in PLACES:
        then = every_pair(sessions[place - 20], config) if place >= 59 else {}
        joined_then = oracle(sessions[place - 20], config)
        for low, high, weight, delta in (
            edges.filter(pl.col("session") == sessions[place])
            .select("code_i", "code_j", "weight", "weight_delta_20d")
            .iter_rows()
        ):
            if (low, high) in then:
                assert delta == pytest.approx(weight - then[low, high], abs=1e-6)
                compared += 1
                new += (low, high) not in joined_then
            else:
                assert delta is None
    assert compared > 100 and new > 20


def test_a_change_is_null_where_the_pair_could_not_be_compared(edges, sessions, returns, config):
    """At place 59 the session 20 earlier has 40 sessions of history at most; a late listing was no node then."""
    nulls = edges.group_by("session").agg(pl.col("weight_delta_20d").null_count().alias("nulls"), pl.len())
    counts = {row["session"]: (row["nulls"], row["len"]) for row in nulls.iter_rows(named=True)}
    assert counts[sessions[149]][1] > 0 and counts[sessions[149]][0] < counts[sessions[149]][1] / 2
    alone = build_edges(returns.filter(pl.col("session") >= sessions[135]), [sessions[149]], config)
    assert alone.height == 0
    short = build_edges(returns.filter(pl.col("session") > sessions[80]), [sessions[149]], config)
    assert short.height > 0 and short["weight_delta_20d"].null_count() < short.height
    shorter = build_edges(returns.filter(pl.col("session") > sessions[95]), [sessions[149]], config)
    assert shorter["weight_delta_20d"].null_count() == shorter.height > 0


def test_shared_sector_and_section_are_those_of_the_session(edges, returns):
    labels = returns.select("session", "code", "sector33_code", "market_code")
    ends = edges.join(labels, left_on=["session", "code_i"], right_on=["session", "code"]).join(
        labels, left_on=["session", "code_j"], right_on=["session", "code"], suffix="_j"
    )
    assert ends.height == edges.height
    same = ends.select(
        (pl.col("sector33_code") == pl.col("sector33_code_j")).alias("is_same_sector"),
        (pl.col("market_code") == pl.col("market_code_j")).alias("is_same_market"),
    )
    assert same.equals(ends.select("is_same_sector", "is_same_market"))
    assert 0 < edges["is_same_sector"].mean() < 1 and 0 < edges["is_same_market"].mean() < 1


def test_a_stock_that_changed_its_sector_is_in_the_new_one_from_that_session_on(returns, sessions, config):
    moved = (pl.col("code") == "13000") & (pl.col("session") >= sessions[100])
    other = returns.with_columns(sector33_code=pl.when(moved).then(pl.lit("9050")).otherwise("sector33_code"))
    edges = build_edges(other, [sessions[99], sessions[100]], config)
    mine = edges.filter((pl.col("code_i") == "13000") | (pl.col("code_j") == "13000"))
    assert mine.filter(pl.col("session") == sessions[99])["is_same_sector"].any()
    assert not mine.filter(pl.col("session") == sessions[100])["is_same_sector"].any()


def test_labels_that_are_missing_give_nulls_and_change_no_weight(returns, sessions, config, edges):
    bare = build_edges(returns.drop("sector33_code", "market_code"), [sessions[149]], config)
    mine = edges.filter(pl.col("session") == sessions[149])
    assert bare.drop("is_same_sector", "is_same_market").equals(mine.drop("is_same_sector", "is_same_market"))
    assert bare["is_same_sector"].null_count() == bare["is_same_market"].null_count() == bare.height > 0
