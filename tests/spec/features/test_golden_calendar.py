"""Golden example G14 and the calendar's own rules: SQ days, gaps, month ends, half sessions, fiscal year ends."""

from __future__ import annotations

from datetime import date

import pytest

from gogoku_pipeline.features.states.calendar import sq_days
from tests.unit.features.company_rows import calendar_rows, market, series, statement_rows, value

SPAN = (date(2021, 12, 1), date(2024, 6, 28))


@pytest.fixture(scope="module")
def two_years():
    return market(*SPAN, calendar=calendar_rows(*SPAN))


@pytest.mark.parametrize(
    "day",
    [date(2022, 2, 10), date(2024, 5, 10), date(2024, 11, 8), date(2025, 12, 12), date(2026, 9, 11)],
)
def test_g14_sq_days(day):
    assert [found for found in sq_days() if (found.year, found.month) == (day.year, day.month)] == [day]


def test_g14_sessions_to_the_sq_day(two_years):
    found = value(two_years, "cal_to_sq_sessions")
    assert found[date(2022, 2, 4)] == 4
    assert found[date(2022, 2, 10)] == 0
    assert found[date(2022, 2, 14)] == 18
    assert found[date(2024, 5, 1)] == 5


def test_g14_days_without_trading_ahead(two_years):
    found = series(two_years, "cal_gap_next_days", "cal_gap_prev_days")
    assert [found[date(2024, 5, day)][0] for day in (2, 8, 10)] == [4, 0, 2]
    assert found[date(2024, 5, 7)] == (0, 4)


def test_weekday_month_and_the_end_of_months_and_quarters(two_years):
    names = ("cal_weekday_code", "cal_month_code", "cal_to_month_end_sessions", "cal_quarter_end_flag")
    found = series(two_years, *names)
    assert found[date(2024, 3, 29)] == (4, 3, 0, 1)
    assert found[date(2024, 4, 30)] == (1, 4, 0, 0)
    assert found[date(2024, 5, 27)] == (0, 5, 4, 0)


def test_the_week_of_a_major_sq_day_is_its_iso_week(two_years):
    found = value(two_years, "cal_major_sq_week_flag")
    week = [day for day in found if date(2024, 3, 4) <= day <= date(2024, 3, 15)]
    assert [found[day] for day in week] == [1] * 5 + [0] * 5
    assert {found[day] for day in found if (day.year, day.month) == (2024, 2)} == {0}


def test_a_half_session_is_what_the_calendar_says_and_null_where_it_says_nothing():
    span = (date(2008, 12, 25), date(2009, 1, 9))
    served = calendar_rows(span[0], date(2009, 1, 7), halves=[date(2008, 12, 30), date(2009, 1, 5)])
    found = value(market(*span, calendar=served), "cal_half_session_flag")
    assert [day for day, is_half in found.items() if is_half == 1] == [date(2008, 12, 30), date(2009, 1, 5)]
    assert [day for day, is_half in found.items() if is_half is None] == [date(2009, 1, 8), date(2009, 1, 9)]


def year(end: date, disclosed: date, start: date | None = None, **more: object) -> dict[str, object]:
    start = start or date(end.year - 1, end.month % 12 + 1, 1)
    return {
        "disclosed_date": disclosed,
        "disclosed_time": "15:00:00",
        "document_type": "3QFinancialStatements_Consolidated_JP",
        "fiscal_year_start_date": start,
        "fiscal_year_end_date": end,
        **more,
    }


def test_g12_the_year_end_implies_an_ex_date_one_session_before_the_last():
    inputs = market(
        date(2024, 2, 1), date(2024, 4, 5), statements=statement_rows(year(date(2024, 3, 31), date(2024, 2, 9)))
    )
    found = series(inputs, "fye_ex_sessions", "fye_to_sessions")
    assert found[date(2024, 2, 8)] == (None, None)
    assert found[date(2024, 3, 15)] == (8, 9)
    assert found[date(2024, 3, 28)] == (0, 1)
    assert found[date(2024, 3, 29)] == (120, 0)
    assert found[date(2024, 4, 1)] == (120, 120)


@pytest.mark.parametrize(
    ("end", "ex"),
    [
        (date(2019, 3, 31), date(2019, 3, 27)),
        (date(2019, 7, 17), date(2019, 7, 12)),
        (date(2019, 7, 18), date(2019, 7, 17)),
        (date(2019, 7, 20), date(2019, 7, 18)),
        (date(2019, 9, 30), date(2019, 9, 27)),
    ],
)
def test_before_two_day_settlement_the_ex_date_is_one_session_earlier(end, ex):
    filed = statement_rows(year(end, date(2019, 2, 8), start=date(2018, 10, 1)))
    found = value(market(date(2019, 2, 8), end, statements=filed), "fye_ex_sessions")
    assert next(day for day, left in found.items() if left == 0) == ex


def test_a_shortened_year_counts_from_its_announcement_and_a_correction_of_an_old_year_moves_nothing():
    filed = statement_rows(
        year(date(2024, 3, 31), date(2023, 8, 9)),
        year(date(2023, 12, 31), date(2023, 10, 2), start=date(2023, 4, 1)),
        year(date(2023, 3, 31), date(2023, 11, 1)),
    )
    found = value(market(date(2023, 8, 9), date(2023, 12, 29), statements=filed), "fye_to_sessions")
    assert found[date(2023, 9, 29)] == 120
    assert found[date(2023, 10, 2)] == 61
    assert found[date(2023, 12, 29)] == 0


def test_a_year_end_falls_silent_250_sessions_after_the_newest_document():
    inputs = market(
        date(2022, 2, 9), date(2023, 3, 31), statements=statement_rows(year(date(2022, 3, 31), date(2022, 2, 9)))
    )
    found = list(value(inputs, "fye_to_sessions").values())
    assert found[250] is not None
    assert found[251:] == [None] * len(found[251:])


def test_ages_do_not_depend_on_where_the_range_begins():
    filed = statement_rows(year(date(2022, 3, 31), date(2022, 2, 9)))
    whole = value(market(date(2022, 2, 1), date(2023, 3, 31), statements=filed), "fye_ex_sessions")
    part = value(market(date(2022, 6, 1), date(2023, 3, 31), statements=filed), "fye_ex_sessions")
    assert part == {day: left for day, left in whole.items() if day >= date(2022, 6, 1)}
