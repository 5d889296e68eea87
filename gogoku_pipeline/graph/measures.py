"""Figures about whole graphs, for plots and metadata."""

from __future__ import annotations

import polars as pl


def degree_distribution(node_features: pl.DataFrame) -> pl.DataFrame:
    """How many stocks have how many neighbours, per session; isolated nodes count as degree 0.

    Args:
        node_features: rows of `feat__graph`.

    Returns:
        `session, degree (Int32), stocks (UInt32)`, sorted; nothing for a session without a graph.
    """
    nodes = node_features.lazy().filter(pl.col("g_degree_count").is_not_null())
    counted = nodes.group_by("session", degree=pl.col("g_degree_count").cast(pl.Int32)).agg(stocks=pl.len())
    return counted.sort("session", "degree").with_columns(pl.col("stocks").cast(pl.UInt32)).collect()


def graph_summary(edges: pl.DataFrame, node_features: pl.DataFrame) -> pl.DataFrame:
    """The shape of each session's graph in one row.

    Args:
        edges: rows of `graph__correlation`.
        node_features: rows of `feat__graph` of the same sessions.

    Returns:
        `session, nodes, edges, mean_degree, isolated_share, positive_share, mean_abs_correlation`, sorted. Sessions
        without a graph have 0 nodes, 0 edges and nulls; shares of no edges are null.
    """
    nodes = (
        node_features.lazy()
        .group_by("session")
        .agg(
            nodes=pl.col("g_degree_count").is_not_null().sum().cast(pl.Int64),
            mean_degree=pl.col("g_degree_count").cast(pl.Float64).mean(),
            isolated_share=(pl.col("g_degree_count") == 0).mean(),
        )
    )
    ties = (
        edges.lazy()
        .group_by("session")
        .agg(
            edges=pl.len().cast(pl.Int64),
            positive_share=(pl.col("weight") > 0).mean(),
            mean_abs_correlation=pl.col("weight").cast(pl.Float64).abs().mean(),
        )
    )
    return (
        nodes.join(ties, on="session", how="left", validate="1:1")
        .with_columns(pl.col("edges").fill_null(0))
        .select("session", "nodes", "edges", "mean_degree", "isolated_share", "positive_share", "mean_abs_correlation")
        .sort("session")
        .collect()
    )
