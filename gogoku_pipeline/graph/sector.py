"""Sector edges, and both kinds of edges as one typed list for models. Sector edges never enter the `g_*` features."""

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
"""One undirected edge (code_i < code_j) of one kind: `correlation` (signed weight) or `sector` (weight 1)."""

_KEY = ("session", "code_i", "code_j", "edge_type")
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
    return _typed(pairs, "sector", pl.lit(1.0)).sort(_KEY).collect()


def combine(correlation: pl.DataFrame, sector: pl.DataFrame) -> pl.DataFrame:
    """One list of typed edges: what moved together, and what does the same business.

    A pair may appear once per type.

    Args:
        correlation: rows of `graph__correlation`.
        sector: rows of `sector_edges`.

    Returns:
        Rows of TYPED_EDGES, sorted by session, codes and type.
    """
    typed = _typed(correlation.lazy(), "correlation", pl.col("weight"))
    return pl.concat([typed, sector.lazy().select(TYPED_EDGES.names())]).sort(_KEY).collect()


def _typed(pairs: pl.LazyFrame, edge_type: str, weight: pl.Expr) -> pl.LazyFrame:
    return pairs.select(
        "session",
        "code_i",
        "code_j",
        edge_type=pl.lit(edge_type),
        weight=weight.cast(pl.Float32),
    )
