"""How the instant of a row is counted from its dates and times: one vectorised function per manner of delivery.

Source: J-Quants API V2 "data update" page.
"""

from collections.abc import Callable
from datetime import time
from typing import Literal

import polars as pl

from gogoku_pipeline.schema.columns import JST_INSTANT
from gogoku_pipeline.schema.event_days import MARGIN_LAST_WEEKLY, sessions_after

Delivery = Literal["at_hour", "year_before", "disclosure", "notice", "next_session", "margin", "at_fetch"]
"""`at_hour`: an hour of the event day. `year_before`: 31 March of the year before. `disclosure`: an early file for
what was disclosed in time, a late file for the rest. `notice`: the next full hour. `next_session`: an hour of the
first session after. `margin`: the two regimes of margin balances. `at_fetch`: the fetch itself."""

IN_TIME_FOR_THE_EARLY_FILE = time(17, 30)
EARLY_FILE = time(18, 0)
FIRST_NOTICE_HOUR, LAST_NOTICE_HOUR = 12, 18


def at_hour(event: pl.Expr, at: time, days_later: int = 0) -> pl.Expr:
    """An hour in Tokyo on (or some days after) each date, as `available_at`."""
    day = event.dt.offset_by(f"{days_later}d") if days_later else event
    hour = pl.time(at.hour, at.minute)
    return day.dt.combine(hour).dt.replace_time_zone("Asia/Tokyo").cast(JST_INSTANT).alias("available_at")


def year_before(event: pl.Expr, at: time) -> pl.Expr:
    """31 March of the year before each date."""
    return at_hour(pl.date(event.dt.year() - 1, 3, 31), at)


def _at_hour(rows: pl.DataFrame, needs: tuple[str, ...], at: time, days_later: int) -> pl.Series:
    return rows.select(at_hour(pl.col(needs[0]), at, days_later)).to_series()


def _year_before(rows: pl.DataFrame, needs: tuple[str, ...], at: time, days_later: int) -> pl.Series:
    return rows.select(year_before(pl.col(needs[0]), at)).to_series()


def _clock(rows: pl.DataFrame, name: str) -> pl.Expr:
    """A time of day, which tables keep as text "HH:MM:SS"."""
    kept = pl.col(name)
    return kept.str.to_time("%H:%M:%S") if rows.schema[name] == pl.String else kept.cast(pl.Time)


def _disclosure(rows: pl.DataFrame, needs: tuple[str, ...], at: time, days_later: int) -> pl.Series:
    day, clock = pl.col(needs[0]), _clock(rows, needs[1])
    early, late = at_hour(day, EARLY_FILE), at_hour(day, at, days_later)
    return rows.select(pl.when(clock <= IN_TIME_FOR_THE_EARLY_FILE).then(early).otherwise(late)).to_series()


def _notice(rows: pl.DataFrame, needs: tuple[str, ...], at: time, days_later: int) -> pl.Series:
    day, clock = pl.col(needs[0]), _clock(rows, needs[1])
    hour = pl.max_horizontal(clock.dt.hour().cast(pl.Int64) + 1, pl.lit(FIRST_NOTICE_HOUR))
    same_day = at_hour(day, time(0, 0)) + pl.duration(hours=hour)
    next_noon = at_hour(pl.col("__next"), time(FIRST_NOTICE_HOUR, 0))
    in_time = clock.dt.hour() < LAST_NOTICE_HOUR
    with_next = rows.with_columns(sessions_after(rows[needs[0]], 1).alias("__next"))
    return with_next.select(pl.when(in_time).then(same_day).otherwise(next_noon)).to_series()


def _next_session(rows: pl.DataFrame, needs: tuple[str, ...], at: time, days_later: int) -> pl.Series:
    return pl.select(at_hour(pl.lit(sessions_after(rows[needs[0]], 1)), at)).to_series()


def _margin(rows: pl.DataFrame, needs: tuple[str, ...], at: time, days_later: int) -> pl.Series:
    applied = rows[needs[0]]
    days = rows.select(
        pl.col(needs[0]).alias("applied"),
        pl.col(needs[1]).alias("published"),
        sessions_after(applied, 1).alias("next"),
        sessions_after(applied, 2).alias("second"),
    )
    weekly = pl.col("applied") <= pl.lit(MARGIN_LAST_WEEKLY, dtype=pl.Date)
    day = pl.when(weekly).then("second").otherwise(pl.coalesce("published", "next"))
    return days.select(at_hour(day, at)).to_series()


def _at_fetch(rows: pl.DataFrame, needs: tuple[str, ...], at: time, days_later: int) -> pl.Series:
    return rows[needs[0]].cast(JST_INSTANT)


INSTANTS: dict[str, Callable[[pl.DataFrame, tuple[str, ...], time, int], pl.Series]] = {
    "at_hour": _at_hour,
    "year_before": _year_before,
    "disclosure": _disclosure,
    "notice": _notice,
    "next_session": _next_session,
    "margin": _margin,
    "at_fetch": _at_fetch,
}
"""The function of each manner of delivery: (rows, needed columns, hour, days later) to instants."""
