"""Dividends as noticed: for each issue and session the notices in force, the next and the last day without the right.

The log becomes a state: per original number the newest notice known counts, nothing if that one is a deletion. A rate
stands on the basis of its notice while its ex-date lies ahead, and of the last session with the right afterwards: a
split on the ex-date itself does not touch a dividend whose holders are counted before it. A sum with an undecided
rate is null. Sums over the past year begin one year after the source does.
Source: features.md 3.16; J-Quants /fins/dividend.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import Claims, Values, Whole
from gogoku_pipeline.features.states.exchange_days import exchange_days, known_within
from gogoku_pipeline.features.states.price_basis import factor_on
from gogoku_pipeline.features.states.state import Known, State
from gogoku_pipeline.schema import dividends

DELETED = "3"
YEAR_DAYS = 365
REVISION_SESSIONS = 60
"""How long, in sessions, a changed rate is told."""

FIRST_FULL_YEAR = date.fromisoformat(dividends.SOURCE.starts) + timedelta(days=YEAR_DAYS)
"""From here on every ex-date of the past year lies inside the source."""

FIRST_FULL_YEAR_DAY = (FIRST_FULL_YEAR - date(1970, 1, 1)).days
NEVER = 2**30
"""Number of a session that does not come; as a day it lies beyond every calendar."""

COLUMNS = {
    "next_ex": "Number of the nearest session without the right, after t.",
    "next_rate": "Yen per share of that ex-date, forward basis.",
    "last_ex": "Number of the latest session without the right, up to t.",
    "year_rate": "Yen per share of all ex-dates of the last 365 days, forward basis.",
    "change": "Newest minus previous rate of the newest revised dividend, forward basis, for 60 sessions.",
    "noticed": "Number of the session on which the newest notice became usable.",
}


def stage(known: Known) -> pl.DataFrame:
    """[code, release, known_session, columns]: a row whenever something about an issue's dividends changes."""
    notices = _notices(known)
    points = _points(notices)
    firsts = points.join(_firsts(notices), on="code", maintain_order="left").select("first", "past").to_numpy()
    values = _replay(
        points["number"].to_numpy(),
        exchange_days().days[points["number"].to_numpy()],
        firsts,
        notices.select("known", "until", "ex", "ex_day").to_numpy(),
        notices.select("is_live", "is_revised").to_numpy(),
        notices.select(pl.col("rate", "rate_ex", "before", "before_ex").fill_null(float("nan"))).to_numpy(),
    )
    return points.with_columns(
        known_within(points["number"], known.sessions).alias("known_session"),
        release=pl.int_range(pl.len()).over("code"),
        **{name: pl.Series(values[:, place]).fill_nan(None) for place, name in enumerate(COLUMNS)},
    )


def _notices(known: Known) -> pl.DataFrame:
    """Every notice in order of publication: from when and until when it counts, its ex-date and its rates."""
    days, log = exchange_days(), known.table("dividends")
    number = pl.col("reference_number")
    log = log.with_columns(
        days.known(log["available_at"], known.cutoff).alias("known"),
        days.on_or_after(log["ex_date"]).fill_null(NEVER).alias("ex"),
        ex_day=pl.col("ex_date").to_physical().cast(pl.Int64).fill_null(NEVER),
    ).sort("code", "known", "published_date", "published_time", number.str.len_chars(), number, nulls_last=True)
    noticed = factor_on(log.select("code", day="published_date"), known.factors)
    with_right = factor_on(log.select("code", day=pl.col("ex_date").dt.offset_by("-1d")), known.factors)
    chain = ["code", "original_reference_number"]
    rated = log.with_columns(
        until=pl.col("known").shift(-1).over(chain).fill_null(NEVER),
        is_live=pl.col("status") != DELETED,
        is_revised=pl.col("known").shift(1).over(chain).is_not_null(),
        rate=pl.col("dividend_jpy") / noticed,
        rate_ex=pl.col("dividend_jpy") / with_right,
    )
    return rated.with_columns(
        before=pl.col("rate").shift(1).over(chain), before_ex=pl.col("rate_ex").shift(1).over(chain)
    )


