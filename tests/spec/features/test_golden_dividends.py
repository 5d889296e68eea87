"""Golden example G12 and the rules of dividend notices and forecasts: deletions, open rates, splits, revisions."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.features.company_rows import market, notice_rows, series, statement_rows, value

EX = date(2024, 3, 28)
SPAN = (date(2024, 1, 4), date(2025, 6, 30))


def notice(
    number: str, origin: str, status: str, day: date, time: str | None, rate: float | None, ex: date | None = EX
):
    return {
        "reference_number": number,
        "original_reference_number": origin,
        "status": status,
        "published_date": day,
        "published_time": time,
        "ex_date": ex,
        "dividend_jpy": rate,
    }


G12 = (
    notice("R1", "A1", "1", date(2024, 2, 9), "15:00:00", 30.0),
    notice("R2", "A1", "2", date(2024, 3, 15), "12:30:00", 35.0),
    notice("R3", "A2", "1", date(2024, 3, 15), "12:30:00", 10.0),
    notice("R4", "A2", "3", date(2024, 3, 22), "16:10:00", None),
)


def test_g12_the_state_follows_corrections_and_deletions():
    found = series(market(*SPAN, dividends=notice_rows(*G12)), "div_to_ex_sessions", "div_next_yield")
    assert found[date(2024, 2, 8)] == (None, None)
    expected = {
        (2, 9): (31, 30),
        (3, 14): (9, 30),
        (3, 15): (8, 45),
        (3, 21): (5, 45),
        (3, 22): (4, 35),
        (3, 27): (1, 35),
    }
    for (month, day), (distance, yen) in expected.items():
        assert found[date(2024, month, day)] == (distance, pytest.approx(yen / 1000, rel=1e-6))
    assert found[EX] == (None, None)


def test_g12_each_payment_counts_once_for_365_days():
    found = series(market(*SPAN, dividends=notice_rows(*G12)), "div_yield_12m", "div_since_ex_sessions")
    assert found[date(2024, 3, 27)] == (None, None)
    assert found[EX] == (pytest.approx(0.035), 0)
    assert found[date(2025, 3, 27)] == (pytest.approx(0.035), 243)
    assert found[date(2025, 3, 28)] == (None, 244)
    assert found[date(2025, 6, 30)] == (None, 250)


def test_a_revision_is_told_for_60_sessions_and_the_age_counts_from_the_newest_notice():
    found = series(market(*SPAN, dividends=notice_rows(*G12)), "div_rev_last", "div_notice_age_sessions")
    days = list(found)
    assert found[date(2024, 3, 14)] == (None, 22)
    first = days.index(date(2024, 3, 15))
    assert [found[day][0] for day in days[first : first + 61]] == [pytest.approx(0.005)] * 61
    assert found[days[first + 61]][0] is None
    assert found[date(2024, 3, 22)][1] == 0
    assert found[days[-1]][1] == 250


def test_the_order_in_which_rows_arrive_does_not_matter():
    there = series(market(*SPAN, dividends=notice_rows(*G12)), "div_next_yield", "div_rev_last")
    back = series(market(*SPAN, dividends=notice_rows(*reversed(G12))), "div_next_yield", "div_rev_last")
    assert there == back


def test_a_notice_without_a_time_or_after_18_counts_on_the_next_session():
    late = (
        notice("R1", "A1", "1", date(2024, 2, 9), "18:05:00", 30.0),
        notice("R2", "A1", "2", date(2024, 2, 20), None, 31.0),
    )
    found = value(market(*SPAN, dividends=notice_rows(*late)), "div_next_yield")
    assert (found[date(2024, 2, 9)], found[date(2024, 2, 13)]) == (None, pytest.approx(0.030))
    assert (found[date(2024, 2, 20)], found[date(2024, 2, 21)]) == (pytest.approx(0.030), pytest.approx(0.031))


def test_a_later_version_of_the_same_minute_is_the_one_with_the_longer_number():
    same = [notice(n, "A1", "2", date(2024, 2, 9), "15:00:00", rate) for n, rate in (("R10", 40.0), ("R9", 30.0))]
    assert value(market(*SPAN, dividends=notice_rows(*same)), "div_next_yield")[date(2024, 2, 9)] == pytest.approx(0.04)


def test_an_undecided_rate_leaves_the_sum_undecided_but_not_the_date():
    open_rate = (
        notice("R1", "A1", "1", date(2024, 2, 9), "15:00:00", None),
        notice("R2", "A2", "1", date(2024, 2, 9), "15:00:00", 10.0),
        notice("R3", "A1", "2", date(2024, 5, 10), "15:00:00", 20.0),
    )
    names = ("div_to_ex_sessions", "div_next_yield", "div_yield_12m", "div_rev_last")
    found = series(market(*SPAN, dividends=notice_rows(*open_rate)), *names)
    assert found[date(2024, 3, 27)] == (1, None, None, None)
    assert found[EX] == (None, None, None, None)
    assert found[date(2024, 5, 10)] == (None, None, pytest.approx(0.030), None)


def test_a_deleted_dividend_leaves_nothing_behind_but_the_age_of_its_notice():
    gone = (
        notice("R1", "A1", "1", date(2024, 2, 9), "15:00:00", 30.0),
        notice("R2", "A1", "3", date(2024, 4, 5), "15:00:00", None),
    )
    names = ("div_to_ex_sessions", "div_since_ex_sessions", "div_yield_12m", "div_notice_age_sessions")
    found = series(market(*SPAN, dividends=notice_rows(*gone)), *names)
    assert found[date(2024, 4, 4)][1:3] == (5, pytest.approx(0.030))
    assert found[date(2024, 4, 5)] == (None, None, None, 0)


def test_a_rate_follows_splits_after_its_notice_while_ahead_and_none_of_its_past_once_paid():
    """One share becomes two on 2024-03-01, before the ex-date, and again on 2024-05-01, after it."""
    splits = {("72030", date(2024, 3, 1)): 0.5, ("72030", date(2024, 5, 1)): 0.5}
    rows = notice_rows(notice("R1", "A1", "1", date(2024, 2, 9), "15:00:00", 30.0))
    found = series(market(*SPAN, splits=splits, dividends=rows), "div_next_yield", "div_yield_12m")
    assert found[date(2024, 2, 29)][0] == pytest.approx(0.030)
    assert found[date(2024, 3, 1)][0] == pytest.approx(0.015)
    assert found[EX][1] == pytest.approx(0.030)
    assert found[date(2024, 5, 1)][1] == pytest.approx(0.015)


def test_holders_of_the_old_shares_get_the_dividend_of_a_split_on_the_same_ex_date():
    rows = notice_rows(notice("R1", "A1", "1", date(2024, 2, 9), "15:00:00", 30.0))
    found = series(market(*SPAN, splits={("72030", EX): 0.5}, dividends=rows), "div_next_yield", "div_yield_12m")
    assert found[date(2024, 3, 27)][0] == pytest.approx(0.030)
    assert found[EX][1] == pytest.approx(0.015)


def test_the_first_year_of_the_source_has_no_sum_of_a_year():
    rows = notice_rows(notice("R1", "A1", "1", date(2013, 3, 1), "15:00:00", 30.0, ex=date(2013, 9, 26)))
    found = value(market(date(2013, 9, 2), date(2014, 3, 31), dividends=rows), "div_yield_12m")
    assert next(day for day, rate in found.items() if rate is not None) == date(2014, 2, 20)


def test_notices_do_not_depend_on_where_the_range_begins():
    names = ("div_since_ex_sessions", "div_yield_12m", "div_notice_age_sessions")
    whole = series(market(*SPAN, dividends=notice_rows(*G12)), *names)
    part = series(market(date(2024, 7, 1), SPAN[1], dividends=notice_rows(*G12)), *names)
    assert part == {day: values for day, values in whole.items() if day >= date(2024, 7, 1)}


def document(kind: str, end: int, day: date, **more: object) -> dict[str, object]:
    return {
        "document_type": kind,
        "disclosed_date": day,
        "disclosed_time": "15:00:00",
        "fiscal_year_start_date": date(end - 1, 4, 1),
        "fiscal_year_end_date": date(end, 3, 31),
        "next_fiscal_year_end_date": date(end + 1, 3, 31) if kind.startswith("FY") else None,
        **more,
    }


FULL_YEAR, FIRST_QUARTER = "FYFinancialStatements_Consolidated_JP", "1QFinancialStatements_Consolidated_JP"
NEXT, NOW = "next_forecast_dividend_annual_jpy", "forecast_dividend_annual_jpy"
FILED = (
    document(FIRST_QUARTER, 2024, date(2023, 8, 9), **{NOW: 50.0, "forecast_payout_ratio": 0.3}),
    document(
        FULL_YEAR, 2024, date(2024, 5, 10), dividend_annual_jpy=50.0, **{NEXT: 60.0}, next_forecast_payout_ratio=0.35
    ),
    document("EarnForecastRevision", 2025, date(2024, 7, 1)),
    document(FIRST_QUARTER, 2025, date(2024, 8, 9), **{NOW: 60.0, "forecast_payout_ratio": 0.35}),
    document("DividendForecastRevision", 2025, date(2024, 9, 2), **{NOW: 80.0}),
    document(FIRST_QUARTER, 2025, date(2024, 11, 8), period_end_date=date(2024, 9, 30)),
)
FORECASTS = (
    "div_fcst_yield",
    "div_fy_yield",
    "div_payout_fcst",
    "div_growth_fcst",
    "div_fcst_rev",
    "div_fcst_age_sessions",
)


def test_the_forecast_is_that_of_the_running_year():
    found = series(market(date(2023, 8, 1), date(2024, 12, 30), statements=statement_rows(*FILED)), *FORECASTS)
    exactly = {
        date(2023, 8, 8): (None,) * 6,
        date(2023, 8, 9): (0.05, None, 0.3, None, None, 0),
        date(2024, 5, 10): (0.06, 0.05, 0.35, 0.2, None, 0),
        date(2024, 7, 1): (0.06, 0.05, 0.35, 0.2, None, 36),
        date(2024, 8, 9): (0.06, 0.05, 0.35, 0.2, 0.0, 0),
        date(2024, 9, 2): (0.08, 0.05, 0.35, 0.6, 0.02, 0),
        date(2024, 11, 8): (None, 0.05, None, None, None, 45),
    }
    for day, expected in exactly.items():
        assert found[day] == tuple(x if x is None else pytest.approx(x, rel=1e-6, abs=1e-7) for x in expected), day


def test_growth_over_a_year_without_dividend_is_undefined():
    filed = document(FULL_YEAR, 2024, date(2024, 5, 10), dividend_annual_jpy=0.0, **{NEXT: 60.0})
    inputs = market(date(2024, 5, 10), date(2024, 5, 31), statements=statement_rows(filed))
    assert series(inputs, "div_growth_fcst", "div_fy_yield")[date(2024, 5, 10)] == (None, 0)


def test_per_share_figures_end_with_the_first_split_since_their_fiscal_year_began():
    split = {("72030", date(2024, 9, 27)): 0.5}
    after = document(FIRST_QUARTER, 2025, date(2025, 2, 10), **{NOW: 40.0, "forecast_payout_ratio": 0.4})
    inputs = market(date(2024, 5, 1), date(2025, 5, 30), splits=split, statements=statement_rows(*FILED[:5], after))
    found = series(inputs, "div_fcst_yield", "div_fy_yield", "div_payout_fcst")
    assert found[date(2024, 9, 26)] == pytest.approx((0.08, 0.05, 0.35))
    assert found[date(2024, 9, 27)] == (None, None, pytest.approx(0.35))
    assert found[date(2025, 2, 10)] == (None, None, pytest.approx(0.4))


@pytest.mark.parametrize(("day", "left"), [(date(2023, 3, 31), 0.05), (date(2023, 4, 3), None)])
def test_a_split_hurts_from_the_first_session_of_the_fiscal_year_on(day, left):
    inputs = market(
        date(2023, 3, 1), date(2023, 9, 29), splits={("72030", day): 0.5}, statements=statement_rows(FILED[0])
    )
    assert value(inputs, "div_fcst_yield")[date(2023, 8, 9)] == (left if left is None else pytest.approx(left))


def test_forecasts_fall_silent_250_sessions_after_their_document_and_their_age_stays():
    inputs = market(date(2023, 8, 9), date(2024, 12, 30), statements=statement_rows(FILED[0]))
    found = list(series(inputs, "div_fcst_yield", "div_fcst_age_sessions").values())
    assert found[250] == (pytest.approx(0.05), 250)
    assert found[251:] == [(None, 250)] * len(found[251:])
