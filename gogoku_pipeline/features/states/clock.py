"""The number of the session on the exchange's own calendar: what ages and distances are counted from."""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.features.states.exchange_days import exchange_days
from gogoku_pipeline.features.states.state import Known, State


def stage(known: Known) -> pl.DataFrame:
    """[session, number]: every session of the range."""
    number = exchange_days().on_or_after(known.sessions).cast(pl.Float64)
    return pl.DataFrame({"session": known.sessions, "number": number})


STATE = State(
    alias="clock",
    axis="market",
    tables=(),
    columns={"number": "Number of the session on the exchange calendar."},
    stage=stage,
    history_sessions=0,
)
