"""Which pairs are joined, and by how much: values in, edges out."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.correlation import build_edges

PLAIN = GraphConfig(
    window=4, min_sessions=3, half_life=math.inf, min_common=3, shrink=1.0, threshold=0.3, k=5, min_nodes=2
)


def edges(frame, day, config=PLAIN):
    rows = build_edges(frame, [day], config).select("code_i", "code_j", "weight").rows()
    return {(low, high): pytest.approx(rho, abs=1e-6) for low, high, rho in rows}


def test_together_against_and_unrelated(table, days):
    frame = table(
        {
            "10010": [1, -1, 1, -1],
            "10020": [2, -2, 2, -2],
            "10030": [-1, 1, -1, 1],
            "10040": [1, 1, -1, -1],
        }
    )
    assert edges(frame, days[3]) == {("10010", "10020"): 1.0, ("10010", "10030"): -1.0, ("10020", "10030"): -1.0}


def test_every_correlation_is_shrunk_before_it_meets_the_threshold(table, days):
    """Sum of products 2 sqrt(2) over sqrt(4 * 4) is 0.7071; 0.95 of it is 0.6718, below 0.68."""
    frame = table({"10010": [1, -1, 1, -1], "10020": [math.sqrt(2), 0, 0, -math.sqrt(2)]})
    rho = 2 * math.sqrt(2) / math.sqrt(4 * 4)
    assert edges(frame, days[3]) == {("10010", "10020"): rho}
    assert edges(frame, days[3], replace(PLAIN, shrink=0.95)) == {("10010", "10020"): 0.95 * rho}
    assert edges(frame, days[3], replace(PLAIN, shrink=0.95, threshold=0.68)) == {}
    assert edges(frame, days[3], replace(PLAIN, threshold=0.68)) == {("10010", "10020"): rho}


def test_a_session_counts_half_after_a_half_life(table, days):
    """Weights 1/7, 2/7, 4/7: means 1/7 and 4/7, variances 6/49 and 12/49, covariance -4/49."""
    frame = table({"10010": [1, 0, 0], "10020": [0, 0, 1]})
    weighted = replace(PLAIN, window=3, half_life=1.0)
    assert edges(frame, days[2], weighted) == {("10010", "10020"): -4 / math.sqrt(72)}
    assert edges(frame, days[2], replace(weighted, half_life=math.inf)) == {("10010", "10020"): -0.5}


def test_only_the_sessions_a_pair_shares_count_for_its_means(table, days):
    """Over the three common sessions: (2, -1, -1) and (0, 1, -1) are unrelated; (2, -1, -1) and (4, -2, -2) are one."""
    frame = table({"10010": [9, 2, -1, -1], "10020": [None, 0, 1, -1], "10030": [None, 4, -2, -2]})
    found = edges(frame, days[3])
    assert found[("10010", "10030")] == 1.0
    assert ("10010", "10020") not in found


def test_pairs_that_share_too_few_sessions_are_not_joined(table, days):
    frame = table({"10010": [None, 2, -1, -1], "10020": [2, -1, -1, None], "10030": [1, 2, -1, -1]})
    assert ("10010", "10020") not in edges(frame, days[3])
    assert ("10010", "10030") in edges(frame, days[3])


def test_what_the_market_explains_is_taken_out_first(table, days):
    """Both follow the market (3, 1, -1, -3); what is left of them, (1, -1, -1, 1) and its opposite, is not alike."""
    market = [3.0, 1.0, -1.0, -3.0]
    left = [1.0, -1.0, -1.0, 1.0]
    first = [2 * m + e for m, e in zip(market, left, strict=True)]
    second = [3 * m - e for m, e in zip(market, left, strict=True)]
    frame = table({"10010": first, "10020": second}, market=market)
    assert edges(frame, days[3]) == {("10010", "10020"): -1.0}


def test_a_stock_that_is_the_market_or_does_not_move_has_no_edge(table, days):
    market = [3.0, 1.0, -1.0, -3.0]
    frame = table(
        {
            "10010": market,
            "10020": [0.0] * 4,
            "10030": [0.1] * 4,
            "10040": [2, 1, -1, 0],
            "10050": [7 * m for m in market],
        },
        market=market,
    )
    assert edges(frame, days[3]) == {}


def test_equal_strengths_go_to_the_smaller_codes(table, days):
    """Six stocks move as one and each looks for one companion: the smallest other code, so a star."""
    alike = {f"100{n}0": [1, -1, 2, -2] for n in (6, 3, 1, 5, 2, 4)}
    found = edges(table(alike), days[3], replace(PLAIN, k=1))
    assert set(found) == {("10010", f"100{n}0") for n in (2, 3, 4, 5, 6)}


def test_an_edge_needs_only_one_of_its_ends(table, days):
    """10020 is the strongest companion of both others and has room for one (10010); 10030 keeps it all the same."""
    frame = table({"10010": [1, -1, 1, -1], "10020": [1.0, -1.0, 1.1, -1.1], "10030": [1.0, -1.0, 0.5, -2.0]})
    assert edges(frame, days[3], replace(PLAIN, k=1)).keys() == {("10010", "10020"), ("10020", "10030")}


def test_the_window_leaves_out_older_sessions(table, days):
    """The last four sessions are opposite; the two before them, which were alike and large, are forgotten."""
    frame = table({"10010": [9, -9, 1, -1, 1, -1], "10020": [9, -9, -1, 1, -1, 1]})
    assert edges(frame, days[5]) == {("10010", "10020"): -1.0}
