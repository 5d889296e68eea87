"""Golden example G13 and the rules of disclosure: event session, pending results, reactions, misses, schedules."""

from __future__ import annotations

import math
from datetime import date, time, timedelta

import polars as pl
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.states.documents import documents
from gogoku_pipeline.features.states.exchange_days import exchange_days
from tests.unit.features.company_rows import CODE, market, schedule_rows, series, statement_rows, value

QUARTERS = {6: "1Q", 9: "2Q", 12: "3Q", 3: "FY"}
SPAN = (date(2024, 9, 2), date(2025, 6, 30))
AUTUMN = (date(2024, 9, 2), date(2024, 12, 30))


def results(end: date, day: date, clock: str | None = "14:00:00", **more: object) -> dict[str, object]:
    year_end = date(end.year + (end.month > 3), 3, 31)
    return {
        "document_type": f"{QUARTERS[end.month]}FinancialStatements_Consolidated_JP",
        "disclosed_date": day,
        "disclosed_time": clock,
        "period_end_date": end,
        "fiscal_year_start_date": date(year_end.year - 1, 4, 1),
        "fiscal_year_end_date": year_end,
        "next_fiscal_year_end_date": date(year_end.year + 1, 3, 31) if end.month == 3 else None,
        **more,
    }


HALF = date(2024, 9, 30)
G13 = [
    (date(2024, 11, 1), "14:00:00", date(2024, 11, 1), date(2024, 11, 1), 0),
    (date(2024, 11, 1), "15:00:00", date(2024, 11, 5), date(2024, 11, 1), 1),
    (date(2024, 11, 6), "15:00:00", date(2024, 11, 6), date(2024, 11, 6), 0),
    (date(2024, 11, 6), "15:30:00", date(2024, 11, 7), date(2024, 11, 6), 1),
    (date(2024, 11, 6), "18:20:00", date(2024, 11, 7), date(2024, 11, 7), 0),
    (date(2024, 11, 6), None, date(2024, 11, 7), date(2024, 11, 7), 0),
    (date(2024, 11, 9), "10:00:00", date(2024, 11, 11), date(2024, 11, 11), 0),
]


def moved(days: dict[date, float]) -> dict[str, list[float | None]]:
    """Raw closes of three issues over the autumn: flat at 1,000, but for 72030 from the days named on."""
    sessions = tse_calendar().between(*AUTUMN)
    level, closes = 1000.0, []
    for day in sessions:
        level *= 1 + days.get(day, 0.0)
        closes.append(level)
    return {"10000": [1000.0] * len(sessions), "20000": [1000.0] * len(sessions), CODE: closes}


@pytest.mark.parametrize(("day", "clock", "event", "usable", "pending"), G13)
def test_g13_event_usable_and_pending(day, clock, event, usable, pending):
    inputs = market(*AUTUMN, closes=moved({event: 0.03}), statements=statement_rows(results(HALF, day, clock)))
    read = documents(inputs.known)
    assert exchange_days().session(read["event"]).to_list() == [event]
    assert exchange_days().session(read["number"]).to_list() == [usable]
    names = ("earn_age_sessions", "earn_pending_flag", "earn_reaction_1d", "pead_reaction")
    found = series(inputs, *names)
    before = max(session for session in found if session < usable)
    assert found[before] == (None, None, None, None)
    assert found[usable][:2] == (0, pending)
    assert [reaction is None for reaction in found[usable][2:]] == [bool(pending)] * 2
    assert found[event][1:3] == (0, pytest.approx(0.02, rel=1e-6))


