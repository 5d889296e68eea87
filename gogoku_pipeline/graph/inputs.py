"""What the graph reads, put together from feature tables and the universe."""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.graph.windows import COLUMNS


def graph_returns(prices: pl.LazyFrame, market: pl.LazyFrame, universe: pl.LazyFrame) -> pl.DataFrame:
    """Daily returns of stocks and market with membership, as `build_edges` and `compute_node_features` read them.

    Args:
        prices: `feat__prices` (session, code, ret_1d).
        market: `feat__market` of the same rows (session, code, xs_ret_1d).
        universe: `core__universe` (session, code, is_in_universe); a stock without a row is no member.

    Returns:
        session, code, ret_1d, xs_ret_1d, is_in_universe, sorted by (session, code).
    """
    key = ["session", "code"]
    return (
        prices.select(*key, "ret_1d")
        .join(market.select(*key, "xs_ret_1d"), on=key, how="left", validate="1:1")
        .join(universe.select(*key, "is_in_universe"), on=key, how="left", validate="1:1")
        .with_columns(pl.col("is_in_universe").fill_null(value=False))
        .select(COLUMNS)
        .sort(key)
        .collect()
    )
