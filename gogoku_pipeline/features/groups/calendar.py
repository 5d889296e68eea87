"""Where the session stands in the year, the month and the derivatives cycle: functions of the calendar alone.

Distances are in sessions. The two `fye_` distances count to the end of the issue's own fiscal year; they stand in for
exact ex-dates where dividend notices are not served.
"""

from __future__ import annotations

from gogoku_pipeline.features.declaration import per_market, per_stock
from gogoku_pipeline.features.expressions import Expr, K, equal
from gogoku_pipeline.features.operators.holding import capped

DAYS = ("calendar.Date", "calendar.HolDiv")
FAR_SESSIONS = 120
"""Distances beyond this count as this."""


@per_market(
    "cal_weekday_code",
    group="calendar",
    role="calendar",
    unit="category",
    window="C",
    sources=DAYS,
    needs=("cal.weekday[t]",),
    at_most=6.0,
)
def cal_weekday_code() -> Expr:
    """Day of the week: 0..4, Monday = 0."""
    return K("cal.weekday")


@per_market(
    "cal_month_code",
    group="calendar",
    role="calendar",
    unit="category",
    window="C",
    sources=("calendar.Date",),
    needs=("cal.month[t]",),
    at_least=1.0,
    at_most=12.0,
)
def cal_month_code() -> Expr:
    """Month of the year: 1..12."""
    return K("cal.month")


@per_market(
    "cal_to_month_end_sessions",
    group="calendar",
    role="calendar",
    unit="sessions",
    window="C",
    sources=DAYS,
    needs=("cal.to_month_end[t]",),
    at_least=0.0,
)
def cal_to_month_end_sessions() -> Expr:
    """Sessions left in the month: sessions from t to the last session of its month (0 on it)."""
    return K("cal.to_month_end")


@per_market(
    "cal_quarter_end_flag",
    group="calendar",
    role="calendar",
    unit="flag",
    window="C",
    sources=DAYS,
    needs=("cal.to_month_end[t]",),
)
def cal_quarter_end_flag() -> Expr:
    """Whether a quarter ends today: t is the last session of March, June, September or December."""
    return equal(K("cal.to_month_end"), 0) * K("cal.is_quarter_month")


@per_market(
    "cal_gap_next_days",
    group="calendar",
    role="calendar",
    unit="days",
    window="C",
    sources=DAYS,
    needs=("cal.days_to_next[t]",),
    at_least=0.0,
)
def cal_gap_next_days() -> Expr:
    """Days the exchange stays closed after t: calendar days from t to the next session, minus 1 (0 on a plain weekday, 2 before a plain weekend)."""  # noqa: E501
    return K("cal.days_to_next") - 1


@per_market(
    "cal_gap_prev_days",
    group="calendar",
    role="calendar",
    unit="days",
    window="C",
    sources=DAYS,
    needs=("cal.days_from_previous[t]",),
    at_least=0.0,
)
def cal_gap_prev_days() -> Expr:
    """Days the exchange was closed before t: calendar days from the previous session to t, minus 1."""
    return K("cal.days_from_previous") - 1


@per_market(
    "cal_to_sq_sessions",
    group="calendar",
    role="calendar",
    unit="sessions",
    window="C",
    sources=DAYS,
    needs=("cal.to_sq[t]",),
    at_least=0.0,
)
def cal_to_sq_sessions() -> Expr:
    """Sessions to the settlement of options: sessions from t to the nearest SQ day >= t (0 on it)."""
    return K("cal.to_sq")


@per_market(
    "cal_major_sq_week_flag",
    group="calendar",
    role="calendar",
    unit="flag",
    window="C",
    sources=DAYS,
    needs=("cal.is_major_sq_week[t]",),
)
def cal_major_sq_week_flag() -> Expr:
    """Whether futures settle this week: the SQ day of March, June, September or December falls in the ISO week of t."""
    return K("cal.is_major_sq_week")


@per_market(
    "cal_half_session_flag",
    group="calendar",
    role="calendar",
    unit="flag",
    window="C",
    sources=("calendar.HolDiv",),
    needs=("cal.is_half_session[t]",),
    may_be_constant="the exchange has held no half session since 2009",
)
def cal_half_session_flag() -> Expr:
    """Whether only the morning trades: HolDiv = '2' on t."""
    return K("cal.is_half_session")


@per_stock(
    "fye_to_sessions",
    group="calendar",
    family="feat__company",
    unit="sessions",
    window="P",
    sources=("summary.CurFYEn", "calendar.Date"),
    needs=("fye.end[t]",),
    at_least=0.0,
    at_most=float(FAR_SESSIONS),
)
def fye_to_sessions() -> Expr:
    """Sessions left in the issue's fiscal year: sessions from t to the last session on or before the running fiscal year's end, capped at 120.

    The running year is the first known one that ends on or after t; until a document of the next year comes, the same
    day a year later stands in. Null 250 sessions after the newest document.
    """  # noqa: E501
    return capped(K("fye.end") - K("clock.number"), FAR_SESSIONS)


@per_stock(
    "fye_ex_sessions",
    group="calendar",
    family="feat__company",
    unit="sessions",
    window="P",
    sources=("summary.CurFYEn", "calendar.Date", "calendar.HolDiv"),
    needs=("fye.ex[t]",),
    at_least=0.0,
    at_most=float(FAR_SESSIONS),
)
def fye_ex_sessions() -> Expr:
    """Sessions to the ex-date of the fiscal year end: sessions from t to the ex-date implied by the fiscal-year end: last session on or before it, minus 1 session (minus 2 when the trade before it still settled T+3, i.e. before 2019-07-16); capped at 120."""  # noqa: E501
    return capped(K("fye.ex") - K("clock.number"), FAR_SESSIONS)
