"""Issues under daily publication: spells, versions, and what is true of an issue that is not on the list."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.states import alert, alert_day
from gogoku_pipeline.features.states.state import Known
from tests.unit.features.position_rows import law_of_truncation, published, session_after, watched
from tests.unit.features.short_rows import CUTOFF, bars, staged

DAYS = tse_calendar().between(date(2023, 1, 4), date(2024, 6, 28))
BARS = bars(DAYS)
START = 20


def known(*rows: dict, prices: pl.DataFrame | None = None, days: list[date] = DAYS) -> Known:
    tables = {"margin_alerts": published("margin_alerts", rows)}
    return Known(tables, staged(BARS) if prices is None else prices, pl.DataFrame(), pl.Series("session", days), CUTOFF)


def spell(first: int, last: int, **more) -> list[dict]:
    return [watched(DAYS[i], 1000.0 + i, 500.0, **more) for i in range(first, last + 1)]


def staged_rows(*rows: dict, code: str = "10000", **settings) -> dict[date, dict]:
    frame = alert.STATE.frame(known(*rows, **settings)).filter(pl.col("code") == code)
    return {row["session"]: row for row in frame.iter_rows(named=True)}


def test_an_issue_is_active_from_the_publication_of_its_first_row_and_one_session_beyond_the_last():
    seen = staged_rows(*spell(START, START + 3))
    assert list(seen) == DAYS[START + 1 : START + 6]
    assert [row["age_sessions"] for row in seen.values()] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert [row["long_shares"] for row in seen.values()] == [1020.0, 1021.0, 1022.0, 1023.0, 1023.0]


def test_one_missing_day_does_not_break_a_spell_and_two_do():
    one = staged_rows(*spell(START, START + 2), *spell(START + 4, START + 6))
    two = staged_rows(*spell(START, START + 2), *spell(START + 5, START + 6))
    assert one[DAYS[START + 7]]["age_sessions"] == 6.0
    assert DAYS[START + 5] not in two
    assert two[DAYS[START + 7]]["age_sessions"] == 1.0


def test_the_age_of_a_spell_ends_at_250_and_does_not_depend_on_where_a_range_begins():
    rows = spell(START, START + 300)
    whole = staged_rows(*rows)
    assert whole[DAYS[START + 251]]["age_sessions"] == 250.0
    assert whole[DAYS[START + 290]]["age_sessions"] == 250.0
    late = staged_rows(*rows, days=DAYS[START + 100 :])
    assert late == {day: row for day, row in whole.items() if day >= DAYS[START + 100]}


def test_a_correction_replaces_the_balance_from_its_own_publication_on():
    fixed = watched(DAYS[START + 5], 9999.0, published_date=DAYS[START + 8])
    seen = staged_rows(*spell(START, START + 12), fixed)
    before = {offset: seen[DAYS[START + offset]]["long_shares_before"] for offset in (10, 11, 12)}
    assert before == {10: 1024.0, 11: 9999.0, 12: 1026.0}
    assert seen[DAYS[START + 6]]["long_shares"] == 1025.0
    newest = staged_rows(*spell(START, START + 5), watched(DAYS[START + 5], 7.0, published_date=DAYS[START + 7]))
    assert [newest[DAYS[START + offset]]["long_shares"] for offset in (6, 7)] == [1025.0, 7.0]


def test_a_correction_of_an_old_date_does_not_make_an_issue_active_again():
    fixed = watched(DAYS[START], 9999.0, published_date=DAYS[START + 30])
    assert max(staged_rows(*spell(START, START + 3), fixed)) == DAYS[START + 5]
    assert max(staged_rows(*spell(START + 1, START + 3), fixed)) == DAYS[START + 5]


def test_the_balance_of_five_application_dates_earlier_is_unknown_in_the_first_week_of_a_spell():
    seen = staged_rows(*spell(START, START + 8), *spell(0, 3))
    before = [seen[DAYS[START + offset]]["long_shares_before"] for offset in (1, 5, 6, 7)]
    assert before == [None, None, 1020.0, 1021.0]


def test_shares_stand_on_the_basis_of_their_own_application_date():
    factor = [0.5 if i == START + 3 else 1.0 for i in range(len(DAYS))]
    rows = [watched(DAYS[START + i], 1000.0 if i < 3 else 2000.0) for i in range(8)]
    seen = staged_rows(*rows, prices=staged(bars(DAYS, adjustment_factor=factor)))
    assert {row["long_shares"] for row in seen.values()} == {1000.0}
    assert seen[DAYS[START + 7]]["long_shares_before"] == 1000.0


@pytest.mark.parametrize(
    ("exchange", "lender", "said"),
    [(True, False, 1.0), (False, True, 1.0), (False, False, 0.0), (None, True, 1.0), (None, False, None)],
    ids=["exchange", "lender", "nobody", "lender alone told", "not told"],
)
def test_restricted_means_by_the_exchange_or_by_the_lender(exchange, lender, said):
    row = watched(DAYS[START], 1.0, is_restricted=exchange, is_restricted_by_jsf=lender, regulation_class="102")
    found = staged_rows(row)[DAYS[START + 1]]
    assert found["is_restricted"] == said
    assert found["class_code"] == 102.0


def test_the_list_is_alive_for_fifteen_sessions_after_its_last_row_and_not_before_its_first():
    frame = alert_day.STATE.frame(known(*spell(START, START + 2), *spell(START + 60, START + 60, code="20000")))
    assert frame["session"].to_list() == [*DAYS[START + 1 : START + 19], *DAYS[START + 61 : START + 77]]


@pytest.mark.parametrize("state", [alert.STATE, alert_day.STATE], ids=lambda state: state.alias)
@pytest.mark.parametrize("cut", [START + 4, START + 9, START + 20])
def test_rows_not_known_by_a_session_change_no_bit_of_it(state, cut):
    fixed = [watched(DAYS[START + at], 7.0, published_date=DAYS[START + at + 4]) for at in (1, 5, 15)]
    other = spell(START - 4, START + 25, code="20000")
    prices = staged(BARS, BARS.with_columns(code=pl.lit("20000")))
    asked = known(*spell(START, START + 30), *other, *fixed, prices=prices)
    law_of_truncation(state, asked, "margin_alerts", DAYS[cut])


def test_a_row_is_known_on_the_session_after_its_application_date():
    assert min(staged_rows(*spell(START, START))) == session_after(DAYS[START], 1)
