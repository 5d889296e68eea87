"""What an issue is on the day: size class, section, margin class, sectors and ages, from the morning's listing.

Belongs here: publisher's codes to numbers, the age of a listing and of its section. Does not belong here: who belongs
to the universe (`tables.universe`).

The source has no listing dates; a listing begins with the issue's first row. An issue that stands in the oldest
listing held was there before, nobody knows since when: its age is null until `AGE_CAP` sessions are held (*censored*).
An issue that appears later is new, from its first session on. Ages look back `AGE_CAP` sessions and no further: an
issue that returns after a longer absence is new again. Section codes bridge 2022-04-04, when every listing was sorted
into the new segments: that day is no change of section for anybody.
Source: features.md 3.8; J-Quants V2 /equities/master.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from gogoku_pipeline.features.expressions import Claims, Whole
from gogoku_pipeline.features.states.exchange_days import exchange_days
from gogoku_pipeline.features.states.state import Known, State

AGE_CAP = 250
"""Sessions beyond which every age is the same."""

SEASONED_SESSIONS = 60
"""Sessions since its first one from which an issue is seasoned."""

SEGMENTS_FROM = date(2022, 4, 4)
"""The exchange's re-segmentation."""

SCALES = {
    "-": 0,
    "TOPIX Small 2": 1,
    "TOPIX Small 1": 2,
    "TOPIX Mid400": 3,
    "TOPIX Large70": 4,
    "TOPIX Core30": 5,
}
"""TOPIX size class to its number."""

TOP, STANDARD, GROWTH, OTHER = 1, 2, 3, 4
SECTIONS = {
    **dict.fromkeys(("0101", "0111"), TOP),
    **dict.fromkeys(("0102", "0106", "0112"), STANDARD),
    **dict.fromkeys(("0104", "0107", "0113"), GROWTH),
}
"""Market code to section number; every other market is OTHER."""

SECTOR33 = (
    *("0050", "1050", "2050", "3050", "3100", "3150", "3200", "3250", "3300", "3350", "3400", "3450", "3500", "3550"),
    *("3600", "3650", "3700", "3750", "3800", "4050", "5050", "5100", "5150", "5200", "5250", "6050", "6100", "7050"),
    *("7100", "7150", "7200", "8050", "9050", "9999"),
)
"""TSE-33 sectors; the place is the number. Append only: a number never changes its meaning."""

SECTOR17 = (*(str(number) for number in range(1, 18)), "99")
"""TOPIX-17 sectors; append only, as SECTOR33."""

_NUMBERS = {
    "scale_code": ("scale_category", SCALES),
    "margin_class_code": ("margin_class", {"1": 1, "2": 2, "3": 3}),
    "sector33_number": ("sector33_code", {code: place for place, code in enumerate(SECTOR33)}),
    "sector17_number": ("sector17_code", {code: place for place, code in enumerate(SECTOR17)}),
}

_FAR = np.int64(1_000_000)
"""More sessions than a calendar has: issue x this + session is a place on one line."""


def stage(known: Known) -> pl.DataFrame:
    """[session, code, columns of STATE]: one row per listed issue and session."""
    rows = known.rows_of_session("listed_issues").sort("code", "session")
    section = pl.col("market_code").replace_strict(SECTIONS, default=OTHER, return_dtype=pl.Float64)
    coded = rows.select(
        "session",
        "code",
        section.alias("section_code"),
        *(
            pl.col(column).replace_strict(numbers, default=None, return_dtype=pl.Float64).alias(name)
            for name, (column, numbers) in _NUMBERS.items()
        ),
    )
    return coded.with_columns(_ages(coded))


def _ages(rows: pl.DataFrame) -> list[pl.Series]:
    """`listing_age`, `section_age` and `is_seasoned` of rows sorted by code and session."""
    number = exchange_days().on_or_after(rows["session"]).to_numpy()
    issue = rows["code"].rank("dense").cast(pl.Int64).to_numpy()
    held_since = number.min() if number.size else 0
    oldest = _oldest_in_reach(issue, number)
    age = number - oldest
    censored = (oldest == held_since) & (age < AGE_CAP)
    changed = _last_change(rows, issue, number)
    since = np.minimum(number - changed, AGE_CAP)
    unknown = censored & (since > age)
    return [
        _known(age, censored).alias("listing_age"),
        _known(np.minimum(since, age), unknown).alias("section_age"),
        pl.Series("is_seasoned", (censored | (age >= SEASONED_SESSIONS)).astype(np.float64)),
    ]


def _oldest_in_reach(issue: Whole, number: Whole) -> Whole:
    """[rows] session number of the issue's oldest row that lies at most AGE_CAP sessions back."""
    line = issue * _FAR + number
    first = np.searchsorted(line, line - AGE_CAP, "left")
    own = np.searchsorted(line, issue * _FAR, "left")
    return number[np.maximum(first, own)] if number.size else number


def _last_change(rows: pl.DataFrame, issue: Whole, number: Whole) -> Whole:
    """[rows] session number on which the section last changed inside the listing; far in the past for never."""
    before = pl.col("section_code").shift(1).over("code")
    bridged = (pl.col("session").shift(1).over("code") < SEGMENTS_FROM) & (pl.col("session") >= SEGMENTS_FROM)
    changed = rows.select((before.is_not_null() & (before != pl.col("section_code")) & ~bridged).fill_null(False))
    line = np.where(changed.to_series().to_numpy(), issue * _FAR + number, issue * _FAR - _FAR)
    newest = np.maximum.accumulate(line) if line.size else line
    return np.asarray(newest - issue * _FAR)


def _known(age: Whole, unknown: Claims) -> pl.Series:
    return pl.Series(np.where(unknown, np.nan, age.astype(np.float64)), nan_to_null=True)


STATE = State(
    alias="listing",
    axis="stock",
    tables=("listed_issues",),
    columns={
        "scale_code": "TOPIX size class, 0 none to 5 Core30.",
        "section_code": "Section: 1 top, 2 standard, 3 growth, 4 other.",
        "margin_class_code": "Margin class 1, 2, 3.",
        "sector33_number": "Number of the TSE-33 sector.",
        "sector17_number": "Number of the TOPIX-17 sector.",
        "listing_age": "Sessions since the issue's first row, at most 250; null where it was there before the data.",
        "section_age": "Sessions since its section last changed or it was listed, at most 250; null as `listing_age`.",
        "is_seasoned": "1 from 60 sessions after the first row on, and where it was there before the data.",
    },
    stage=stage,
    history_sessions=AGE_CAP,
)
