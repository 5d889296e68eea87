"""Selling by sector, split into long and short, as known at the hour of decision. Source: /markets/short-ratio."""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.features.states.state import Known, State

_AMOUNTS = ("long_sell_jpy", "short_sell_restricted_jpy", "short_sell_unrestricted_jpy")
_WORDS = dict(
    zip(
        _AMOUNTS,
        (
            "Yen sold from holdings on the session.",
            "Yen sold short under the price restriction.",
            "Yen sold short without price restriction.",
        ),
        strict=True,
    )
)


def stage(known: Known) -> pl.DataFrame:
    """(session, sector33_code, amounts): the rows delivered before the cut-off of their own session."""
    return known.rows_of_session("short_ratio").select("session", "sector33_code", *_AMOUNTS)


def stage_market(known: Known) -> pl.DataFrame:
    """(session, amounts): the sums over every sector, those without one included."""
    return stage(known).group_by("session").agg(pl.col(_AMOUNTS).sum()).sort("session")


STATE = State(
    alias="short_ratio",
    axis="sector33",
    tables=("short_ratio",),
    columns=_WORDS,
    stage=stage,
    history_sessions=0,
)

MARKET_STATE = State(
    alias="short_ratio_market",
    axis="market",
    tables=("short_ratio",),
    columns={name: words.replace("on the session", "on the session, all sectors") for name, words in _WORDS.items()},
    stage=stage_market,
    history_sessions=0,
)
