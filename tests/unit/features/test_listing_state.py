"""What an issue is on the day: codes, ages, and the listings nobody saw begin."""

from __future__ import annotations

from datetime import date, time, timedelta

import polars as pl
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.states.listing import AGE_CAP, SECTOR17, SECTOR33, STATE
from gogoku_pipeline.features.states.state import Known
from gogoku_pipeline.schema import listed_issues

TABLE = listed_issues.SNAPSHOT
DAYS = tse_calendar(date(2021, 6, 1)).sessions[:400]
BRIDGE = DAYS.index(date(2022, 4, 4))


def listed(code: str, days=DAYS, **said) -> pl.DataFrame:
    plain = {
        "name": "x", "name_english": "x", "sector17_code": "1", "sector33_code": "0050", "scale_category": "-",
        "market_code": "0101", "margin_class": "2", "product_category": None,
    }  # fmt: skip
    rows = pl.DataFrame({"session": days, "code": code}).with_columns(
        **{name: value if isinstance(value, pl.Expr) else pl.lit(value) for name, value in (plain | said).items()}
    )
    instants = TABLE.rule.instant(pl.col("session")).alias("available_at")
    return rows.with_columns(instants).select(TABLE.polars_schema.names()).cast(TABLE.polars_schema)


def state(*frames: pl.DataFrame) -> pl.DataFrame:
    rows = pl.concat(frames)
    empty = pl.DataFrame()
    known = Known({"listed_issues": rows}, empty, empty, rows["session"].unique().sort(), time(19))
    return STATE.frame(known).sort("code", "session")


def column(frame: pl.DataFrame, name: str, code: str = "10000") -> list[float | None]:
    return frame.filter(pl.col("code") == code)[name].to_list()


def test_codes_become_numbers_of_the_catalogue():
    frame = state(
        listed("10000", DAYS[:1], scale_category="TOPIX Core30", sector33_code="9050", sector17_code="17"),
        listed("20000", DAYS[:1], market_code="0113", margin_class="3", sector33_code="9999", sector17_code="99"),
        listed("30000", DAYS[:1], market_code="0109", scale_category="unheard of"),
    )
    assert frame["scale_code"].to_list() == [5, 0, None]
    assert frame["section_code"].to_list() == [1, 3, 4]
    assert frame["margin_class_code"].to_list() == [2, 3, 2]
    assert frame["sector33_number"].to_list() == [32, 33, 0]
    assert frame["sector17_number"].to_list() == [16, 17, 0]


def test_a_sector_has_one_number():
    assert len(set(SECTOR33)) == len(SECTOR33) == 34
    assert len(set(SECTOR17)) == len(SECTOR17) == 18


def test_an_issue_of_the_oldest_listing_has_no_age_until_the_cap_is_certain():
    frame = state(listed("10000"), listed("20000", DAYS[30:]))
    assert column(frame, "listing_age") == [None] * AGE_CAP + [AGE_CAP] * (400 - AGE_CAP)
    assert column(frame, "section_age") == column(frame, "listing_age")
    assert set(column(frame, "is_seasoned")) == {1.0}


def test_an_issue_that_appears_later_counts_from_its_first_session():
    frame = state(listed("10000"), listed("20000", DAYS[30:]))
    assert column(frame, "listing_age", "20000") == [*range(AGE_CAP), *[AGE_CAP] * (370 - AGE_CAP)]
    assert column(frame, "section_age", "20000") == column(frame, "listing_age", "20000")
    assert column(frame, "is_seasoned", "20000") == [0.0] * 60 + [1.0] * 310


def test_a_move_between_sections_starts_the_age_again_and_the_new_segments_do_not():
    moved = pl.when(pl.col("session") < DAYS[20]).then(pl.lit("0102")).otherwise(pl.lit("0101"))
    sorted_anew = pl.when(pl.col("session") < DAYS[BRIDGE]).then(moved).otherwise(pl.lit("0112"))
    frame = state(listed("10000", market_code=sorted_anew))
    expected = [None] * 20 + [min(n, AGE_CAP) for n in range(380)]
    assert column(frame, "section_age") == expected
    assert column(frame, "section_code")[BRIDGE - 1 : BRIDGE + 1] == [1, 2]


def test_a_move_after_the_new_segments_counts():
    market = pl.when(pl.col("session") < DAYS[BRIDGE + 3]).then(pl.lit("0111")).otherwise(pl.lit("0112"))
    frame = state(listed("10000", market_code=market))
    assert column(frame, "section_age")[BRIDGE + 3 : BRIDGE + 5] == [0, 1]


def test_an_issue_that_returns_after_a_long_absence_is_new_again():
    frame = state(listed("20000"), listed("10000", [*DAYS[:20], *DAYS[300:]]))
    assert column(frame, "listing_age")[20:] == list(range(100))


@pytest.mark.parametrize("start", [0, 10, 100])
def test_a_part_of_the_history_gives_the_same_ages_where_the_cap_is_inside(start):
    frames = [listed("10000"), listed("20000", DAYS[30:]), listed("30000", DAYS[120:300])]
    first = DAYS[start + AGE_CAP]
    whole = state(*frames).filter(pl.col("session") >= first)
    part = state(*(frame.filter(pl.col("session") >= DAYS[start]) for frame in frames))
    assert part.filter(pl.col("session") >= first).equals(whole)


def test_a_row_delivered_after_the_hour_of_decision_is_not_read():
    late = listed("10000", DAYS[:3]).with_columns(pl.col("available_at") + timedelta(hours=11))
    assert state(late, listed("20000", DAYS[:3])).filter(pl.col("code") == "10000").is_empty()
