"""Columns no field holds: the session a row lies in, and the claims we read out of its values."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from gogoku_pipeline.core.sessions import OUTAGE, tse_calendar
from gogoku_pipeline.schema import calendar, topix
from gogoku_pipeline.schema.tables import Source, Table
from gogoku_pipeline.tables.landings import Walk


def with_session(source: Source, table: Table, walk: Walk, frame: pl.DataFrame) -> pl.DataFrame:
    """Rows with the session whose partition they lie in, from the event date in `__day`.

    What has only a present (`axis="now"`) and names another day than its own lies in the session of its capture.
    """
    if "session" not in table.polars_schema:
        return frame
    if source.axis == "now" and any(column.source == source.event for column in table.columns):
        captured = tse_calendar().on_or_before(walk.fetched_at.date())
        return frame.with_columns(
            pl.lit(captured, dtype=pl.Date).alias("session"), pl.col("__day").fill_null(walk.fetched_at.date())
        )
    if table.rule is None or table.rule.events in ("sessions", "none"):
        return frame.with_columns(pl.col("__day").alias("session"))
    days = frame["__day"].unique().sort()
    sessions = pl.DataFrame(
        {"__day": days, "session": [table.rule.session_of(day) for day in days]},
        schema={"__day": pl.Date, "session": pl.Date},
    )
    return frame.join(sessions, on="__day", how="left", maintain_order="left")


def with_derived(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Rows with the claims this table makes about them; frames of other tables come back as they are."""
    derive = _CLAIMS.get(table.name)
    return derive(frame) if derive else frame


def _index_halts(frame: pl.DataFrame) -> pl.DataFrame:
    """A session whose four prices all repeat the previous close is a market halt.

    Where no previous close is there, four equal prices count as a halt on the outage of 2020-10-01 only.
    """
    ordered = frame.sort("session")
    previous = pl.col("close_points").shift(1)
    is_flat = pl.all_horizontal(pl.col(f"{name}_points") == pl.col("close_points") for name in ("open", "high", "low"))
    is_stale = (
        pl.when(previous.is_null()).then(pl.col("session") == OUTAGE).otherwise(pl.col("close_points") == previous)
    )
    return ordered.with_columns((is_flat & is_stale).alias("is_market_halt"))


def _sessions(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col("holiday_division").is_in(["1", "2"]).alias("is_session"))


_CLAIMS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    topix.TABLE.name: _index_halts,
    calendar.TABLE.name: _sessions,
}
"""What is read out of a table's values, by table name."""
