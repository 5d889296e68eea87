"""Where a session stands in the week, the month and the derivatives cycle: functions of the calendar alone.

Distances are counted on the exchange's announced calendar (about a year ahead), so they do not end with a plan's data
window. SQ day = second Friday of the month, or the last session before it when it is none. Half sessions come from
the published division of the day (1 full, 2 half). Source: features.md 3.21; JPX calendar; J-Quants /markets/calendar.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from gogoku_pipeline.features.states.exchange_days import exchange_days
from gogoku_pipeline.features.states.state import Known, State
from gogoku_pipeline.tables.asof import cutoff_at

FRIDAY = 4
MAJOR_MONTHS = (3, 6, 9, 12)
"""Months whose SQ day settles futures as well, and in which quarters end."""


def second_friday(year: int, month: int) -> date:
    """The second Friday of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(FRIDAY - first.weekday()) % 7 + 7)


def sq_days() -> list[date]:
    """SQ day of every month of the exchange calendar, ascending."""
    sessions = exchange_days().sessions
    months = dict.fromkeys((day.year, day.month) for day in sessions)
    fridays = [second_friday(*month) for month in months]
    inside = pl.Series([day for day in fridays if sessions[0] <= day <= sessions[-1]], dtype=pl.Date)
    return exchange_days().session(exchange_days().on_or_before(inside)).to_list()


def exchange_calendar() -> pl.DataFrame:
    """[session, columns but `half_session`] of every session of the exchange calendar."""
    days = pl.Series("session", exchange_days().sessions, dtype=pl.Date)
    session = pl.col("session")
    month = session.dt.month_start()
    left = pl.len().over(month) - pl.int_range(pl.len()).over(month) - 1
    frame = pl.DataFrame({"session": days}).with_columns(
        weekday=session.dt.weekday() - 1,
        month=session.dt.month(),
        # The calendar's last month may be incomplete; its end is not known yet.
        to_month_end=pl.when(month < month.max()).then(left.cast(pl.Int64)),
        is_quarter_month=session.dt.month().is_in(MAJOR_MONTHS),
        days_to_next=(session.shift(-1) - session).dt.total_days(),
        days_from_previous=(session - session.shift(1)).dt.total_days(),
    )
    return frame.with_columns(_to_sq(days), _is_major_sq_week(days))


def _to_sq(days: pl.Series) -> pl.Series:
    sq = exchange_days().on_or_after(pl.Series(sq_days(), dtype=pl.Date)).to_numpy()
    number = np.arange(len(days))
    found = np.searchsorted(sq, number)
    distance = sq[np.minimum(found, sq.size - 1)] - number
    return pl.Series("to_sq", np.where(found < sq.size, distance, -1)).replace(-1, None)


def _is_major_sq_week(days: pl.Series) -> pl.Series:
    weeks = {day.isocalendar()[:2] for day in sq_days() if day.month in MAJOR_MONTHS}
    return pl.Series("is_major_sq_week", [day.isocalendar()[:2] in weeks for day in days.to_list()])


def stage(known: Known) -> pl.DataFrame:
    """[session, columns]: every session of the range; `half_session` is null where the day was not served."""
    served = known.table("calendar").filter(pl.col("available_at") < cutoff_at(pl.col("date"), known.cutoff))
    halves = served.filter(pl.col("holiday_division").is_in(["1", "2"])).select(
        session="date", is_half_session=pl.col("holiday_division") == "2"
    )
    frame = pl.DataFrame({"session": known.sessions}).join(exchange_calendar(), on="session", how="left")
    return frame.join(halves, on="session", how="left").with_columns(pl.exclude("session").cast(pl.Float64))


STATE = State(
    alias="cal",
    axis="market",
    tables=("calendar",),
    columns={
        "weekday": "Day of the week, Monday = 0.",
        "month": "Month, 1..12.",
        "to_month_end": "Sessions to the last session of the month, 0 on it.",
        "is_quarter_month": "1 in March, June, September and December.",
        "days_to_next": "Calendar days to the next session.",
        "days_from_previous": "Calendar days since the previous session.",
        "to_sq": "Sessions to the nearest SQ day on or after the session.",
        "is_major_sq_week": "1 in the ISO week of an SQ day of March, June, September or December.",
        "is_half_session": "1 on a half-day session, 0 on a full one.",
    },
    stage=stage,
    history_sessions=0,
)
