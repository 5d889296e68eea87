"""Factors of each issue: what brings a figure of another day to the one basis prices and shares are kept on.

A per-share amount divided by the price factor of its own day stands on the forward basis of staged prices, a number of
shares times the volume factor of its own day likewise; no later row is needed. Source: features.md 2.1.
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


def factor_on(asked: pl.DataFrame, factors: pl.DataFrame, name: str = "factor") -> pl.Series:
    """Factor of each issue in force on a day; before its first stored row 1: nothing had happened yet.

    Args:
        asked: (code, day) in any order; a null day has the factor 1.
        factors: `Known.factors`.
        name: `factor` of prices or `volume_factor` of shares.
    """
    found = (
        asked.select("code", "day")
        .with_row_index("row")
        .sort("day")
        .join_asof(
            factors.select("code", "session", name).sort("session"),
            left_on="day",
            right_on="session",
            by="code",
            strategy="backward",
            check_sortedness=False,
        )
        .sort("row")
    )
    return found[name].fill_null(1.0)
