"""What is known of a company's results after each document: versions, chains, cash flows, balances, lifetimes."""

from __future__ import annotations

import statistics
from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.states import statements
from tests.unit.features.filed_results import known, newest, quarters_of, results, rows_of, stated, year

STATE = statements.STATE
FY22, FY23, FY24 = (year(date(start, 4, 1)) for start in (2022, 2023, 2024))


def _ends(of):
    start = of[0].year
    return date(start, 6, 30), date(start, 9, 30), date(start, 12, 31), date(start + 1, 3, 31)


def _year(of, quarters, item="sales", **more):
    """Four documents of a year from its single quarters."""
    return [
        results(end, of, **{item: sum(quarters[: place + 1])}, **more)
        for place, end in enumerate(_ends(of)[: len(quarters)])
    ]


def test_a_correction_of_last_year_changes_the_twelve_months_from_its_own_session_on():
    rows = [*_year(FY22, [100, 110, 120, 130]), *_year(FY23, [120])]
    fixed = results(date(2022, 6, 30), FY22, sales=90) | {"disclosed_date": date(2023, 8, 21)}
    found = stated(STATE, *rows, fixed)
    before, after = found[date(2023, 8, 9)], found[date(2023, 8, 21)]
    assert (before["sales_ttm"], before["sales_q4"]) == (480, 100)
    assert (after["sales_ttm"], after["sales_q4"]) == (490, 90)
    assert (before["sales_q"], after["sales_q"]) == (120, 120)
    assert after["known"] > before["known"]


def test_a_document_that_was_changed_later_does_not_hide_its_correction():
    rows = _year(FY22, [100, 110])
    wrong = rows[0] | {"sales_jpy": 5.0}
    given = known(wrong, rows[0], rows[1])
    table = given.tables["statements"]
    touched = pl.when(pl.col("disclosure_number") == table["disclosure_number"][0])
    later = pl.col("available_at").dt.offset_by("30d")
    given = replace(
        given, tables={"statements": table.with_columns(available_at=touched.then(later).otherwise("available_at"))}
    )
    found = rows_of(STATE.frame(given))
    assert [row["sales_q"] for row in found.values()][:3] == [100, 100, 110]
    assert list(found)[1] == date(2022, 9, 8)


def test_twelve_months_stop_at_a_missing_year_end_and_start_again_with_the_next_year():
    rows = [*_year(FY22, [100, 110, 120]), *_year(FY23, [120, 130, 140, 150]), *_year(FY24, [130])]
    found = list(stated(STATE, *rows).values())
    assert [row["sales_ttm"] for row in found[3:8]] == [None, None, None, 540, 550]
    # Quarters of the two chains are still compared: both are of the same basis.
    assert [row["sales_q4"] for row in found[3:6]] == [100, 110, 120]


@pytest.mark.parametrize("other", ["NonConsolidated_JP", "Consolidated_IFRS"])
def test_nothing_is_compared_across_a_change_of_consolidation_or_standard(other):
    rows = [
        *_year(FY22, [100, 110, 120, 130], basis=other, ta=1000),
        *_year(FY23, [120, 130, 140, 150], ta=2000),
        *_year(FY24, [130], ta=2200),
    ]
    found = list(stated(STATE, *rows).values())
    changed = found[4:8]
    assert [row["sales_q"] for row in changed] == [120, 130, 140, 150]
    assert [row["sales_q4"] for row in changed] == [None] * 4
    assert [row["sales_ttm"] for row in changed] == [None, None, None, 540]
    assert [row["total_assets_before"] for row in changed] == [None] * 4
    again = found[8]
    assert (again["sales_q4"], again["sales_ttm"], again["total_assets_before"]) == (120, 550, 2000)


def test_a_change_inside_a_year_counts_from_the_start_of_that_year():
    rows = [
        *_year(FY22, [100, 110, 120, 130]),
        results(_ends(FY23)[0], FY23, sales=120),
        *(
            results(end, FY23, basis="Consolidated_IFRS", sales=v)
            for end, v in zip(_ends(FY23)[1:], (260, 410, 570), strict=True)
        ),
    ]
    found = list(stated(STATE, *rows).values())[5:8]
    assert [row["sales_q"] for row in found] == [None, 150, 160]
    assert [row["sales_ttm"] for row in found] == [None, None, 570]


