"""When an issue's running fiscal year ends, and when its shares trade without the dividend of that year end.

The running year is that of the document with the latest start of fiscal year, newest filing first, so a correction of
an old year moves nothing and a shortened year counts from its announcement. Documents of the next year come months
after a year has ended; until then the same month and day a year later stands in. After 250 sessions without a
document the state says nothing.
Source: features.md 3.21 and 1.3; J-Quants /fins/summary (CurFYSt, CurFYEn).
"""

from __future__ import annotations

from datetime import date

import polars as pl

from gogoku_pipeline.features.states.exchange_days import ExchangeDays, exchange_days, known_within
from gogoku_pipeline.features.states.state import Known, State

TWO_DAY_SETTLEMENT_FROM = date(2019, 7, 16)
"""First trade date that settles two sessions later instead of three."""

EXPIRES_SESSIONS = 250
YEARS_AHEAD = 3
"""A document stands for 250 sessions, so at most two year ends pass while it is the newest; the third caps."""


def stage(known: Known) -> pl.DataFrame:
    """[code, release, known_session, columns]: a row whenever the nearest year end or ex-date of an issue changes."""
    days = exchange_days()
    spans = _spans(known, days)
    ends = _year_ends(spans.select("code", "from", "until", "fiscal_year_end_date"), days)
    rows = pl.concat([_nearest(ends), _expiries(spans)]).sort("code", "number")
    return rows.with_columns(
        known_within(rows["number"], known.sessions).alias("known_session"),
        release=pl.int_range(pl.len()).over("code"),
    )


def _spans(known: Known, days: ExchangeDays) -> pl.DataFrame:
    """One row per document that says which year runs, with the sessions [from, until) it is in force."""
    filed = known.table("statements").drop_nulls(["fiscal_year_start_date", "fiscal_year_end_date"])
    order = ["disclosed_date", "disclosed_time", "disclosure_number"]
    newest_first = filed.with_columns(days.known(filed["available_at"], known.cutoff).alias("from")).sort(
        "code", "from", *order, nulls_last=True
    )
    start = pl.col("fiscal_year_start_date").to_physical()
    running = newest_first.filter(start == start.cum_max().over("code")).unique(
        ["code", "from"], keep="last", maintain_order=True
    )
    return running.select(
        "code",
        "from",
        "fiscal_year_end_date",
        until=pl.min_horizontal(pl.col("from").shift(-1).over("code"), pl.col("from") + EXPIRES_SESSIONS + 1),
        replaced=pl.col("from").shift(-1).over("code"),
    )


def _year_ends(spans: pl.DataFrame, days: ExchangeDays) -> pl.DataFrame:
    """Every span once per year end from its own on: `end` last session of the year, `ex` first one without rights."""
    end = pl.col("fiscal_year_end_date")
    years = pl.concat([spans.with_columns(year=pl.lit(n), day=end.dt.offset_by(f"{n}y")) for n in range(YEARS_AHEAD)])
    sticky = pl.when(end == end.dt.month_end()).then(pl.col("day").dt.month_end()).otherwise("day")
    day = years.select(sticky.alias("day")).to_series()
    last = days.on_or_before(day)
    first_two_day = int(days.on_or_after(pl.Series([TWO_DAY_SETTLEMENT_FROM]))[0])
    return years.with_columns(last.alias("end")).with_columns(
        ex=pl.col("end") - pl.when(pl.col("end") - 2 >= first_two_day).then(1).otherwise(2)
    )


def _nearest(ends: pl.DataFrame) -> pl.DataFrame:
    """The nearest year end and ex-date on each session on which one of them, or the document, changes."""
    own = ["code", "from", "until"]
    points = pl.concat(
        [ends.select(*own, number=pl.col(n)) for n in ("from",)]
        + [ends.select(*own, number=pl.col(n) + 1) for n in ("end", "ex")]
    ).unique()
    inside = points.filter((pl.col("number") >= pl.col("from")) & (pl.col("number") < pl.col("until")))
    both = inside.join(ends.select("code", "from", "end", "ex"), on=["code", "from"])
    return both.group_by("code", "number").agg(
        pl.col(name).filter(pl.col(name) >= pl.col("number")).min().cast(pl.Float64) for name in ("end", "ex")
    )


def _expiries(spans: pl.DataFrame) -> pl.DataFrame:
    """Where a document is too old and nothing has replaced it."""
    old = spans.filter(pl.col("replaced").is_null() | (pl.col("replaced") > pl.col("until")))
    nothing = pl.lit(None, pl.Float64)
    return old.select("code", number="until", end=nothing, ex=nothing)


STATE = State(
    alias="fye",
    axis="release",
    tables=("statements",),
    unit="code",
    columns={
        "end": "Number of the last session on or before the end of the running fiscal year.",
        "ex": "Number of the first session without the rights of the nearest fiscal year end.",
    },
    stage=stage,
)