def test_g13_the_surprise_halves_every_20_sessions():
    ends = [date(2021 + n // 4, (6, 9, 12, 3)[n % 4], (30, 30, 31, 31)[n % 4]) for n in range(14)]
    ends = [date(end.year + (end.month == 3), end.month, end.day) for end in ends]
    profits = [10.0, 13.0, 11.0, 18.0, 12.0, 14.0, 16.0, 19.0, 13.0, 20.0, 17.0, 25.0, 19.0, 30.0]
    filed = []
    for n, end in enumerate(ends):
        to_date = 1e9 * sum(profits[n - n % 4 : n + 1])
        filed.append(results(end, end + timedelta(days=40), operating_profit_jpy=to_date, sales_jpy=10 * to_date))
    inputs = market(date(2024, 11, 1), date(2025, 3, 31), statements=statement_rows(*filed))
    found = series(inputs, "sue_op_z", "earn_age_sessions", "pead_sue")
    surprise = next(iter({values[0] for day, values in found.items() if day >= date(2024, 11, 11)}))
    ages = {age: pead for _, age, pead in (found[day] for day in found if day >= date(2024, 11, 11))}
    golden = {0: 1.8, 1: 1.738685, 5: 1.513614, 20: 0.9, 40: 0.45}
    assert {age: ages[age] / surprise * 1.8 for age in golden} == pytest.approx(golden, abs=1e-6)


def test_pending_results_hide_the_reaction_to_the_quarter_before():
    filed = statement_rows(results(date(2024, 6, 30), date(2024, 10, 1)), results(HALF, date(2024, 11, 6), "16:00:00"))
    inputs = market(*AUTUMN, closes=moved({date(2024, 10, 1): 0.03, date(2024, 11, 7): -0.06}), statements=filed)
    found = value(inputs, "earn_reaction_1d")
    assert found[date(2024, 11, 5)] == pytest.approx(0.02, rel=1e-6)
    assert found[date(2024, 11, 6)] is None
    assert found[date(2024, 11, 7)] == pytest.approx(-0.04, rel=1e-6)


def test_a_correction_restarts_neither_age_nor_reaction():
    first, again = results(HALF, date(2024, 11, 6)), results(HALF, date(2024, 11, 20))
    closes = moved({date(2024, 11, 6): 0.03, date(2024, 11, 20): 0.5})
    with_it = market(*AUTUMN, closes=closes, statements=statement_rows(first, again))
    without = market(*AUTUMN, closes=closes, statements=statement_rows(first))
    names = ("earn_age_sessions", "earn_reaction_1d", "earn_reaction_3d", "earn_pending_flag", "pead_reaction")
    assert series(with_it, *names) == series(without, *names)


def test_three_sessions_are_summed_once_they_have_passed():
    moves = {date(2024, 11, 6): 0.03, date(2024, 11, 7): -0.015, date(2024, 11, 8): 0.06}
    found = value(
        market(*AUTUMN, closes=moved(moves), statements=statement_rows(results(HALF, date(2024, 11, 6)))),
        "earn_reaction_3d",
    )
    assert found[date(2024, 11, 7)] is None
    assert found[date(2024, 11, 8)] == pytest.approx(2 / 3 * 0.075, rel=1e-6)
    assert found[date(2024, 12, 30)] == found[date(2024, 11, 8)]


def test_without_a_trade_on_the_event_session_there_is_no_reaction():
    closes = moved({date(2024, 11, 6): 0.03})
    closes[CODE][tse_calendar().between(*AUTUMN).index(date(2024, 11, 6))] = None
    inputs = market(*AUTUMN, closes=closes, statements=statement_rows(results(HALF, date(2024, 11, 6))))
    names = ("earn_reaction_1d", "earn_reaction_3d", "earn_volume_reaction", "earn_age_sessions")
    assert series(inputs, *names)[date(2024, 12, 2)][:3] == (None, None, None)


def test_volume_of_the_event_session_stays_against_the_20_before():
    inputs = market(*AUTUMN, statements=statement_rows(results(HALF, date(2024, 11, 6))))
    assert value(inputs, "earn_volume_reaction")[date(2024, 12, 30)] == pytest.approx(math.log(1.0), abs=1e-9)


def test_reactions_fall_silent_250_sessions_after_the_event_and_the_age_stays():
    span = (date(2023, 4, 3), date(2024, 6, 28))
    inputs = market(*span, statements=statement_rows(results(date(2023, 3, 31), date(2023, 5, 10), "16:00:00")))
    found = list(series(inputs, "earn_reaction_1d", "earn_age_sessions", "earn_pending_flag").values())
    event = next(place for place, row in enumerate(found) if row[0] is not None)
    assert found[event - 1] == (None, 0, 1)
    assert found[event + 249][1] == found[event + 250][1] == 250
    assert [row[0] is None for row in found[event + 249 : event + 253]] == [False, False, True, True]


def test_an_early_hour_of_decision_waits_for_the_document_and_keeps_its_event_session():
    filed = statement_rows(results(HALF, date(2024, 11, 6), "13:00:00"))
    inputs = market(*AUTUMN, closes=moved({date(2024, 11, 6): 0.03}), statements=filed, cutoff=time(17, 0))
    found = series(inputs, "earn_reaction_1d", "earn_age_sessions")
    assert found[date(2024, 11, 6)] == (None, None)
    assert found[date(2024, 11, 7)] == (pytest.approx(0.02, rel=1e-6), 0)


def test_guidance_is_missed_against_the_last_forecast_of_an_earlier_day():
    year, shares = date(2024, 3, 31), {"issued_shares": 1_000_000, "treasury_shares": 0}
    filed = statement_rows(
        results(date(2023, 3, 31), date(2023, 5, 10), next_forecast_profit_jpy=90e6, **shares),
        results(date(2023, 12, 31), date(2024, 2, 9), forecast_profit_jpy=100e6, **shares),
        {**results(year, date(2024, 5, 10)), "document_type": "EarnForecastRevision", "forecast_profit_jpy": 129e6},
        results(year, date(2024, 5, 10), profit_jpy=130e6, **shares),
        results(date(2024, 6, 30), date(2024, 8, 9), profit_jpy=20e6, **shares),
    )
    found = value(market(date(2024, 2, 1), date(2024, 8, 30), statements=filed), "earn_guidance_miss")
    assert found[date(2024, 5, 9)] is None
    assert found[date(2024, 5, 10)] == pytest.approx(0.03, rel=1e-6)
    assert found[date(2024, 8, 8)] == found[date(2024, 5, 10)]
    assert found[date(2024, 8, 9)] is None


def test_a_forecast_that_became_usable_after_the_results_was_not_promised():
    filed = statement_rows(
        results(date(2023, 12, 31), date(2024, 2, 9), forecast_profit_jpy=100e6),
        results(date(2024, 3, 31), date(2024, 5, 10), profit_jpy=130e6, issued_shares=10**6, treasury_shares=0),
    )
    late = pl.col("disclosed_date") == date(2024, 2, 9)
    after = filed["available_at"].max() + timedelta(days=3)
    served = filed.with_columns(pl.when(late).then(pl.lit(after)).otherwise("available_at").alias("available_at"))
    span = (date(2024, 2, 1), date(2024, 5, 31))
    known = (value(market(*span, statements=rows), "earn_guidance_miss")[span[1]] for rows in (filed, served))
    assert list(known) == [pytest.approx(0.03, rel=1e-6), None]


def told(quarter: str, day: date, due: date | None, year_end: str = "0331") -> dict[str, object]:
    return {"published_date": day, "scheduled_date": due, "quarter": quarter, "fiscal_year_end_text": year_end}


def test_the_newest_day_announced_for_the_next_quarter_counts():
    schedule = schedule_rows(
        told("2Q", date(2024, 10, 1), None),
        told("2Q", date(2024, 10, 10), date(2024, 11, 8)),
        told("2Q", date(2024, 10, 24), date(2024, 11, 6)),
    )
    filed = statement_rows(results(date(2024, 6, 30), date(2024, 8, 9)), results(HALF, date(2024, 11, 6)))
    inputs = market(*AUTUMN, earnings_dates=schedule, statements=filed)
    found = series(inputs, "earn_to_sessions", "earn_next_flag")
    assert found[date(2024, 10, 2)] == (None, None)
    assert found[date(2024, 10, 10)] == (None, None)
    assert found[date(2024, 10, 11)] == (18, 0)
    assert found[date(2024, 10, 24)] == (10, 0)
    assert found[date(2024, 10, 25)] == (7, 0)
    assert found[date(2024, 11, 5)] == (1, 1)
    assert found[date(2024, 11, 6)] == (None, None)


def test_a_day_that_passes_without_a_report_says_nothing_until_a_new_one_is_named():
    schedule = schedule_rows(
        told("2Q", date(2024, 10, 10), date(2024, 11, 6)), told("2Q", date(2024, 11, 12), date(2024, 11, 20))
    )
    filed = statement_rows(results(date(2024, 6, 30), date(2024, 8, 9)))
    found = value(market(*AUTUMN, earnings_dates=schedule, statements=filed), "earn_to_sessions")
    assert [found[date(2024, 11, day)] for day in (5, 6, 7, 12, 13, 20, 21)] == [1, 0, None, None, 5, 0, None]


def test_of_several_open_quarters_the_earliest_counts():
    schedule = schedule_rows(
        told("3Q", date(2024, 10, 1), date(2025, 2, 7)), told("2Q", date(2024, 10, 1), date(2024, 11, 6))
    )
    filed = statement_rows(results(date(2024, 6, 30), date(2024, 8, 9)), results(HALF, date(2024, 11, 6)))
    found = value(market(*SPAN, earnings_dates=schedule, statements=filed), "earn_to_sessions")
    assert found[date(2024, 11, 5)] == 1
    assert found[date(2025, 2, 6)] == 1


@pytest.mark.parametrize(
    ("quarter", "year_end", "due", "end"),
    [
        ("FY", "0331", date(2024, 5, 10), date(2024, 3, 31)),
        ("1Q", "0331", date(2024, 8, 9), date(2024, 6, 30)),
        ("3Q", "0331", date(2025, 2, 7), date(2024, 12, 31)),
        ("FY", "0228", date(2024, 4, 12), date(2024, 2, 29)),
        ("1Q", "0229", date(2023, 7, 14), date(2023, 5, 31)),
        ("2Q", "0320", date(2024, 11, 1), date(2024, 9, 20)),
        ("3Q", "1231", date(2024, 11, 12), date(2024, 9, 30)),
    ],
)
def test_delay_is_counted_from_the_period_end_that_the_announcement_means(quarter, year_end, due, end):
    """A year earlier the same quarter took 30 days."""
    ago = end.replace(year=end.year - 1, day=min(end.day, 28)) if end.month == 2 else end.replace(year=end.year - 1)
    filed = {
        "document_type": "1QFinancialStatements_Consolidated_JP",
        "disclosed_date": ago + timedelta(days=30),
        "disclosed_time": "14:00:00",
        "period_end_date": ago,
        "fiscal_year_start_date": ago - timedelta(days=89),
        "fiscal_year_end_date": ago + timedelta(days=275),
    }
    schedule = schedule_rows(told(quarter, due - timedelta(days=21), due, year_end))
    inputs = market(due - timedelta(days=30), due, earnings_dates=schedule, statements=statement_rows(filed))
    found = value(inputs, "earn_delay_yoy_days")
    assert found[max(day for day in found if day < due)] == (due - end).days - 30


def test_peers_need_two_others_and_leave_out_the_stock_itself():
    sessions = tse_calendar().between(*AUTUMN)
    event = sessions.index(date(2024, 11, 6))
    moves = {"10000": 0.04, "20000": 0.02, "30000": -0.03, "40000": 0.0}
    closes = {code: [1000.0 * (1 + move * (n >= event)) for n in range(len(sessions))] for code, move in moves.items()}
    rows = [{**results(HALF, date(2024, 11, 6)), "code": code} for code in ("10000", "20000", "30000")]
    late = {**results(HALF, date(2024, 11, 8)), "code": "40000"}

    def peers(code: str, *filed: dict[str, object]) -> dict[date, float | None]:
        return value(market(*AUTUMN, closes=closes, statements=statement_rows(*filed)), "earn_peer_reaction_20d", code)

    mean = sum(moves.values()) / 4
    of_two = peers("40000", *rows[:2])
    assert of_two[sessions[event - 1]] is None
    assert of_two[sessions[event]] == pytest.approx(0.03 - mean, rel=1e-5)
    assert of_two[sessions[event + 19]] == of_two[sessions[event]]
    assert of_two[sessions[event + 20]] is None
    assert set(peers("10000", *rows[:2]).values()) == {None}
    assert peers("10000", *rows)[sessions[event]] == pytest.approx(-0.005 - mean, rel=1e-5)
    assert peers("40000", *rows, late)[sessions[event + 2]] == pytest.approx(0.01 - mean, rel=1e-5)
