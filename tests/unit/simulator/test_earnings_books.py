"""Laws of the reporting schedule: the log of announced days, the list of the next session, and what came true."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from jquantsapi import constants

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.simulator.books import earnings_calendar, earnings_dates, statements
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market


@pytest.fixture(scope="module")
def wide():
    return generate_market(MarketConfig.preset("small"))


@pytest.fixture(scope="module")
def log(wide):
    now = datetime.combine(wide.sessions[-1] + timedelta(days=9), time(12), JST)
    first = wide.sessions[0] - timedelta(days=70)
    days = [first + timedelta(days=n) for n in range((wide.sessions[-1] - first).days + 1)]
    return [row for day in days for row in earnings_dates.BOOK.day(wide, day, now)]


@pytest.fixture(scope="module")
def reported(wide):
    """Day on which each quarter was first reported."""
    now = datetime.combine(wide.sessions[-1] + timedelta(days=9), time(12), JST)
    days: dict[tuple[str, str, str], str] = {}
    for day in wide.sessions:
        for row in statements.BOOK.day(wide, day, now):
            if "FinancialStatements" in row["DocType"]:
                key = (row["Code"], row["CurPerType"], row["CurFYEn"])
                days.setdefault(key, row["DiscDate"])
    return days


def _latest(log):
    latest = {}
    for row in log:
        latest[(row["Code"], row["FQName"], row["FYE"], row["PubDate"][:4])] = row
    return latest


def test_rows_have_the_official_keys_and_unique_natural_keys(log):
    assert list(earnings_dates.BOOK.keys) == constants.FIN_EARNINGS_DATE_COLUMNS_V2
    assert all(list(row) == constants.FIN_EARNINGS_DATE_COLUMNS_V2 for row in log)
    assert all(type(value) is str for row in log for value in row.values())
    keys = [(row["Code"], row["FYE"], row["FQName"], row["PubDate"]) for row in log]
    assert len(keys) == len(set(keys)) > 1500
    assert {row["FQName"] for row in log} == {"1Q", "2Q", "3Q", "FY"}


def test_a_day_comes_out_at_five_past_ten_of_the_next_session(wide, log):
    calendar = tse_calendar(date(2020, 1, 6))
    day = date.fromisoformat(next(row["PubDate"] for row in log if date.fromisoformat(row["PubDate"]).weekday() == 4))
    following = calendar.shift(day, 1)
    assert earnings_dates.BOOK.day(wide, day, datetime.combine(following, time(10, 4), JST)) == []
    assert len(earnings_dates.BOOK.day(wide, day, datetime.combine(following, time(10, 5), JST))) > 0


def test_what_was_said_last_is_nearly_always_what_happened(wide, log, reported):
    said: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    for key in reported:
        said[key] = []
    for row in log:
        for (code, quarter, year_end), day in reported.items():
            if code != row["Code"] or quarter != row["FQName"] or year_end[5:].replace("-", "") != row["FYE"]:
                continue
            ahead = (date.fromisoformat(day) - date.fromisoformat(row["PubDate"])).days
            if 0 < ahead < 60:
                said[(code, quarter, year_end)].append(row)
    known = {key: rows for key, rows in said.items() if rows}
    assert len(known) > 0.95 * len([key for key in reported if key[1] in ("1Q", "2Q", "3Q", "FY")])
    kept = [rows[-1]["SchDate"] == reported[key] for key, rows in known.items()]
    assert 0.96 < sum(kept) / len(kept) < 1.0
    assert sum(rows[0]["SchDate"] == "" for rows in known.values()) > 0.04 * len(known)
    changed = [rows for rows in known.values() if len(rows) > 1 and rows[0]["SchDate"]]
    assert len(changed) > 0.05 * len(known)
    assert all(rows[0]["SchDate"] != rows[-1]["SchDate"] for rows in changed)
    assert all(row["SchDate"] != "" for row in (rows[-1] for rows in known.values()))


def test_results_due_after_the_market_ends_are_already_announced(wide, log):
    end = wide.sessions[-1].isoformat()
    assert sum(row["SchDate"] > end for row in log) > 5


def test_the_calendar_lists_who_reports_next_with_march_and_september_year_ends_only(wide, log):
    listed = 0
    for place in range(0, len(wide.sessions) - 1, 3):
        rows = earnings_calendar.rows_now(wide, datetime.combine(wide.sessions[place], time(19, 0), JST))
        for row in rows:
            assert list(row) == constants.FINS_ANNOUNCEMENT_COLUMNS_V2
            assert row["Date"] in ("", wide.sessions[place + 1].isoformat())
            assert row["FY"] in ("3月31日", "9月30日")
            assert row["FQ"] in ("第１四半期", "第２四半期", "第３四半期", "通期")
        listed += len(rows)
    assert listed > 200


def test_the_calendar_agrees_with_the_announced_days_known_that_evening(wide, log):
    for place in (48, 49, 50, 110, 170):
        evening, target = wide.sessions[place], wide.sessions[place + 1].isoformat()
        newest = {}
        for row in log:
            if row["PubDate"] < evening.isoformat():
                newest[(row["Code"], row["FQName"])] = row
        due = {row["Code"] for row in newest.values() if row["SchDate"] == target and row["FYE"] in ("0331", "0930")}
        rows = earnings_calendar.rows_now(wide, datetime.combine(evening, time(19, 0), JST))
        assert {row["Code"] for row in rows} == due


def test_the_calendar_is_renewed_at_seven_and_keeps_over_the_weekend(wide):
    friday = next(day for day in wide.sessions[45:] if day.weekday() == 4)
    new = earnings_calendar.rows_now(wide, datetime.combine(friday, time(19, 0), JST))
    old = earnings_calendar.rows_now(wide, datetime.combine(friday, time(18, 59), JST))
    sunday = earnings_calendar.rows_now(wide, datetime.combine(friday + timedelta(days=2), time(12), JST))
    assert new == sunday
    assert new != old