def _points(notices: pl.DataFrame) -> pl.DataFrame:
    """(code, number): every session on which the state of an issue may change."""
    days = exchange_days()
    a_year_on = days.on_or_after((notices["ex_day"] + YEAR_DAYS).cast(pl.Int32).cast(pl.Date))
    covered = int(days.on_or_after(pl.Series([FIRST_FULL_YEAR]))[0])
    moments = (
        notices["known"],
        notices["ex"],
        a_year_on,
        notices["known"] + REVISION_SESSIONS + 1,
        pl.Series([covered]).new_from_index(0, notices.height),
    )
    every = pl.concat([notices.select("code", moment.alias("number")) for moment in moments]).unique()
    first = notices.group_by("code").agg(pl.col("known").min().alias("first_known"))
    inside = every.join(first, on="code").filter(
        (pl.col("number") >= pl.col("first_known")) & (pl.col("number") < len(days.sessions))
    )
    return inside.select("code", "number").sort("code", "number")


def _firsts(notices: pl.DataFrame) -> pl.DataFrame:
    """(code, first, past): where the notices of each issue begin and end; rows are sorted by code."""
    rows = notices.select("code").with_row_index("row")
    return rows.group_by("code").agg(
        pl.col("row").min().cast(pl.Int64).alias("first"), (pl.col("row").max() + 1).cast(pl.Int64).alias("past")
    )


NEXT_EX, NEXT_RATE, LAST_EX, YEAR_RATE, CHANGE, NOTICED, PAYMENTS = range(len(COLUMNS) + 1)
KNOWN, UNTIL, EX, EX_DAY = range(4)


@compiled
def _replay(number: Whole, day: Whole, rows: Whole, when: Whole, claims: Claims, rates: Values) -> Values:
    """The state of each point from the notices of its issue.

    Shapes: number, day [points]; rows [points, 2] first and past-the-last notice; when [notices, 4] known, until, ex,
    ex day; claims [notices, 2] is live, has one before; rates [notices, 4] on the basis of the notice and of the
    ex-date, then the same of the one before. Returns [points, columns and payments].
    """
    out = np.full((number.size, PAYMENTS + 1), np.nan)
    for point in range(number.size):
        now = number[point]
        state = out[point]
        for i in range(rows[point, 0], rows[point, 1]):
            if when[i, KNOWN] > now:
                break
            state[NOTICED] = when[i, KNOWN]
            if when[i, UNTIL] <= now or not claims[i, 0]:
                continue
            is_past = when[i, EX] <= now
            if claims[i, 1]:
                is_fresh = now - when[i, KNOWN] <= REVISION_SESSIONS
                state[CHANGE] = rates[i, int(is_past)] - rates[i, 2 + int(is_past)] if is_fresh else np.nan
            if is_past:
                _paid(state, when[i, EX], when[i, EX_DAY] > day[point] - YEAR_DAYS, rates[i, 1])
            elif when[i, EX] < NEVER:
                _to_be_paid(state, when[i, EX], rates[i, 0])
        if day[point] < FIRST_FULL_YEAR_DAY:
            state[YEAR_RATE] = np.nan
    return out


@compiled
def _paid(state: Values, ex: int, is_of_the_year: bool, rate: float) -> None:
    """Count a dividend whose ex-date has passed."""
    state[LAST_EX] = ex if np.isnan(state[LAST_EX]) else max(ex, state[LAST_EX])
    if is_of_the_year:
        state[YEAR_RATE] = rate if np.isnan(state[PAYMENTS]) else state[YEAR_RATE] + rate
        state[PAYMENTS] = 1.0


@compiled
def _to_be_paid(state: Values, ex: int, rate: float) -> None:
    """Count a dividend whose ex-date lies ahead; an undecided rate leaves the sum of its ex-date undecided."""
    if ex == state[NEXT_EX]:
        state[NEXT_RATE] += rate
    elif np.isnan(state[NEXT_EX]) or ex < state[NEXT_EX]:
        state[NEXT_EX], state[NEXT_RATE] = ex, rate


STATE = State(
    alias="div",
    axis="release",
    tables=("dividends",),
    unit="code",
    columns=COLUMNS,
    stage=stage,
)
