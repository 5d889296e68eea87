"""Golden examples G8 and G15: quarters and twelve months by date, and market value across a split."""

from __future__ import annotations

import math
from datetime import date

import pytest

from gogoku_pipeline.features.states import statements
from tests.unit.features.company_rows import market, series, statement_rows
from tests.unit.features.filed_results import quarters_of, results, stated, year

FIRST, SECOND = year(date(2022, 4, 1)), year(date(2023, 4, 1))
SHORT = (date(2024, 4, 1), date(2024, 12, 31))
THIRD = year(date(2025, 1, 1))

FILED = {
    FIRST: {date(2022, 6, 30): 100, date(2022, 9, 30): 210, date(2022, 12, 31): 330, date(2023, 3, 31): 460},
    SECOND: {date(2023, 6, 30): 120, date(2023, 9, 30): 250, date(2023, 12, 31): 390, date(2024, 3, 31): 540},
    SHORT: {date(2024, 6, 30): 130, date(2024, 9, 30): 270, date(2024, 12, 31): 420},
    THIRD: {date(2025, 3, 31): 160},
}

G8 = {
    date(2022, 6, 30): (100, None),
    date(2022, 9, 30): (110, None),
    date(2022, 12, 31): (120, None),
    date(2023, 3, 31): (130, 460),
    date(2023, 6, 30): (120, 480),
    date(2023, 9, 30): (130, 500),
    date(2023, 12, 31): (140, 520),
    date(2024, 3, 31): (150, 540),
    date(2024, 6, 30): (130, 550),
    date(2024, 9, 30): (140, 560),
    date(2024, 12, 31): (150, 570),
    date(2025, 3, 31): (160, 580),
}


def _documents(*left_out):
    rows = [row for of, cumulated in FILED.items() for row in quarters_of(of, cumulated)]
    return [row for row in rows if row["period_end_date"] not in left_out]


def _by_period(rows):
    said = stated(statements.STATE, *rows).values()
    day = date(1970, 1, 1).toordinal()
    return {
        date.fromordinal(day + int(row["period_end"])): (row["sales_q"], row["sales_ttm"])
        for row in said
        if row["period_end"] is not None
    }


def test_g8_quarters_and_twelve_months_through_a_shortened_fiscal_year():
    assert _by_period(_documents()) == G8


def test_g8_a_missing_third_quarter_leaves_no_quarter_after_it_and_no_twelve_months_from_it():
    found = _by_period(_documents(date(2023, 12, 31)))
    assert found[date(2024, 3, 31)] == (None, 540)
    assert found[date(2024, 12, 31)] == (150, None)
    untouched = {end: row for end, row in G8.items() if end < date(2023, 12, 31)}
    assert {end: row for end, row in found.items() if end < date(2023, 12, 31)} == untouched


def test_g8_growth_pairs_quarters_by_date_not_by_label():
    inputs = market(date(2025, 5, 7), date(2025, 5, 20), statements=statement_rows(*_documents()))
    found = series(inputs, "fin_sales_q_yoy", "fin_age_sessions")
    assert found[date(2025, 5, 9)][0] == pytest.approx(150 / 140 - 1, abs=1e-6)
    assert found[date(2025, 5, 12)] == pytest.approx((0.066667, 0.0), abs=5e-7)
    assert found[date(2025, 5, 16)] == pytest.approx((0.066667, 4.0), abs=5e-7)


def test_g15_market_value_moves_with_the_price_and_not_with_the_split():
    of = year(date(2023, 4, 1))
    filed = results(date(2024, 3, 31), of, issued=10_000_000, own=400_000) | {"disclosed_date": date(2024, 4, 10)}
    split = date(2024, 4, 30)
    closes = {"72030": [2000.0] * 4 + [1010.0]}
    inputs = market(
        date(2024, 4, 23),
        split,
        closes=closes,
        splits={("72030", split): 0.5},
        statements=statement_rows(filed),
    )
    found = series(inputs, "log10_mcap_jpy", "treasury_ratio")
    assert found[date(2024, 4, 26)] == pytest.approx((math.log10(19_200_000_000), 0.04), rel=1e-6)
    assert found[split] == pytest.approx((math.log10(19_392_000_000), 0.04), rel=1e-6)
    gain = 10 ** (found[split][0] - found[date(2024, 4, 26)][0]) - 1
    assert gain == pytest.approx(0.01, abs=1e-5)
