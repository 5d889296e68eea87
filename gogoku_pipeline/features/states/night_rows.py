"""Rows of futures and options as they were known: one release per trading day, published in the night after it.

Belongs here: which rows of a derivatives table count and from which session on. Does not belong here: what they say
(`options`, `futures`).

A day's rows come out at 03:00 of the next calendar day, so with an evening cut-off the newest usable day is that of
the session before. Rows of the emergency margin (division 001) are left out. A row that was corrected later is not
among what was known first, and a day that became known later than a newer one is no release: returns and windows
would count it at some sessions only. Source: features.md 1.2, 3.12, 3.13; J-Quants V2 /derivatives/bars/daily.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from gogoku_pipeline.features.states.exchange_days import exchange_days, known_within
from gogoku_pipeline.features.states.state import Known

NORMAL_MARGIN = "002"

EXPIRES_SESSIONS = 2
"""Sessions after a day's rows became known (normally one after the day) beyond which they say nothing: at an age of
three sessions they are read for the last time."""

HISTORY_SESSIONS = 6
"""Sessions before a range whose rows count: the oldest row that may still be read, and the row before it. A range
begins as many sessions early, because a row older than its first session counts as known on it and would live on."""


def night_rows(known: Known, source: str, columns: Sequence[str]) -> pl.DataFrame:
    """Rows of normal margin of every trading day that is a release.

    Args:
        known: the tables and sessions.
        source: `futures` or `index_options`.
        columns: columns to keep besides the trading day.

    Returns:
        [trade_date, columns...] in any order.
    """
    rows = known.table(source).filter(pl.col("emergency_margin_division") == NORMAL_MARGIN)
    days = _releases(rows.select("trade_date", "available_at").unique(), known)
    kept = rows.select("trade_date", "available_at", *columns)
    return kept.join(days, on=["trade_date", "available_at"], how="semi").drop("available_at")


def releases(known: Known, source: str) -> pl.DataFrame:
    """[release, known_session, session_number]: the trading days of a source that count, ascending.

    `session_number` (Float64) is the number of the trading day on the exchange calendar.
    """
    rows = known.table(source).filter(pl.col("emergency_margin_division") == NORMAL_MARGIN)
    days = _releases(rows.select("trade_date", "available_at").unique(), known)
    days = days.group_by("trade_date").agg(pl.col("number").first()).sort("trade_date")
    return days.select(
        pl.col("trade_date").alias("release"),
        known_within(days["number"], known.sessions).alias("known_session"),
        exchange_days().on_or_before(days["trade_date"]).cast(pl.Float64).alias("session_number"),
    ).drop_nulls("known_session")


def _releases(instants: pl.DataFrame, known: Known) -> pl.DataFrame:
    """[trade_date, available_at, number]: instants of what was known first, `number` the session it was usable from."""
    placed = instants.with_columns(exchange_days().known(instants["available_at"], known.cutoff).alias("number"))
    first = placed.filter(pl.col("number") == pl.col("number").min().over("trade_date"))
    newer_known = pl.col("number").reverse().cum_min().reverse()
    return first.sort("trade_date", "available_at").filter(pl.col("number") <= newer_known)
