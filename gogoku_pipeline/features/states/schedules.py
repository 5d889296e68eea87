"""When the next results are due: the newest day announced for the next quarter that has not been reported.

An announcement names a quarter and the month and day of the fiscal year's end, not the year: the period is the last
such period end before the announced day, or the one nearest to the announcement where no day is named. A quarter
whose day has passed says nothing, whether or not it was reported; of several open quarters the earliest counts.
Source: features.md 3.19; J-Quants /fins/earnings-date.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Values, Whole
from gogoku_pipeline.features.states.documents import results_documents
from gogoku_pipeline.features.states.exchange_days import exchange_days, known_within
from gogoku_pipeline.features.states.state import Known, State

MONTHS_BEFORE_YEAR_END = {"FY": 0, "3Q": 3, "2Q": 6, "1Q": 9}
TOLERANCE_DAYS = 10
"""Period ends this close together are one period."""

NEVER = 2**30
COLUMNS = {
    "next": "Number of the session on which the next results are due.",
    "delay": "Days from period end to that day, minus those the same quarter took a year earlier.",
}


def stage(known: Known) -> pl.DataFrame:
    """[code, release, known_session, columns]: a row whenever the next announced day of an issue changes."""
    told, reported = _told(known), _reported(known)
    points = _points(told, reported)
    values = _next(
        points["number"].to_numpy(),
        points.join(_rows(told, "told"), on="code", how="left", maintain_order="left")
        .join(_rows(reported, "reported"), on="code", how="left", maintain_order="left")
        .select(pl.col("told_first", "told_past", "reported_first", "reported_past").fill_null(0))
        .to_numpy(),
        told.select("number", "until", "period_end", "year_ago", "day", "due").to_numpy(),
        reported.select("number", "period_end", "day").to_numpy(),
    )
    return points.with_columns(
        known_within(points["number"], known.sessions).alias("known_session"),
        release=pl.int_range(pl.len()).over("code"),
        **{name: pl.Series(values[:, place]).fill_nan(None) for place, name in enumerate(COLUMNS)},
    )


def _told(known: Known) -> pl.DataFrame:
    """Announcements in the order in which they became known; days as days since 1970, no day as NEVER."""
    days, rows = exchange_days(), known.table("earnings_dates")
    rows = rows.filter(pl.col("quarter").is_in(list(MONTHS_BEFORE_YEAR_END)))
    rows = rows.with_columns(_period_end(rows)).drop_nulls("period_end")
    told = rows.select(
        "code",
        "period_end",
        days.known(rows["available_at"], known.cutoff).alias("number"),
        days.on_or_after(rows["scheduled_date"]).fill_null(NEVER).alias("due"),
        "published_date",
        year_ago=_day(pl.col("period_end").dt.offset_by("-1y")),
        day=_day(pl.col("scheduled_date")).fill_null(NEVER),
    ).sort("code", "number", "published_date", "due")
    until = pl.col("number").shift(-1).over("code", "period_end").fill_null(NEVER)
    return told.with_columns(until=until, period_end=_day(pl.col("period_end")))


def _day(date: pl.Expr) -> pl.Expr:
    return date.to_physical().cast(pl.Int64)


def _period_end(rows: pl.DataFrame) -> pl.Series:
    """The period end that each announcement means; null where the year's end cannot be read."""
    text, month, day = pl.col("fiscal_year_end_text"), pl.col("month"), pl.col("day")
    asked = rows.select(
        anchor=pl.coalesce("scheduled_date", "published_date"),
        has_day=pl.col("scheduled_date").is_not_null(),
        month=text.str.slice(0, 2).cast(pl.Int32, strict=False),
        day=text.str.slice(2, 2).cast(pl.Int32, strict=False),
        back=pl.col("quarter").replace_strict(MONTHS_BEFORE_YEAR_END, return_dtype=pl.Int32),
    ).with_columns(month=pl.when(month.is_between(1, 12) & day.is_between(1, 31)).then(month))
    candidates = [_end_in(asked, years) for years in (-1, 0, 1)]
    ends = pl.DataFrame([asked["anchor"], asked["has_day"], *candidates])
    names = [candidate.name for candidate in candidates]
    passed = [pl.when(pl.col(name) < pl.col("anchor")).then(name) for name in names]
    distances = [(pl.col(name) - pl.col("anchor")).dt.total_days().abs() for name in names]
    nearest = pl.coalesce(
        pl.when(distance == pl.min_horizontal(distances)).then(name)
        for name, distance in zip(names, distances, strict=True)
    )
    return ends.select(
        pl.when("has_day").then(pl.max_horizontal(passed)).otherwise(nearest).alias("period_end")
    ).to_series()


