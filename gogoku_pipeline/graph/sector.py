"""Sector edges: which stocks do the same business. They never enter the `g_*` features."""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.core.errors import SchemaError

TYPED_EDGES = pl.Schema(
    {
        "session": pl.Date,
        "code_i": pl.String,
        "code_j": pl.String,
        "edge_type": pl.String,
        "weight": pl.Float32,
    }
)
"""One undirected edge of one kind: `correlation` (signed weight), `sector` (weight 1) or `hub` (code_j is the hub).

Two stocks stand in the order of their codes.
"""

TYPED_KEY = ("session", "code_i", "code_j", "edge_type")
_NO_SECTOR = "9999"


def sector_edges(universe: pl.DataFrame, sector: str = "sector33_code") -> pl.DataFrame:
    """Join every two members of the universe that share a sector on a session.

    A pair per two stocks of a sector: about half a million edges for 4,000 stocks, so it is generated when a model
    asks for it and never stored.

    Args:
        universe: rows of `core__universe`.
        sector: column with the sector; stocks without one or with 9999 (others) get no edge.

    Returns:
        Rows of TYPED_EDGES with edge_type `sector` and weight 1, sorted.

    Raises:
        SchemaError: a column is missing.
    """
    wanted = ["session", "code", sector, "is_in_universe"]
    if missing := [name for name in wanted if name not in universe.columns]:
        raise SchemaError("universe", got=f"no columns {missing}", want=f"{wanted}", remedy="Pass core__universe.")
    members = universe.lazy().filter(
        pl.col("is_in_universe") & pl.col(sector).is_not_null() & (pl.col(sector) != _NO_SECTOR)
    )
    left = members.select("session", sector, code_i="code")
    right = members.select("session", sector, code_j="code")
    pairs = left.join(right, on=["session", sector]).filter(pl.col("code_i") < pl.col("code_j"))
    return of_type(pairs, "sector", pl.lit(1.0)).sort(TYPED_KEY).collect()


def of_type(pairs: pl.LazyFrame, edge_type: str, weight: pl.Expr) -> pl.LazyFrame:
    """Pairs (session, code_i, code_j) as rows of TYPED_EDGES."""
    return pairs.select(
        "session",
        "code_i",
        "code_j",
        edge_type=pl.lit(edge_type),
        weight=weight.cast(pl.Float32),
    )
