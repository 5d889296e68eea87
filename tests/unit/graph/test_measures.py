"""Degree distribution and summary of a graph."""

from __future__ import annotations

from datetime import date

import polars as pl

from gogoku_pipeline.graph.measures import degree_distribution, graph_summary

DAY, NEXT = date(2024, 5, 8), date(2024, 5, 9)
FEATURES = pl.DataFrame(
    {
        "session": [DAY] * 5 + [NEXT],
        "code": ["1", "2", "3", "4", "5", "1"],
        "g_degree_count": [2.0, 1.0, 1.0, 0.0, None, None],
    }
)
EDGES = pl.DataFrame({"session": [DAY, DAY], "code_i": ["1", "1"], "code_j": ["2", "3"], "weight": [0.5, -0.25]})


def test_the_distribution_counts_isolated_nodes_and_leaves_out_stocks_that_are_none():
    assert degree_distribution(FEATURES).rows() == [(DAY, 0, 1), (DAY, 1, 2), (DAY, 2, 1)]


def test_the_summary_has_one_row_per_session_also_without_a_graph():
    assert graph_summary(EDGES, FEATURES).rows() == [
        (DAY, 4, 2, 1.0, 0.25, 0.5, 0.375),
        (NEXT, 0, 0, None, None, None, None),
    ]