def test_a_lengthened_year_is_still_twelve_months():
    long = (date(2023, 4, 1), date(2024, 6, 30))
    ends = (*_ends(FY23), date(2024, 6, 30))
    rows = [
        *_year(FY22, [100, 110, 120, 130]),
        *quarters_of(long, dict(zip(ends, (120, 250, 390, 540, 700), strict=True))),
    ]
    last = newest(STATE, *rows)
    assert (last["sales_q"], last["sales_q4"], last["sales_ttm"], last["sales_ttm_before"]) == (160, 120, 580, 480)
    assert last["op_ytd"] is None


def test_a_figure_left_blank_breaks_its_own_line_only():
    rows = [*_year(FY22, [100, 110, 120, 130], op=7.0), *_year(FY23, [120])]
    last = newest(STATE, *rows)
    assert (last["sales_ttm"], last["op_ttm"], last["op_q"]) == (480, None, None)


def test_a_year_end_of_leap_day_meets_the_year_before():
    of = [(date(2022, 3, 1), date(2023, 2, 28)), (date(2023, 3, 1), date(2024, 2, 29))]
    rows = [results(span[1], span, sales=value, ta=value) for span, value in zip(of, (400, 440), strict=True)]
    last = newest(STATE, *rows)
    assert (last["sales_ttm"], last["sales_ttm_before"], last["total_assets_before"]) == (440, 400, 400)


def test_cash_flow_is_that_of_the_newest_twelve_months_for_which_it_is_known():
    rows = []
    for of, shift in ((FY22, 0), (FY23, 40)):
        for place, end in enumerate(_ends(of)):
            cash = {"cfo": (50 + shift) * (place + 1), "cfi": -10 * (place + 1)} if place in (1, 3) else {}
            rows.append(results(end, of, np=(20 + shift) * (place + 1), **cash))
    rows = rows[:7]
    last = newest(STATE, *rows)
    # To September 2023: the second half of the first year and the first half of the second.
    assert last["cfo_ttm"] == 2 * 50 + 2 * 90
    assert last["cfi_ttm"] == -40
    assert last["np_ttm_cfo"] == 2 * 20 + 2 * 60
    assert last["np_ttm"] == 20 + 3 * 60
    assert last["cfo_known"] < last["known"]


def test_standardised_change_is_over_the_eight_changes_before_at_least_four():
    years = [year(date(start, 4, 1)) for start in (2019, 2020, 2021, 2022)]
    quarters = [[100, 110, 120, 130], [104, 117, 121, 139], [109, 119, 133, 140], [120, 131, 139, 160]]
    rows = [row for of, four in zip(years, quarters, strict=True) for row in _year(of, four)]
    flat = [value for four in quarters for value in four]
    changes = [flat[place] - flat[place - 4] for place in range(4, 16)]
    found = [row["sue_sales"] for row in stated(STATE, *rows).values()][:16]
    assert found[:8] == [None] * 8
    for place in range(8, 16):
        now, before = changes[place - 4], changes[max(0, place - 12) : place - 4]
        assert found[place] == pytest.approx(now / statistics.stdev(before))


def test_equal_changes_have_no_deviation():
    years = [year(date(start, 4, 1)) for start in (2019, 2020, 2021)]
    rows = [row for place, of in enumerate(years) for row in _year(of, [100 + 10 * place] * 4)]
    assert newest(STATE, *rows)["sue_sales"] is None


def test_profit_moves_over_eight_quarters_of_which_six_are_known():
    profits = [10.0, 14.0, 9.0, 21.0], [12.0, 16.0, 8.0, 20.0]
    rows = [row for of, four in zip((FY22, FY23), profits, strict=True) for row in _year(of, four, "np")]
    flat = [*profits[0], *profits[1]]
    found = [row["np_q_sd8"] for row in stated(STATE, *rows).values()][:8]
    assert found[:5] == [None] * 5
    assert found[5:] == [pytest.approx(statistics.stdev(flat[:n])) for n in (6, 7, 8)]
    # A missing half leaves the second half-year as one tile: four quarters of eight are gone.
    assert newest(STATE, *rows[:1], *rows[2:5], *rows[6:])["np_q_sd8"] is None


