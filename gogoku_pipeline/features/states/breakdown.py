"""Auction trading of a stock by order type, as known at the hour of decision. Source: /markets/breakdown."""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.features.states.state import Known, State

_COLUMNS = {
    "long_sell_jpy": "Yen sold from holdings.",
    "short_sell_jpy": "Yen sold short other than on new margin.",
    "margin_sell_new_jpy": "Yen sold on new margin.",
    "margin_sell_close_jpy": "Yen sold to close a margin purchase.",
    "long_buy_jpy": "Yen bought for cash.",
    "margin_buy_new_jpy": "Yen bought on new margin.",
    "margin_buy_close_jpy": "Yen bought to close a margin sale.",
}


def stage(known: Known) -> pl.DataFrame:
    """(session, code, amounts): the rows delivered before the cut-off of their own session."""
    return known.rows_of_session("breakdown").select("session", "code", *_COLUMNS)


STATE = State(
    alias="breakdown",
    axis="stock",
    tables=("breakdown",),
    columns=_COLUMNS,
    stage=stage,
    history_sessions=0,
)
