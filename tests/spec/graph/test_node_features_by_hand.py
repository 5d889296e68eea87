"""What the neighbours tell: a small graph in, one row of features per stock out."""

from __future__ import annotations

import math
import statistics
from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.graph.correlation import EDGES
from gogoku_pipeline.graph.node_features import compute_node_features

CONFIG = GraphConfig(window=4, min_sessions=3, half_life=math.inf, min_common=3, min_nodes=2)


def edge_table(session: date, rows: list[tuple[str, str, float]]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema={"code_i": pl.String, "code_j": pl.String, "weight": pl.Float32}, orient="row")
    return frame.with_columns(session=pl.lit(session), available_at=pl.lit(None, EDGES.polars_schema["available_at"]))


def test_degree_strength_and_peers(table, days):
    """10010 has peers 10020 (+0.8, up 4) and 10030 (-0.4, no trade today); 10040 is alone; 10050 is no node."""
    frame = table(
        {
            "10010": [1, -1, 1, 1],
            "10020": [1, 2, -1, 4],
            "10030": [2, -1, 2, None],
            "10040": [1, 1, -1, 3],
            "10050": [None, None, 1, 2],
        }
    )
    edges = edge_table(days[3], [("10010", "10020", 0.8), ("10010", "10030", -0.4)])
    got = compute_node_features(edges, frame, [days[3]], CONFIG)
    want = pl.DataFrame(
        {
            "session": [days[3]] * 5,
            "code": ["10010", "10020", "10030", "10040", "10050"],
            "g_degree_count": [2.0, 1.0, 1.0, 0.0, None],
            "g_strength": [1.2, 0.8, 0.4, 0.0, None],
            "g_signed_degree": [0.0, 1.0, -1.0, None, None],
            "g_peer_corr_mean": [0.2, 0.8, -0.4, None, None],
            "g_peer_corr_max": [0.8, 0.8, -0.4, None, None],
            "g_peer_ret_1d": [4.0, 1.0, -1.0, None, None],
            "g_peer_ret_5d": [12.0, 3.0, -3.0, None, None],
            "g_component_share": [0.75, 0.75, 0.75, 0.25, None],
            "g_core_count": [1.0, 1.0, 1.0, 0.0, None],
            "g_degree_chg_20d_count": [None] * 5,
            "has_graph": [1.0, 1.0, 1.0, 1.0, 0.0],
        }
    ).with_columns(pl.col(pl.Float64).cast(pl.Float32), pl.col("g_degree_chg_20d_count").cast(pl.Float32))
    assert_frame_equal(got.select(want.columns), want, rel_tol=1e-6)


def test_where_a_stock_stands_in_the_whole_graph(table, days):
    """A triangle 10010-10020-10030 with 10040 hanging on 10030, and 10050 alone; every weight 0.5, of either sign.

    The leading eigenvector of the kite: x = (a, a, 1, c) with l*a = a + 1, l = 2a + c, l*c = 1, so
    l^3 - l^2 - 3l + 1 = 0, l = 2.170087, a = 1 / (l - 1) = 0.854638, c = 1 / l = 0.460811.
    """
    frame = table({f"100{n}0": [n, -1, 1, n * n] for n in range(1, 6)})
    pairs = [("10010", "10020"), ("10010", "10030"), ("10020", "10030"), ("10030", "10040")]
    edges = edge_table(days[3], [(*pair, sign * 0.5) for pair, sign in zip(pairs, (1, -1, 1, 1), strict=True)])
    got = compute_node_features(edges, frame, [days[3]], CONFIG)
    third = pytest.approx(1 / 3)
    assert got["g_clustering"].to_list() == [1.0, 1.0, third, None, None]
    assert got["g_core_count"].to_list() == [2.0, 2.0, 2.0, 1.0, 0.0]
    assert got["g_component_share"].to_list() == pytest.approx([0.8, 0.8, 0.8, 0.8, 0.2])
    assert got["g_eigencentrality"].to_list()[:4] == pytest.approx([0.854638, 0.854638, 1.0, 0.460811], abs=1e-6)
    assert got["g_eigencentrality"].to_list()[4] is None
    rank = got["g_pagerank"].to_list()
    assert sum(rank) == pytest.approx(5.0) and rank[4] < rank[3] < rank[0] == rank[1] < rank[2]
    everywhere = 0.15 + 0.85 * rank[4] / 5
    assert rank == pytest.approx(
        [
            everywhere + 0.85 * (rank[1] / 2 + rank[2] / 3),
            everywhere + 0.85 * (rank[0] / 2 + rank[2] / 3),
            everywhere + 0.85 * (rank[0] / 2 + rank[1] / 2 + rank[3]),
            everywhere + 0.85 * rank[2] / 3,
            everywhere,
        ]
    )


