"""Style and size indices of the exchange at the close: growth, small and value, each with what it is held against.

On the session without trades the publisher repeats the previous close; it stands, as the carried TOPIX does.
Source: features.md 3.5; J-Quants V2 /indices/bars/daily.
"""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.features.states.state import Known, State

INDEX_OF = {
    "growth": "0070",
    "growth_base": "0000",
    "small": "002D",
    "small_base": "0028",
    "value": "8100",
    "value_base": "8200",
}
"""Leaf to index code: TSE Growth 250 and TOPIX, TOPIX Small and TOPIX Core30, TOPIX Value and TOPIX Growth."""


def stage(known: Known) -> pl.DataFrame:
    """[session, closes]: sessions on which at least one of the indices was known."""
    name_of = {code: name for name, code in INDEX_OF.items()}
    rows = known.rows_of_session("indices").filter(pl.col("index_code").is_in(list(name_of)))
    close = pl.col("close_points")
    return rows.group_by("session").agg(
        close.filter(pl.col("index_code") == code).first().cast(pl.Float64).alias(name)
        for code, name in name_of.items()
    )


STATE = State(
    alias="indices",
    axis="market",
    tables=("indices",),
    columns={name: f"Close of index {code}, points." for name, code in INDEX_OF.items()},
    stage=stage,
    history_sessions=0,
)
