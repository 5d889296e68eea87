"""Numbers of sessions: before, on and after a day, by the hour of decision, and back to a range."""

from __future__ import annotations

from datetime import date, datetime, time

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.features.states.exchange_days import exchange_days, known_within
from gogoku_pipeline.features.states.price_basis import factor_on, factor_steps

DAYS = exchange_days()
FRIDAY, SATURDAY, MONDAY = date(2024, 5, 10), date(2024, 5, 11), date(2024, 5, 13)


def number(day: date) -> int:
    return DAYS.sessions.index(day)


def test_a_closed_day_lies_between_its_neighbours_and_null_stays_null():
    asked = pl.Series([FRIDAY, SATURDAY, None], dtype=pl.Date)
    assert DAYS.on_or_before(asked).to_list() == [number(FRIDAY), number(FRIDAY), None]
    assert DAYS.on_or_after(asked).to_list() == [number(FRIDAY), number(MONDAY), None]
    assert DAYS.after(asked).to_list() == [number(MONDAY), number(MONDAY), None]


def test_days_outside_the_calendar_have_the_numbers_beside_it():
    asked = pl.Series([date(1999, 1, 4), date(2999, 1, 4)])
    assert DAYS.on_or_before(asked).to_list() == [-1, len(DAYS.sessions) - 1]
    assert DAYS.on_or_after(asked).to_list() == [0, len(DAYS.sessions)]
    assert DAYS.session(pl.Series([-1, 0, len(DAYS.sessions)])).to_list() == [None, DAYS.sessions[0], None]


@pytest.mark.parametrize(
    ("instant", "known"),
    [
        (datetime(2024, 5, 10, 18, 59, tzinfo=JST), FRIDAY),
        (datetime(2024, 5, 10, 19, 0, tzinfo=JST), MONDAY),
        (datetime(2024, 5, 11, 0, 30, tzinfo=JST), MONDAY),
        (datetime(2024, 5, 12, 23, 0, tzinfo=JST), MONDAY),
    ],
)
def test_a_row_at_the_very_hour_of_decision_is_too_late_for_it(instant, known):
    at = pl.Series([instant]).dt.convert_time_zone("Asia/Tokyo")
    assert DAYS.known(at, time(19, 0)).to_list() == [number(known)]
    assert DAYS.known(at.dt.convert_time_zone("UTC"), time(19, 0)).to_list() == [number(known)]


def test_old_news_counts_from_the_first_session_of_a_range_and_later_news_not_at_all():
    asked = pl.Series([number(FRIDAY) - 3, number(MONDAY), number(MONDAY) + 1])
    within = known_within(asked, pl.Series([FRIDAY, MONDAY], dtype=pl.Date))
    assert within.to_list() == [FRIDAY, MONDAY, None]


def test_factors_are_read_as_of_a_day_and_their_first_row_is_no_split():
    table = {"session": [FRIDAY, date(2024, 5, 15)], "code": ["10000"] * 2, "factor": [0.5, 0.25]}
    factors = pl.DataFrame({**table, "volume_factor": [0.5, 0.5]})
    assert factor_steps(factors)["is_split"].to_list() == [False, True]
    days = [date(2024, 5, 18), date(2024, 5, 14), date(2024, 4, 24), date(2024, 5, 15), None, FRIDAY]
    asked = pl.DataFrame({"code": ["10000"] * 5 + ["20000"], "day": days}, schema={"code": pl.String, "day": pl.Date})
    assert factor_on(asked, factors).to_list() == [0.25, 0.5, 1.0, 0.25, 1.0, 1.0]
    assert factor_on(asked, factors, "volume_factor").to_list() == [0.5, 0.5, 1.0, 0.5, 1.0, 1.0]