def test_a_stock_that_ran_away_from_its_peers_is_expected_back(table, days):
    """Without a market a residual is the return minus its mean over the window, the last four sessions.

    10010 has mean 1, 10020 has mean 1; 10030 has only three residuals of the week, so no E and no part in the others'.
    """
    frame = table({"10010": [3, 1, -1, 2, 2], "10020": [1, 0, 0, 0, 4], "10030": [None, None, 1, 2, 3]})
    edges = edge_table(days[4], [("10010", "10020", 0.5), ("10020", "10030", 0.4)])
    got = compute_node_features(edges, frame, [days[4]], CONFIG)
    week_1 = (3 - 1) + (1 - 1) + (-1 - 1) + (2 - 1) + (2 - 1)
    week_2 = (1 - 1) + 3 * (0 - 1) + (4 - 1)
    assert got["g_peer_resid_rev_5d"].to_list() == [
        pytest.approx(week_2 - week_1),
        pytest.approx(week_1 - week_2),
        None,
    ]


def test_peer_return_weighs_by_strength_and_turns_the_sign_of_opposites(table, days):
    """(0.6 * 3 - 0.2 * 1) / (0.6 + 0.2) = 2.0."""
    frame = table({"10010": [1, -1, 1, 9], "10020": [1, 2, -1, 3], "10030": [2, -1, 2, 1]})
    edges = edge_table(days[3], [("10010", "10020", 0.6), ("10010", "10030", -0.2)])
    got = compute_node_features(edges, frame, [days[3]], CONFIG)
    assert got["g_peer_ret_1d"].to_list() == pytest.approx([2.0, 9.0, -9.0])


def test_companions_promise_tomorrow_what_they_were_followed_by(table, days):
    """10020 repeats the day after what 10010 did, 10030 has no companion; e = return minus its mean of four sessions.

    Lagged correlations: 10020 after 10010 exactly 1; 10010 after 10020 that of (3, -2, -2, 3) with (0, 1, 3, -2).
    The edge weighs 0.5, so b = (1 + r) / 2 / 0.5 and both are drawn towards the middle (1 + r) / 2, where they go by
    trust = 1 - (1/4) / ((1 - r) / 2)^2. A mean over one companion keeps the sign of a alone.
    """
    leader = [1, 3, -2, -2, 3]
    follower = [0, *leader[:-1]]
    frame = table({"10010": leader, "10020": follower, "10030": [1, 0, 1, 0, 1]})
    got = compute_node_features(edge_table(days[4], [("10010", "10020", 0.5)]), frame, [days[4]], CONFIG)
    r = statistics.correlation(leader[1:], follower[:-1])
    middle, half = (1 + r) / 2, (1 - r) / 2
    trust = 1 - (1 / 4) / half**2
    assert 0 < trust < 1 and middle - trust * half < 0 < middle + trust * half
    assert got["g_lead_lag_1d"].to_list() == [pytest.approx(-(-2 - 0)), pytest.approx(3 - 0.5), None]


def test_companions_count_by_how_much_they_are_followed(table, days):
    """Three companions of 10010 on five sessions; the rule of `leaders` written out with plain numbers."""
    moves = {"10010": [2, -1, 0, 3, 1], "10020": [-1, 1, 3, 0, 2], "10030": [0, 2, -3, 1, 5], "10040": [1, 1, 2, -4, 0]}
    weights = {"10020": 0.6, "10030": -0.4, "10040": 0.5}
    edges = edge_table(days[4], [("10010", code, weight) for code, weight in weights.items()])
    got = compute_node_features(edges, table(moves), [days[4]], CONFIG)
    ties = [(i, j) for code in weights for i, j in (("10010", code), (code, "10010"))]
    rho = [statistics.correlation(moves[i][1:], moves[j][:-1]) for i, j in ties]
    w = [weights[i if i != "10010" else j] for i, j in ties]
    b = sum(x * y for x, y in zip(rho, w, strict=True)) / sum(y * y for y in w)
    apart = [x - b * y for x, y in zip(rho, w, strict=True)]
    trust = max(0.0, 1 - (1 / 4) / (sum(x * x for x in apart) / len(apart)))
    assert 0 < trust < 1
    a = {j: b * y + trust * x for (i, j), y, x in zip(ties, w, apart, strict=True) if i == "10010"}
    today = {code: moves[code][4] - statistics.mean(moves[code][1:]) for code in a}
    promise = sum(a[code] * today[code] for code in a) / sum(abs(value) for value in a.values())
    assert got["g_lead_lag_1d"].to_list()[0] == pytest.approx(promise, rel=1e-6)


def test_a_companion_without_a_trade_today_promises_nothing(table, days):
    moves = {"10010": [1, 3, -2, -2, None], "10020": [0, 1, 3, -2, -2]}
    got = compute_node_features(edge_table(days[4], [("10010", "10020", 0.5)]), table(moves), [days[4]], CONFIG)
    own, silent = got["g_lead_lag_1d"].to_list()
    assert own is not None and silent is None


def test_an_edge_to_a_stock_that_is_no_node_is_refused(table, days):
    frame = table({"10010": [1, -1, 1, 9], "10020": [1, 2, -1, 3], "10050": [None, None, 1, 2]})
    with pytest.raises(DataError, match="no node"):
        compute_node_features(edge_table(days[3], [("10010", "10050", 0.5)]), frame, [days[3]], CONFIG)
