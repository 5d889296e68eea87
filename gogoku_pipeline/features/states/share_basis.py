"""Shares filed on some date, on the one basis of their issue: what a later split never moves.

Shares of day s times the volume factor in force on s stand on the forward basis of staged prices; divided by the
volume factor of t they are shares of t. Source: features.md 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from gogoku_pipeline.features.states.price_basis import factor_on
from gogoku_pipeline.features.states.state import Known


def on_forward_basis(known: Known, rows: pl.DataFrame, date: str, shares: Sequence[str]) -> pl.DataFrame:
    """The rows, in their order, with the share columns times the volume factor of the issue on the date.

    Args:
        known: its factors hold the whole history, whatever range prices cover.
        rows: [code, date, shares...] in any order.
        date: name of the Date column.
        shares: names of the columns to bring over.

    Returns:
        The same columns, shares as Float64; before the issue's first stored row they stand on its basis already.
    """
    factor = factor_on(rows.select("code", day=date), known.factors, "volume_factor")
    return rows.with_columns(pl.col(name).cast(pl.Float64) * factor for name in shares)
