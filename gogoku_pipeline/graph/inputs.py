"""What the graph reads, put together from feature tables and the universe."""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.graph.matrix import COLUMNS, OPTIONAL


def graph_returns(prices: pl.LazyFrame, market: pl.LazyFrame, universe: pl.LazyFrame) -> pl.DataFrame:
    """Daily returns of stocks and market with membership, as `build_edges` and `compute_node_features` read them.

    Args:
        prices: `feat__prices` (session, code, ret_1d, ret_5d).
        market: `feat__market` of the same rows (session, code, xs_ret_1d; mkt_ret_1d from the Light plan on).
        universe: `core__universe` (session, code, is_in_universe, sector33_code, market_code); a stock without a row
            is no member.

    Returns:
        session, code, ret_1d, xs_ret_1d, is_in_universe and those of `matrix.OPTIONAL` the tables have, sorted by
        (session, code). What reads an optional column refuses its absence by name.
    """
    key = ["session", "code"]
    return (
        _of(prices, "ret_1d", "ret_5d")
        .join(_of(market, "xs_ret_1d", "mkt_ret_1d"), on=key, how="left", validate="1:1")
        .join(_of(universe, "is_in_universe", "sector33_code", "market_code"), on=key, how="left", validate="1:1")
        .with_columns(pl.col("is_in_universe").fill_null(value=False))
        .select(*COLUMNS, pl.col("^(" + "|".join(OPTIONAL) + ")$"))
        .sort(key)
        .collect()
    )


def _of(table: pl.LazyFrame, first: str, *others: str) -> pl.LazyFrame:
    """Key, a column every table has, and further ones it may have."""
    known = table.collect_schema()
    return table.select("session", "code", first, *(name for name in others if name in known))
