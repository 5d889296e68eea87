"""Weights by hand where the order of the sessions matters: newer ones count more."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from gogoku_pipeline.graph.node_features import compute_node_features
from tests.spec.graph.test_edges_by_hand import PLAIN, edges
from tests.spec.graph.test_node_features_by_hand import CONFIG, edge_table

WEIGHTED = replace(PLAIN, window=3, half_life=1.0)


@pytest.mark.parametrize(
    ("one", "other", "rho"),
    [
        ([1, 0, 0], [2, 1, 0], 10 / math.sqrt(6 * 26)),
        ([0, 0, 1], [0, 1, 2], 16 / math.sqrt(12 * 26)),
    ],
)
def test_a_move_of_today_weighs_four_times_one_of_the_session_before_yesterday(table, days, one, other, rho):
    """Weights 1/7, 2/7, 4/7; times 49: variances 6 and 26, covariance 10; the other way round 12, 26 and 16."""
    found = edges(table({"10010": one, "10020": other}), days[2], WEIGHTED)
    assert found[("10010", "10020")] == pytest.approx(rho, abs=1e-6)


def test_a_return_before_the_window_makes_no_node(table, days):
    """Three returns in four sessions are wanted; 10030 has two, and a third in the session before them."""
    whole = [1, -1, 2, -2, 1]
    frame = table({"10010": whole, "10020": whole[::-1], "10030": [1, 2, -1, None, None]})
    got = compute_node_features(edge_table(days[4], []), frame, [days[4]], CONFIG)
    assert got["has_graph"].to_list() == [1.0, 1.0, 0.0]