def _end_in(asked: pl.DataFrame, years: int) -> pl.Series:
    """The period end of the fiscal year that ends in the anchor's calendar year plus `years`.

    Month ends stay month ends: the day is cut to what the month has, and the last of February is its last.
    """
    months = (pl.col("anchor").dt.year() + years) * 12 + pl.col("month") - 1 - pl.col("back")
    firsts = asked.select(
        "day",
        first=pl.date(months // 12, months % 12 + 1, 1),
        most=pl.date(2001, pl.col("month"), 1).dt.month_end().dt.day(),
    ).with_columns(last=pl.col("first").dt.month_end().dt.day())
    is_month_end = pl.col("day") >= pl.col("most")
    cut = pl.when(is_month_end).then("last").otherwise(pl.min_horizontal("day", "last"))
    return firsts.select((pl.col("first") + pl.duration(days=cut.cast(pl.Int64) - 1)).alias(f"{years}")).to_series()


def _reported(known: Known) -> pl.DataFrame:
    """(code, number, period_end, day): results of new periods, when usable and when disclosed."""
    new = results_documents(known).filter("is_new_period").drop_nulls("period_end_date")
    return new.select("code", "number", period_end=_day(pl.col("period_end_date")), day=_day(pl.col("disclosed_date")))


def _points(told: pl.DataFrame, reported: pl.DataFrame) -> pl.DataFrame:
    """(code, number): sessions on which an announcement, a report or a day that has passed may change the answer."""
    moments = (told.select("code", "number"), told.select("code", pl.col("due") + 1), reported.select("code", "number"))
    every = pl.concat([moment.rename({moment.columns[1]: "number"}) for moment in moments]).unique()
    inside = (pl.col("number") < len(exchange_days().sessions)) & pl.col("code").is_in(told["code"].unique().implode())
    return every.filter(inside).sort("code", "number")


def _rows(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """(code, first, past): where the rows of each issue begin and end; rows are sorted by code."""
    row = pl.col("row").cast(pl.Int64)
    return (
        frame.select("code")
        .with_row_index("row")
        .group_by("code")
        .agg(row.min().alias(f"{name}_first"), (row.max() + 1).alias(f"{name}_past"))
    )


NUMBER, UNTIL, PERIOD_END, YEAR_AGO, DAY, DUE = range(6)
REPORTED_END, REPORTED_DAY = 1, 2


@compiled
def _next(points: Whole, rows: Whole, told: Whole, reported: Whole) -> Values:
    """The next announced day at each point and its delay against a year earlier.

    Shapes: points [points]; rows [points, 4] first and past-the-last row of the issue in told, then in reported;
    told [announcements, 6]; reported [documents, 3]. Returns [points, 2].
    """
    out = np.full((points.size, 2), np.nan)
    for point in range(points.size):
        now = points[point]
        announcements = told[rows[point, 0] : rows[point, 1]]
        documents = reported[rows[point, 2] : rows[point, 3]]
        best = _earliest_open(announcements, _newest_reported(documents, now), now)
        if best >= 0 and announcements[best, DUE] < NEVER:
            chosen = announcements[best]
            out[point, 0] = chosen[DUE]
            out[point, 1] = chosen[DAY] - chosen[PERIOD_END] - _usual_days(documents, chosen[YEAR_AGO], now)
    return out


@compiled
def _newest_reported(documents: Whole, now: int) -> int:
    newest = -NEVER
    for i in range(documents.shape[0]):
        if documents[i, NUMBER] <= now:
            newest = max(newest, documents[i, REPORTED_END])
    return newest


@compiled
def _earliest_open(announcements: Whole, reported: int, now: int) -> int:
    """The announcement of the earliest quarter after the reported one whose day has not passed; -1 for none."""
    best, end = -1, NEVER
    for i in range(announcements.shape[0]):
        is_newest = announcements[i, NUMBER] <= now and now < announcements[i, UNTIL]
        is_open = announcements[i, DUE] >= now and announcements[i, PERIOD_END] > reported + TOLERANCE_DAYS
        if is_newest and is_open and announcements[i, PERIOD_END] < end:
            best, end = i, announcements[i, PERIOD_END]
    return best


@compiled
def _usual_days(documents: Whole, period_end: int, now: int) -> float:
    """Days from period end to disclosure of the results of a period, NaN where they are not known."""
    for i in range(documents.shape[0]):
        if abs(documents[i, REPORTED_END] - period_end) <= TOLERANCE_DAYS and documents[i, NUMBER] <= now:
            return float(documents[i, REPORTED_DAY] - documents[i, REPORTED_END])
    return np.nan


STATE = State(
    alias="sched",
    axis="release",
    tables=("earnings_dates", "statements"),
    unit="code",
    columns=COLUMNS,
    stage=stage,
)
