"""Laws of the valuation table: the same market value as the bars, reported figures from the next session on."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import polars as pl
import pytest
from jquantsapi import constants

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.simulator.bars_rows import bars_frame
from gogoku_pipeline.simulator.books import statements, valuation
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.prints import cells_of_day


@pytest.fixture(scope="module")
def wide():
    return generate_market(MarketConfig(n_issues=120, n_sessions=320, start=date(2020, 6, 1), seed=7))


def _day(market, place):
    day = market.sessions[place]
    return valuation.BOOK.day(market, day, datetime.combine(day, time(16, 30), JST))


def test_rows_have_the_official_keys_and_every_listed_issue(wide):
    assert list(valuation.BOOK.keys) == constants.EQ_VALUATION_COLUMNS_V2
    for place in (0, 85, 200, 319):
        frame = _day(wide, place)
        assert frame.columns == constants.EQ_VALUATION_COLUMNS_V2
        assert frame.height == wide.listings.listed(place).sum()


def test_nothing_is_served_before_half_past_four_nor_on_a_closed_day(wide):
    day = wide.sessions[100]
    assert len(valuation.BOOK.day(wide, day, datetime.combine(day, time(16, 29), JST))) == 0
    saturday = next(day + timedelta(days=n) for n in range(7) if (day + timedelta(days=n)).weekday() == 5)
    assert len(valuation.BOOK.day(wide, saturday, datetime.combine(wide.sessions[-1], time(20), JST))) == 0


def test_the_market_value_is_that_of_the_bars(wide):
    for place in (0, wide.outage, 84, 250, 319):
        bars = bars_frame(wide, cells_of_day(wide, place, place)).to_dicts()
        assert _day(wide, place)["MktCap"].to_list() == [row["MktCap"] for row in bars]


def test_funds_have_no_values_at_all(wide):
    funds = [code for code, fund in zip(wide.codes, wide.listings.is_fund, strict=True) if fund]
    rows = _day(wide, 150).filter(pl.col("Code").is_in(funds)).drop("Date", "Code")
    assert rows.height == len(funds)
    assert all(values == [None] * len(funds) for values in rows.to_dict(as_series=False).values())


def test_multiples_are_price_over_the_figure_and_absent_for_losses(wide):
    place = 250
    close = dict(zip(wide.codes, (wide.history.close[place] / 10.0).tolist(), strict=True))
    seen = 0
    for row in _day(wide, place).iter_rows(named=True):
        for multiple, figure in (("PER", "EPS"), ("FwdPER", "FwdEPS"), ("PBR", "BPS")):
            value = row[figure]
            if value is None or value <= 0 or close[row["Code"]] == 0:
                assert row[multiple] is None
            elif value > 10:
                assert row[multiple] == pytest.approx(close[row["Code"]] / value, rel=0.002, abs=0.006)
                seen += 1
    assert seen > 150


def test_a_disclosure_counts_from_the_next_session(wide):
    long_after = datetime.combine(wide.sessions[-1] + timedelta(days=9), time(12), JST)
    split_issues = {event.issue for event in wide.splits}
    calm = {code for place, code in enumerate(wide.codes) if place not in split_issues}
    seen = 0
    for place in range(40, 300):
        told = statements.BOOK.day(wide, wide.sessions[place], long_after)
        for row in told:
            if row["CurPerType"] != "FY" or not row["BPS"] or not row["TrShFY"] or row["Code"] not in calm:
                continue
            code = pl.col("Code") == row["Code"]
            before, after = _day(wide, place).filter(code), _day(wide, place + 1).filter(code)
            if before.height == 0 or after.height == 0:
                continue
            assert after["BPS"][0] == pytest.approx(float(row["BPS"]), abs=0.02)
            assert before["BPS"][0] != after["BPS"][0]
            length = date.fromisoformat(row["CurFYEn"]) - date.fromisoformat(row["CurFYSt"])
            if timedelta(360) < length < timedelta(370):
                assert after["EPS"][0] == pytest.approx(float(row["EPS"]), rel=0.02)
            seen += 1
    assert seen > 20


def test_two_roads_to_return_on_equity_agree(wide):
    rows = _day(wide, 200).drop_nulls(["EPS", "BPS", "ROE"]).filter(pl.col("EPS").abs() > 20)
    assert rows.height > 50
    gap = (rows["EPS"] / rows["BPS"] - rows["ROE"]).abs().max()
    assert isinstance(gap, float)
    assert gap < 0.0002
