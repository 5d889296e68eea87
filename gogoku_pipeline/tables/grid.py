"""The dense grid of one issue's sessions: every session between its first and last row, in calendar order.

Windows count sessions, not rows; on this grid the two are the same, so nobody downstream has to think about holes.
"""

from __future__ import annotations

import polars as pl

from gogoku_pipeline.core.errors import DataError, SchemaError
from gogoku_pipeline.core.sessions import SessionCalendar, tse_calendar

HALT_SHARE = 0.99
"""A session on which at least this share of the issues shows no volume is a market halt."""


def densify(rows: pl.DataFrame, calendar: SessionCalendar | None = None) -> pl.DataFrame:
    """Rows ordered by issue and session, with the missing sessions between filled by rows of nulls.

    Args:
        rows: columns `session`, `code` (unique together) and any others; any row order.
        calendar: the sessions; None for the exchange's own.

    Returns:
        The same columns plus `place` (Int64, number of the session in the calendar), `issue` (Int64, number of the
        code among these codes, in their order) and `is_gap`, sorted by (code, session).

    Raises:
        SchemaError: two rows share session and code.
        DataError: a row lies on a day that is no session.
    """
    known = calendar or tse_calendar()
    placed = _placed(rows, known).sort(pl.col("issue") * len(known.sessions) + pl.col("place"))
    repeated = (pl.col("issue") == pl.col("issue").shift(1)) & (pl.col("place") == pl.col("place").shift(1))
    if twice := placed.filter(repeated).height:
        raise SchemaError(
            "rows of (session, code)",
            got=f"{twice} repeated keys",
            want="one row per key",
            remedy="Stage the typed table, which refuses repeated keys.",
        )
    full = placed.with_columns(pl.lit(value=False).alias("is_gap"))
    gaps = _gaps(placed, known)
    if gaps.is_empty():
        return full
    return pl.concat([full, gaps], how="diagonal").sort("issue", "place")


def place_axis(calendar: SessionCalendar | None = None) -> pl.DataFrame:
    """(session, place): each session's number in the calendar, Int64 from 0."""
    known = calendar or tse_calendar()
    return pl.DataFrame(
        {"session": known.sessions, "place": range(len(known.sessions))},
        schema={"session": pl.Date, "place": pl.Int64},
    )


def _placed(rows: pl.DataFrame, known: SessionCalendar) -> pl.DataFrame:
    codes = rows.select(pl.col("code").unique().sort()).with_row_index("issue").cast({"issue": pl.Int64})
    placed = rows.join(place_axis(known), on="session", how="left").join(codes, on="code", how="left")
    if stray := placed.filter(pl.col("place").is_null())["session"].unique().sort().to_list():
        raise DataError(
            "rows on days without trading",
            got=f"{len(stray)} days, first {stray[0]}",
            want=f"sessions in {known.first} .. {known.last}",
            remedy="Compare the calendar table with the exchange calendar; pass the calendar the rows were made for.",
        )
    return placed


def _gaps(placed: pl.DataFrame, known: SessionCalendar) -> pl.DataFrame:
    """Rows for the sessions an issue lacks between its first and its last one; `placed` is sorted by (issue, place)."""
    same = pl.col("issue") == pl.col("issue").shift(1)
    holes = placed.select(
        "code",
        "issue",
        "place",
        pl.when(same).then(pl.col("place").shift(1)).otherwise(pl.col("place")).alias("before"),
    ).filter(pl.col("place") - pl.col("before") > 1)
    filled = holes.select(
        "code", "issue", pl.int_ranges(pl.col("before") + 1, pl.col("place"), dtype=pl.Int64).alias("place")
    ).explode("place")
    sessions = pl.Series("session", known.sessions, dtype=pl.Date).gather(filled["place"])
    return filled.with_columns(sessions, pl.lit(value=True).alias("is_gap"))
