"""The Nikkei 225 as its oldest exchange-traded fund shows it; no index series of the sources carries the average.

The fund (13210) is on every plan at 16:30. Its mark, the last close within five sessions on one basis, stands at end
points as that of any stock does.
"""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.features.states.state import Known, State

CODE = "13210"


def stage(known: Known) -> pl.DataFrame:
    """[session, mark]: sessions on which the fund was listed."""
    own = known.prices.filter(pl.col("code") == CODE)
    return own.select("session", pl.col("mark").cast(pl.Float64))


STATE = State(
    alias="nikkei_etf",
    axis="market",
    tables=(),
    columns={"mark": "Last close of the Nikkei 225 ETF on one basis, yen per unit."},
    stage=stage,
    history_sessions=0,
)
