"""Laws of the dividend notices: chains, deletions, ex-dates, open and unset values, hourly delivery."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from jquantsapi import constants

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.simulator.books import dividends, statements
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.notices import ex_day


@pytest.fixture(scope="module")
def wide():
    return generate_market(MarketConfig(n_issues=250, n_sessions=520, start=date(2021, 6, 1), seed=7))


@pytest.fixture(scope="module")
def rows(wide):
    return [row for day in wide.sessions for row in dividends.BOOK.day(wide, day, _long_after(wide))]


def _long_after(market):
    return datetime.combine(market.sessions[-1] + timedelta(days=9), time(12), JST)


def _chains(rows):
    chains: dict[str, list[dict]] = {}
    for row in rows:
        chains.setdefault(row["CARefNo"], []).append(row)
    return chains


def test_every_row_has_the_official_keys_in_order(rows):
    assert len(rows) > 1000
    assert list(dividends.BOOK.keys) == constants.FINS_DIVIDEND_COLUMNS_V2
    assert all(list(row) == constants.FINS_DIVIDEND_COLUMNS_V2 for row in rows)


def test_every_value_has_a_form_the_schema_knows(rows):
    for field in SOURCES["dividends"].fields:
        values = [row[field.name] for row in rows if row[field.name] not in field.marks]
        if field.kind == "number":
            assert all(type(value) is float and value >= 0 for value in values)
        elif field.kind == "date":
            assert all(date.fromisoformat(value) for value in values)
        else:
            assert all(type(value) is str and value for value in values)
    assert {row["DivRate"] for row in rows if type(row["DivRate"]) is str} == {"-"}
    assert {row["PayDate"] for row in rows if len(row["PayDate"]) < 2} == {"-", ""}


def test_reference_numbers_are_unique_and_a_chain_begins_with_its_own_number(rows):
    assert len({row["RefNo"] for row in rows}) == len(rows)
    for origin, chain in _chains(rows).items():
        assert chain[0]["RefNo"] == origin
        assert chain[0]["StatCode"] == "1"
        assert all(row["StatCode"] in ("2", "3") for row in chain[1:])


def test_a_deletion_refers_to_an_earlier_notice_and_ends_its_chain(rows):
    deleted = [chain for chain in _chains(rows).values() if chain[-1]["StatCode"] == "3"]
    assert len(deleted) >= 3
    assert sum(row["StatCode"] == "3" for row in rows) == len(deleted)
    for chain in deleted:
        assert chain[0]["PubDate"] < chain[-1]["PubDate"]


def test_one_dividend_is_one_chain_once_deleted_ones_are_gone(rows):
    living = [chain[-1] for chain in _chains(rows).values() if chain[-1]["StatCode"] != "3"]
    last_day = max(row["PubDate"] for row in rows)
    settled = [row for row in living if row["PubDate"] < last_day]
    keys = [(row["Code"], row["RecDate"], row["IFCode"]) for row in settled]
    mistakes_of_the_end = len(keys) - len(set(keys))
    assert mistakes_of_the_end == 0


def test_decisions_follow_forecasts_and_never_turn_back(rows):
    for chain in _chains(rows).values():
        codes = [row["FRCode"] for row in chain]
        assert codes == sorted(codes, reverse=True)
        assert len({(row["Code"], row["RecDate"], row["IFCode"], row["IFTerm"]) for row in chain}) == 1
    assert sum(len(chain) > 2 for chain in _chains(rows).values()) > 10


def test_notices_in_order_are_in_order_of_time_and_number(rows):
    stamps = [(row["PubDate"], row["PubTime"], row["RefNo"]) for row in rows]
    assert stamps == sorted(stamps)


def test_ex_dates_come_one_session_before_the_record_day_since_2019_07_16_and_two_before(rows):
    calendar = tse_calendar(date(2008, 1, 4))
    assert ex_day(calendar, date(2024, 3, 31)) == date(2024, 3, 28)
    assert ex_day(calendar, date(2019, 9, 30)) == date(2019, 9, 27)
    assert ex_day(calendar, date(2019, 3, 31)) == date(2019, 3, 27)
    assert ex_day(calendar, date(2019, 7, 17)) == date(2019, 7, 12)
    assert ex_day(calendar, date(2019, 7, 18)) == date(2019, 7, 17)
    for row in rows:
        counted = date.fromisoformat(row["ActRecDate"])
        assert row["ActRecDate"] <= row["RecDate"]
        assert calendar.shift(counted, -1).isoformat() == row["ExDate"]
        assert row["RecDate"].startswith(row["IFTerm"])


def test_notices_are_delivered_at_the_next_full_hour_from_noon_to_seven(wide, rows):
    busy = max(wide.sessions, key=lambda day: sum(row["PubDate"] == day.isoformat() for row in rows))
    whole = [row for row in rows if row["PubDate"] == busy.isoformat()]
    assert dividends.BOOK.day(wide, busy, datetime.combine(busy, time(11, 59), JST)) == []
    for hour, minute in ((12, 0), (12, 59), (15, 0), (16, 30), (19, 0), (23, 0)):
        served = dividends.BOOK.day(wide, busy, datetime.combine(busy, time(hour, minute), JST))
        assert served == [row for row in whole if row["PubTime"] <= f"{min(hour, 19):02d}:00"]
    assert served == whole


def test_what_was_decided_agrees_with_the_statement_of_the_year(wide, rows):
    finals = {
        (chain[-1]["Code"], chain[-1]["RecDate"]): chain[-1]["DivRate"]
        for chain in _chains(rows).values()
        if chain[-1]["IFCode"] == "2" and chain[-1]["FRCode"] == "1" and chain[-1]["StatCode"] != "3"
    }
    compared = 0
    for day in wide.sessions:
        for row in statements.BOOK.day(wide, day, _long_after(wide)):
            known = finals.get((row["Code"], row["CurPerEn"]))
            if row["DivFY"] and known is not None:
                assert float(row["DivFY"]) == pytest.approx(known, abs=0.011)
                compared += 1
    assert compared > 200


def test_special_parts_are_named_and_priced_since_2022_06_06(rows):
    kinds = {row["CommSpecCode"] for row in rows}
    assert {"0", "1", "2"} <= kinds
    for row in rows:
        parts = [row["CommDivRate"], row["SpecDivRate"]]
        if row["CommSpecCode"] == "0" or row["PubDate"] < "2022-06-06":
            assert parts == ["", ""]
        else:
            assert sum(value for value in parts if value != "") <= row["DivRate"]
            assert parts != ["", ""]
