"""Price factors of each issue: what brings a per-share figure of another day to the basis prices are kept on.

A per-share amount divided by the factor of its own day stands on the forward basis of staged prices; dividing it by
an adjusted price of t needs no later row. Source: features.md 2.1.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from gogoku_pipeline.features.states.exchange_days import exchange_days

NEWEST: dict[str, Any] = {"on": "number", "by": "code", "strategy": "backward", "check_sortedness": False}


def factor_steps(factors: pl.DataFrame) -> pl.DataFrame:
    """[code, number, factor, is_split]: the first stored row of each issue and every session on which its factor moves.

    Args:
        factors: `Known.factors`: (session, code, factor) with the products since the first stored row.
    """
    before = pl.col("factor").shift(1).over("code")
    rows = factors.sort("code", "session").with_columns(is_split=before.is_not_null() & (before != pl.col("factor")))
    return rows.select("code", exchange_days().on_or_after(rows["session"]).alias("number"), "factor", "is_split")


def factor_at(asked: pl.DataFrame, steps: pl.DataFrame) -> pl.Series:
    """Factor of each issue on a session; 1 before its first stored row, whose own factor comes after it.

    Args:
        asked: (code, number) in any order; numbers of sessions.
        steps: of `factor_steps`.
    """
    found = (
        asked.select("code", "number")
        .with_row_index("row")
        .sort("number")
        .join_asof(steps.select("code", "number", "factor").sort("number"), **NEWEST)
        .sort("row")
    )
    return found["factor"].fill_null(1.0)