def test_years_to_date_are_compared_at_the_same_distance_from_the_start():
    rows = [*_year(FY22, [10, 11, 12, 13], "op"), *_year(FY23, [12, 13], "op")]
    found = list(stated(STATE, *rows).values())
    half = found[5]
    assert (half["op_ytd"], half["op_ytd_before"], half["op_year_before"]) == (25, 21, 46)
    assert (half["op_last_year"], found[3]["op_last_year"]) == (46, 46)
    closed = found[3]
    assert (closed["op_ytd"], closed["op_ytd_before"], closed["op_year_before"]) == (None, None, None)


def test_years_of_different_lengths_or_bases_are_not_set_against_each_other():
    short = (date(2023, 4, 1), date(2023, 12, 31))
    rows = [*_year(FY22, [10, 11, 12, 13], "op"), results(_ends(FY23)[0], short, op=12)]
    last = newest(STATE, *rows)
    assert (last["op_ytd"], last["op_ytd_before"], last["op_year_before"]) == (12, None, None)
    assert last["op_last_year"] == 46
    other = newest(STATE, *rows[:4], results(_ends(FY23)[0], FY23, basis="Consolidated_IFRS", op=12))
    assert (other["op_ytd"], other["op_year_before"], other["op_last_year"]) == (12, None, None)


def test_balances_come_from_the_newest_document_with_them_and_cash_keeps_company():
    rows = [
        results(_ends(FY22)[3], FY22, sales=1, ta=900, eq=400, cash=90, equity_ratio=0.44),
        results(_ends(FY23)[1], FY23, sales=1, ta=1000, eq=500, cash=100, equity_ratio=0.5),
        results(_ends(FY23)[2], FY23, sales=1, ta=1100, eq=None, equity_ratio=None),
    ]
    last = newest(STATE, *rows)
    assert (last["total_assets"], last["equity"], last["equity_ratio"]) == (1100, 500, 0.5)
    assert (last["cash"], last["cash_total_assets"], last["cash_equity"]) == (100, 1000, 500)


def test_a_balance_older_than_a_year_says_nothing_beside_newer_results():
    rows = [
        results(_ends(FY22)[0], FY22, sales=1, ta=900, cash=90),
        *(results(end, FY23, sales=1, ta=950) for end in _ends(FY23)[1:]),
    ]
    last = newest(STATE, *rows)
    assert (last["total_assets"], last["cash"]) == (950, None)


def test_results_hold_250_sessions_and_cash_flows_500():
    row = results(_ends(FY22)[3], FY22, sales=100, np=10, cfo=5, cfi=-2, ta=1000)
    found = stated(STATE, row)
    calendar = tse_calendar()
    first = date(2023, 5, 10)
    assert list(found) == [first, calendar.shift(first, 251), calendar.shift(first, 501)]
    old, oldest = list(found.values())[1:]
    assert (old["sales_ttm"], old["total_assets"], old["cfo_ttm"], old["np_ttm_cfo"]) == (None, None, 5, 10)
    assert (oldest["cfo_ttm"], oldest["cfo_known"], oldest["known"]) == (None, old["cfo_known"], old["known"])


def test_the_issue_that_reports_in_dollars_is_not_in_yen_from_the_disclosure_on():
    span = (date(2021, 1, 1), date(2021, 12, 31))
    half = results(date(2021, 6, 30), span, sales=100)
    full = results(date(2021, 12, 31), span, sales=3) | {"disclosed_date": date(2022, 2, 14)}
    mine = [row | {"code": "62690"} for row in (half, full)]
    assert [row["yen"] for row in stated(STATE, *mine).values()] == [1, None, None]
    assert [row["sales_q"] for row in stated(STATE, *mine).values()][:2] == [None, None]
    assert {row["yen"] for row in stated(STATE, half, full).values()} == {1}


def test_a_document_usable_tomorrow_says_nothing_today():
    evening = results(_ends(FY22)[0], FY22, sales=100) | {"disclosed_time": "18:20:00"}
    assert min(stated(STATE, evening)) == evening["disclosed_date"] + timedelta(days=1)
