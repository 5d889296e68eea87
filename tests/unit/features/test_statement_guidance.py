"""What a company promises as known on each session: target years, revisions, confirmations, corrections."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.states import guidance
from tests.unit.features.company_rows import market, series, statement_rows
from tests.unit.features.filed_results import forecast, known, results, revision, rows_of, stated, year

STATE = guidance.STATE
FY23, FY24 = year(date(2023, 4, 1)), year(date(2024, 4, 1))
Q1, Q2, Q3, Q4 = date(2023, 6, 30), date(2023, 9, 30), date(2023, 12, 31), date(2024, 3, 31)


def _day(number):
    return date.fromordinal(date(1970, 1, 1).toordinal() + int(number))


def _number(day):
    return float(tse_calendar().index(day))


def test_the_full_year_document_speaks_of_the_next_year_and_the_others_of_their_own():
    rows = [
        results(Q3, FY23, op=60, **forecast(op=100, np=70, sales=1000)),
        results(Q4, FY23, op=90, **forecast(op=1, ahead=False), **forecast(op=120, np=80, sales=1100, ahead=True)),
    ]
    during, after = list(stated(STATE, *rows).values())[:2]
    assert (during["op"], during["np"], during["sales"], _day(during["year_end"])) == (100, 70, 1000, Q4)
    assert (after["op"], after["np"], after["sales"], _day(after["year_end"])) == (120, 80, 1100, FY24[1])
    assert (after["op_before"], after["np_before"]) == (None, None)


def test_a_year_whose_results_are_known_is_no_promise_any_more():
    rows = [results(Q3, FY23, op=60, **forecast(op=100)), results(Q4, FY23, op=90)]
    during, after = list(stated(STATE, *rows).values())[:2]
    assert (during["op"], after["op"], after["year_end"], after["told"]) == (100, None, None, None)


def test_a_year_end_that_moves_is_the_target_the_document_names():
    closing = results(Q4, FY23, op=90, **forecast(op=50, ahead=True), next_fiscal_year_end_date=date(2024, 12, 31))
    plain = results(Q4, FY23, op=90, **forecast(op=50, ahead=True))
    assert _day(next(iter(stated(STATE, closing).values()))["year_end"]) == date(2024, 12, 31)
    assert _day(next(iter(stated(STATE, plain).values()))["year_end"]) == date(2025, 3, 31)


def test_a_revision_moves_the_forecast_a_confirmation_makes_the_move_nothing():
    rows = [
        results(Q1, FY23, **forecast(op=100, np=70)),
        revision(date(2023, 10, 2), FY23, **forecast(op=120, np=85)),
        results(Q2, FY23, **forecast(op=120, np=85)),
    ]
    first, revised, confirmed = list(stated(STATE, *rows).values())[:3]
    assert (first["op"], first["op_before"]) == (100, None)
    assert (revised["op"], revised["op_before"], revised["np"], revised["np_before"]) == (120, 100, 85, 70)
    assert (confirmed["op"], confirmed["op_before"]) == (120, 120)
    assert revised["revised"] == confirmed["revised"] == _number(date(2023, 10, 2))
    assert (first["net_250d"], revised["net_250d"], confirmed["net_250d"]) == (0, 1, 1)
    assert (first["revised"], first["np_known"]) == (None, _number(date(2023, 8, 9)))
    assert confirmed["np_known"] == confirmed["told"] == _number(date(2023, 11, 9))


def test_results_and_a_notice_of_one_day_are_one_revision():
    of_day = results(Q2, FY23, **forecast(op=120))
    for notice_time in ("14:00:00", "15:00:00", "18:00:00"):
        notice = revision(of_day["disclosed_date"], FY23, **forecast(op=120)) | {"disclosed_time": notice_time}
        rows = [results(Q1, FY23, **forecast(op=100)), of_day, notice]
        last = [row for day, row in stated(STATE, *rows).items() if day < date(2024, 1, 1)][-1]
        assert (last["op"], last["op_before"], last["net_250d"]) == (120, 100, 1)


def test_a_correction_takes_the_place_of_what_it_corrects_and_confirms_nothing():
    rows = [
        results(Q1, FY23, **forecast(op=100)),
        results(Q2, FY23, **forecast(op=120)),
        results(Q2, FY23, **forecast(op=120)) | {"disclosed_date": date(2023, 11, 20)},
        results(Q1, FY23, **forecast(op=100)) | {"disclosed_date": date(2023, 11, 27)},
    ]
    found = stated(STATE, *rows)
    for day in (date(2023, 11, 9), date(2023, 11, 20), date(2023, 11, 27)):
        row = found[day]
        assert (row["op"], row["op_before"], row["net_250d"]) == (120, 100, 1)
        assert row["told"] == _number(date(2023, 11, 9))
    misprint = results(Q2, FY23, **forecast(op=125)) | {"disclosed_date": date(2023, 11, 20)}
    row = stated(STATE, *rows[:2], misprint)[date(2023, 11, 20)]
    assert (row["op"], row["op_before"], row["net_250d"]) == (125, 100, 2)


def test_revisions_count_for_250_sessions():
    calendar = tse_calendar()
    told, up, down = date(2023, 8, 9), date(2023, 10, 2), date(2023, 12, 4)
    rows = [
        results(Q1, FY23, **forecast(op=100)),
        revision(up, FY23, **forecast(op=120)),
        revision(down, FY23, **forecast(op=90)),
    ]
    found = stated(STATE, *rows)
    net = {day: row["net_250d"] for day, row in found.items()}
    assert (net[told], net[up], net[down]) == (0, 1, 0)
    assert net[calendar.shift(up, 250)] == -1
    assert net[calendar.shift(down, 250)] == 0
    assert all(row["revised"] == _number(down) for day, row in found.items() if day >= down)


def test_forecasts_hold_250_sessions_after_the_newest_one():
    found = stated(STATE, results(Q1, FY23, **forecast(op=100, np=70, sales=1000)))
    first, last = date(2023, 8, 9), tse_calendar().shift(date(2023, 8, 9), 251)
    assert list(found) == [first, last]
    assert [found[last][name] for name in guidance.FORECASTS] == [None] * len(guidance.FORECASTS)
    assert (found[last]["net_250d"], found[last]["yen"]) == (0, 1)


def test_a_dividend_notice_without_forecasts_leaves_them_alone():
    notice = revision(date(2023, 9, 1), FY23, forecast_dividend_annual_jpy=30.0) | {
        "document_type": "DividendForecastRevision"
    }
    found = stated(STATE, results(Q1, FY23, **forecast(op=100)), notice)
    assert [row["op"] for row in found.values()] == [100, None]


def test_results_that_leave_the_forecast_open_withdraw_it():
    rows = [
        results(Q1, FY23, **forecast(op=100, np=70)),
        results(Q2, FY23, **forecast(np=60)),
        results(Q3, FY23),
        revision(date(2024, 3, 1), FY23, **forecast(op=80, np=50)),
    ]
    found = stated(STATE, *rows)
    half, third, again = (found[day] for day in (date(2023, 11, 9), date(2024, 2, 9), date(2024, 3, 1)))
    assert (half["op"], half["np"], half["np_before"]) == (None, 60, 70)
    assert (third["op"], third["np"], third["told"]) == (None, None, half["told"])
    assert (again["op"], again["op_before"], again["np_before"], again["net_250d"]) == (80, 100, 60, -1)
    same_day = revision(rows[2]["disclosed_date"], FY23, **forecast(op=90))
    assert stated(STATE, *rows[:3], same_day)[date(2024, 2, 9)]["op"] == 90


def test_a_company_that_never_guides_says_nothing():
    rows = [results(Q1, FY23, op=10), results(Q2, FY23, op=20)]
    assert all(row[name] is None for row in stated(STATE, *rows).values() for name in guidance.COLUMNS if name != "yen")


def test_what_is_known_on_a_session_does_not_depend_on_documents_usable_later():
    rows = [
        results(Q1, FY23, op=20, **forecast(op=100, np=60)),
        revision(date(2023, 10, 2), FY23, **forecast(op=120, np=70)),
        results(Q2, FY23, op=50, **forecast(op=110, np=65)),
        results(Q4, FY23, op=90, **forecast(op=130, np=80, ahead=True)),
    ]
    whole = stated(STATE, *rows)
    for count in range(1, len(rows)):
        until = known(*rows[: count + 1]).tables["statements"]["disclosed_date"][-1]
        part = rows_of(STATE.frame(known(*rows[:count])))
        assert {d: r for d, r in part.items() if d < until} == {d: r for d, r in whole.items() if d < until}


def test_progress_and_the_rest_of_the_year_are_measured_against_the_same_year():
    fy22 = year(date(2022, 4, 1))
    rows = [
        results(date(2022, 6, 30), fy22, op=10, sales=100),
        results(date(2023, 3, 31), fy22, op=50, sales=400, **forecast(op=60, sales=440, ahead=True)),
        results(Q1, FY23, op=15, sales=110, **forecast(op=60, sales=440)),
        revision(date(2023, 8, 16), FY23, **forecast(op=66, sales=440)),
        results(Q4, FY23, op=70, sales=450, **forecast(op=80, sales=500, ahead=True)),
    ]
    inputs = market(date(2023, 5, 8), date(2024, 5, 16), statements=statement_rows(*rows))
    names = ("gd_progress_op", "gd_progress_op_excess", "gd_rest_op_growth", "gd_fcst_op_growth", "gd_rev_op_sales")
    found = series(inputs, *names)
    nothing = (None, None, None)
    assert found[date(2023, 5, 10)] == pytest.approx((*nothing, (60 - 50) / 400, None))
    quarter = (15 / 60, 15 / 60 - 10 / 50, (60 - 15) / (50 - 10) - 1, (60 - 50) / 400, 0.0)
    assert found[date(2023, 8, 9)] == pytest.approx(quarter)
    revised = (15 / 66, 15 / 66 - 10 / 50, (66 - 15) / (50 - 10) - 1, (66 - 50) / 400, 6 / 440)
    assert found[date(2023, 8, 16)] == pytest.approx(revised)
    assert found[date(2024, 5, 10)] == pytest.approx((*nothing, (80 - 70) / 450, None))


def test_a_loss_promised_or_made_is_no_denominator():
    fy22 = year(date(2022, 4, 1))
    rows = [
        results(date(2022, 6, 30), fy22, op=-10, sales=100),
        results(date(2023, 3, 31), fy22, op=-50, sales=400),
        results(Q1, FY23, op=15, sales=110, **forecast(op=-5)),
    ]
    inputs = market(date(2023, 8, 7), date(2023, 8, 17), statements=statement_rows(*rows))
    names = ("gd_progress_op", "gd_progress_op_excess", "gd_rest_op_growth")
    assert series(inputs, *names)[date(2023, 8, 9)] == (None, None, None)
    better = [*rows, revision(date(2023, 8, 16), FY23, **forecast(op=30))]
    inputs = market(date(2023, 8, 7), date(2023, 8, 17), statements=statement_rows(*better))
    assert series(inputs, *names)[date(2023, 8, 16)] == pytest.approx((0.5, None, None))


def test_a_profit_revision_is_weighed_with_the_market_value_of_its_session_and_ages():
    rows = [
        results(Q1, FY23, issued=1000, own=0, **forecast(op=100, np=70_000)),
        revision(date(2023, 8, 16), FY23, **forecast(op=120, np=90_000)),
    ]
    sessions = tse_calendar().between(date(2023, 8, 7), date(2023, 8, 21))
    prices = {"72030": [500.0 + 10 * place for place in range(len(sessions))]}
    inputs = market(sessions[0], sessions[-1], closes=prices, statements=statement_rows(*rows))
    found = series(inputs, "gd_rev_np_mcap", "gd_rev_age_sessions", "gd_rev_net_250d_count", "val_ep_fwd")
    price = dict(zip(sessions, prices["72030"], strict=True))
    told = date(2023, 8, 16)
    for age, day in enumerate(day for day in sessions if day >= told):
        assert found[day] == pytest.approx((20_000 / (1000 * price[told]), age, 1, 90_000 / (1000 * price[day])))
    before = found[told - timedelta(days=1)]
    assert before == pytest.approx((None, None, 0, 70_000 / (1000 * price[told - timedelta(days=1)])))
