"""Laws of the morning bars: today only, in their hours only, equal to the session columns of the day."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from jquantsapi import constants

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.simulator.bars_rows import bars_frame
from gogoku_pipeline.simulator.books import morning_bars
from gogoku_pipeline.simulator.prints import cells_of_day


def test_they_equal_the_morning_columns_that_premium_sees_in_the_evening(market):
    for place in (0, 30, market.outage, 150):
        day = market.sessions[place]
        rows = morning_bars.rows_now(market, datetime.combine(day, time(12), JST))
        bars = bars_frame(market, cells_of_day(market, place, place)).to_dicts()
        assert rows is not None
        assert list(rows[0]) == constants.PRICES_PRICES_AM_COLUMNS_V2
        assert rows == [{key: bar[key] for key in rows[0]} for bar in bars]


@pytest.mark.parametrize(("hour", "minute", "days", "is_open"), [
    (11, 59, 0, False), (12, 0, 0, True), (23, 59, 0, True), (0, 0, 1, True), (5, 59, 1, True), (6, 0, 1, False),
])  # fmt: skip
def test_they_are_served_from_noon_until_six(market, hour, minute, days, is_open):
    day = market.sessions[40]
    rows = morning_bars.rows_now(market, datetime.combine(day + timedelta(days=days), time(hour, minute), JST))
    assert (rows is not None) == is_open
    assert rows is None or {row["Date"] for row in rows} == {day.isoformat()}


def test_a_closed_day_has_none(market):
    saturday = next(day + timedelta(days=1) for day in market.sessions if day.weekday() == 4)
    assert morning_bars.rows_now(market, datetime.combine(saturday, time(13), JST)) is None


def test_issues_that_did_not_trade_have_rows_without_values(market):
    day = market.sessions[market.outage]
    rows = morning_bars.rows_now(market, datetime.combine(day, time(15), JST))
    assert rows is not None
    assert all(row["MO"] is None and row["MVo"] is None for row in rows)
