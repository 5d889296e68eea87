"""The shared reading of statements: order of disclosure, repetitions and corrections, sessions, currency."""

from __future__ import annotations

from datetime import date

import polars as pl

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.states.documents import documents, results_documents
from tests.unit.features.filed_results import known, results, revision, year

FY23 = year(date(2023, 4, 1))
Q1, Q2 = date(2023, 6, 30), date(2023, 9, 30)


def _said(row, **changed):
    return row | changed


def test_a_period_is_new_once_and_everything_after_repeats_it():
    first = results(Q1, FY23)
    rows = [
        first,
        _said(first, disclosed_date=date(2023, 8, 12)),
        revision(date(2023, 8, 21), FY23),
        results(Q2, FY23),
        _said(results(Q2, FY23), disclosed_time="15:30:00"),
    ]
    found = documents(known(*rows))
    assert found["is_new_period"].to_list() == [True, False, False, True, False]
    assert found["is_results"].to_list() == [True, True, False, True, True]
    assert found["order"].to_list() == [0, 1, 2, 3, 4]


def test_the_first_usable_document_is_the_new_one_and_one_without_a_time_is_the_last_of_its_day():
    morning = results(Q1, FY23, disclosed_date=date(2023, 8, 9)) | {"disclosed_time": None}
    found = results_documents(known(morning, _said(morning, disclosed_time="09:00:00")))
    assert found["is_new_period"].to_list() == [True, False]
    assert found["order"].to_list() == [0, 1]
    untimed_first = known(morning, _said(morning, disclosed_date=date(2023, 8, 10), disclosed_time="09:00:00"))
    both = results_documents(untimed_first)
    calendar = tse_calendar()
    assert [calendar.sessions[number] for number in both["number"]] == [date(2023, 8, 10)] * 2
    assert both["is_new_period"].to_list() == [True, False]


def test_usable_and_pricing_sessions_of_a_weekend_and_of_a_number_with_more_digits():
    saturday = results(Q1, FY23) | {"disclosed_date": date(2023, 8, 12), "disclosed_time": "10:00:00"}
    row = documents(known(saturday)).row(0, named=True)
    monday = tse_calendar().index(date(2023, 8, 14))
    assert (row["number"], row["event"]) == (monday, monday)
    nine, ten = (_said(saturday, disclosure_number=number) for number in ("9", "10"))
    assert documents(known(ten, nine))["disclosure_number"].to_list() == ["9", "10"]


def test_only_the_dated_exception_is_in_another_currency():
    rows = [
        _said(results(Q1, FY23), code=code, disclosed_date=day)
        for code, day in (
            ("62690", date(2022, 1, 31)),
            ("62690", date(2022, 2, 1)),
            ("62700", date(2022, 2, 1)),
        )
    ]
    found = documents(known(*rows)).select("code", "disclosed_date", pl.col("currency"))
    assert found["currency"].to_list() == ["JPY", "USD", "JPY"]
