"""Judging sessions of typed tables: what is found, by session, in words. Nothing is changed and nothing is dropped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from gogoku_pipeline.core.sessions import SessionCalendar
from gogoku_pipeline.tables.prices import market_halts

Found = dict[date, str]
"""Session -> what is wrong with it; sessions without findings are absent."""


def sessions_without_rows(frame: pl.DataFrame, sessions: Sequence[date]) -> Found:
    """Sessions for which a table has no row at all. The exchange traded, so the publisher has rows."""
    present = set(frame["session"].unique())
    return {session: "no row although the exchange was open" for session in sessions if session not in present}


def unconserved(
    frame: pl.DataFrame, landed: pl.DataFrame, rejects: pl.DataFrame, sessions: Sequence[date], *, most_rejected: float
) -> Found:
    """Sessions whose landed rows are not all accounted for, or of which too many were rejected.

    Args:
        frame: typed rows.
        landed: index rows of the newest complete landings (event_date, row_count).
        rejects: rows of `core__rejects` of the same source, possibly of older landings too.
        sessions: sessions asked for.
        most_rejected: largest tolerated share of rejected rows.

    Returns:
        Findings. Identical repetitions leave fewer typed rows than landed ones; every one of the others is a reject.
    """
    raw = dict(landed.group_by("event_date").agg(pl.col("row_count").sum()).iter_rows())
    typed = dict(frame.group_by("session").len().iter_rows())
    refused = dict(rejects.group_by("session").len().iter_rows())
    found: Found = {}
    for session in sessions:
        rows, kept, lost = raw.get(session, 0), typed.get(session, 0), refused.get(session, 0)
        if kept > rows:
            found[session] = f"{kept} rows typed of {rows} landed"
        elif rows and lost > most_rejected * rows:
            found[session] = f"{lost} of {rows} landed rows were rejected, {kept} typed"
        elif kept + lost < rows * (1.0 - most_rejected):
            found[session] = f"{rows} rows landed, {kept} typed, {lost} rejected: the others are repetitions or lost"
    return found


def prices_out_of_order(bars: pl.DataFrame) -> Found:
    """Sessions on which a high is below its open or close, a low above them, or a price stands without volume."""
    traded = bars.filter(pl.col("close_jpy").is_not_null())
    wrong = (
        (pl.col("high_jpy") < pl.max_horizontal("open_jpy", "close_jpy", "low_jpy"))
        | (pl.col("low_jpy") > pl.min_horizontal("open_jpy", "close_jpy", "high_jpy"))
        | ~(pl.col("volume_shares") > 0).fill_null(value=False)
    )
    bad = traded.filter(wrong).group_by("session").agg(pl.len(), pl.col("code").first()).sort("session")
    return {day: f"{count} impossible bars, first {code}" for day, count, code in bad.iter_rows()}


def silent_markets(bars: pl.DataFrame, known_halts: Sequence[date]) -> Found:
    """Sessions on which nothing traded although no halt of the exchange is known."""
    halted = set(market_halts(bars)["session"]) - set(known_halts)
    return {session: "nothing traded, and no halt of the exchange is known" for session in sorted(halted)}


def calendar_differences(days: pl.DataFrame, calendar: SessionCalendar) -> list[str]:
    """Where the publisher's calendar and the exchange calendar disagree, over the days both cover.

    Args:
        days: rows of `core_jquants__calendar`.
        calendar: the house's sessions.
    """
    within = days.filter(pl.col("date").is_between(calendar.first, calendar.last))
    if within.is_empty():
        return ["the publisher's calendar has no day inside the house's calendar"]
    theirs = set(within.filter("is_session")["date"])
    first, last = within.select(pl.col("date").min().alias("first"), pl.col("date").max().alias("last")).row(0)
    ours = set(calendar.between(first, last))
    return [f"{day}: only the publisher trades" for day in sorted(theirs - ours)] + [
        f"{day}: only the house trades" for day in sorted(ours - theirs)
    ]


def thin_sessions(frame: pl.DataFrame, listed: pl.DataFrame, sessions: Sequence[date], *, at_least: float) -> Found:
    """Sessions on which a table has rows for too small a share of the listed issues.

    Args:
        frame: session, code.
        listed: session, code of everything listed.
        sessions: sessions asked for.
        at_least: smallest tolerated share.
    """
    key = ["session", "code"]
    covered = dict(
        listed.select(key)
        .unique()
        .join(frame.select(key).unique().with_columns(pl.lit(value=True).alias("has_row")), on=key, how="left")
        .group_by("session")
        .agg(pl.col("has_row").fill_null(value=False).mean())
        .iter_rows()
    )
    found: Found = {}
    for session in sessions:
        share = covered.get(session)
        if share is None:
            found[session] = "nobody is listed, so coverage cannot be judged"
        elif share < at_least:
            found[session] = f"rows for {share:.1%} of the listed issues"
    return found
