"""A table as of an instant, by hand: exactly what was known then, whatever was corrected since."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gogoku_pipeline.core.errors import DataError
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.store import open_store
from gogoku_pipeline.tables.history import as_of
from gogoku_pipeline.tables.ledger import retype
from tests.unit.tables.raw_answers import (
    FRIDAY,
    THURSDAY,
    TUESDAY,
    WEDNESDAY,
    as_csv,
    at,
    land_answer,
    land_file,
    source_row,
)

SECOND = timedelta(seconds=1)


@pytest.fixture
def store(tmp_path):
    return open_store(f"file://{tmp_path}/store")


def known(store, source, instant, *columns):
    """Rows of these columns that were in force at an instant."""
    return as_of(store, TABLE_OF[source], instant).select(columns).rows()


def typed(store, source):
    retype(store, source, run_id="spec", code_version="0")


def bar(day, **changed):
    return source_row("daily_bars", day, AdjFactor=1.0, **changed)


def test_a_corrected_bar_shows_its_old_close_until_the_correction_was_fetched(store):
    land_answer(store, "daily_bars", WEDNESDAY, [bar(WEDNESDAY, C=100.0)], fetched_at=at(WEDNESDAY, 19))
    land_answer(store, "daily_bars", WEDNESDAY, [bar(WEDNESDAY, C=101.0)], fetched_at=at(FRIDAY, 7))
    typed(store, "daily_bars")
    columns = ("session", "close_jpy", "available_at")
    assert known(store, "daily_bars", at(WEDNESDAY, 16), *columns) == []
    assert known(store, "daily_bars", at(WEDNESDAY, 16, 30), *columns) == [(WEDNESDAY, 100.0, at(WEDNESDAY, 16, 30))]
    assert known(store, "daily_bars", at(FRIDAY, 7), *columns) == [(WEDNESDAY, 100.0, at(WEDNESDAY, 16, 30))]
    assert known(store, "daily_bars", at(FRIDAY, 7) + SECOND, *columns) == [(WEDNESDAY, 101.0, at(FRIDAY, 7) + SECOND)]


def test_a_bar_corrected_twice_and_back_shows_each_value_in_its_time(store):
    for day, close in ((WEDNESDAY, 100.0), (THURSDAY, 101.0), (FRIDAY, 100.0)):
        land_answer(store, "daily_bars", WEDNESDAY, [bar(WEDNESDAY, C=close)], fetched_at=at(day, 19))
        typed(store, "daily_bars")
    closes = [known(store, "daily_bars", at(day, 20), "close_jpy") for day in (WEDNESDAY, THURSDAY, FRIDAY)]
    assert closes == [[(100.0,)], [(101.0,)], [(100.0,)]]


def test_a_row_taken_away_and_a_row_brought_late_are_there_in_their_own_time(store):
    one, other = bar(WEDNESDAY), source_row("daily_bars", WEDNESDAY, 1)
    land_answer(store, "daily_bars", WEDNESDAY, [one], fetched_at=at(WEDNESDAY, 19))
    land_answer(store, "daily_bars", WEDNESDAY, [other], fetched_at=at(THURSDAY, 7))
    land_answer(store, "daily_bars", WEDNESDAY, [one, other], fetched_at=at(FRIDAY, 7))
    typed(store, "daily_bars")
    codes = [known(store, "daily_bars", at(day, 20), "code") for day in (WEDNESDAY, THURSDAY, FRIDAY)]
    assert codes == [[("10000",)], [("10010",)], [("10000",), ("10010",)]]


def test_a_restated_document_is_a_further_document_and_the_old_one_stays(store):
    filed = source_row("statements", WEDNESDAY, 1, DiscTime="15:00", Sales="1000")
    restated = source_row("statements", THURSDAY, 2, DiscTime="20:00", Sales="900")
    land_answer(store, "statements", WEDNESDAY, [filed], fetched_at=at(THURSDAY, 7))
    land_answer(store, "statements", THURSDAY, [restated], fetched_at=at(FRIDAY, 7))
    typed(store, "statements")
    (sales,) = (column.name for column in TABLE_OF["statements"].columns if column.source == "Sales")
    columns = ("disclosure_number", sales)
    assert known(store, "statements", at(WEDNESDAY, 17), *columns) == []
    assert known(store, "statements", at(WEDNESDAY, 18), *columns) == [("x1", 1000.0)]
    assert known(store, "statements", at(THURSDAY, 23), *columns) == [("x1", 1000.0)]
    assert known(store, "statements", at(FRIDAY, 0, 30), *columns) == [("x1", 1000.0), ("x2", 900.0)]


def test_a_document_rewritten_in_place_shows_the_filed_figure_until_then(store):
    (eps,) = (column.name for column in TABLE_OF["statements"].columns if column.source == "EPS")
    for day, figure in ((THURSDAY, "10"), (FRIDAY, "11")):
        filed = source_row("statements", WEDNESDAY, 1, DiscTime="15:00", EPS=figure)
        land_answer(store, "statements", WEDNESDAY, [filed], fetched_at=at(day, 7))
    typed(store, "statements")
    columns = ("disclosed_date", "disclosed_time", eps)
    assert known(store, "statements", at(THURSDAY, 8), *columns) == [(WEDNESDAY, "15:00:00", 10.0)]
    assert known(store, "statements", at(FRIDAY, 8), *columns) == [(WEDNESDAY, "15:00:00", 11.0)]


def test_a_corrected_flow_is_a_further_row_from_its_own_publication_on(store):
    week = {"StDate": "2024-04-22", "EnDate": "2024-04-26", "Section": "TSEPrime"}
    first = source_row("investor_types", THURSDAY, **week, FrgnSell=100.0)
    again = source_row("investor_types", FRIDAY, **week, FrgnSell=120.0)
    land_answer(store, "investor_types", None, [first], fetched_at=at(THURSDAY, 19))
    land_answer(store, "investor_types", None, [first, again], fetched_at=at(FRIDAY, 19))
    typed(store, "investor_types")
    flows = ("published_date", "foreigners_sell_kjpy")
    assert known(store, "investor_types", at(THURSDAY, 17, 59), *flows) == []
    assert known(store, "investor_types", at(THURSDAY, 18), *flows) == [(THURSDAY, 100.0)]
    assert known(store, "investor_types", at(FRIDAY, 18), *flows) == [(THURSDAY, 100.0), (FRIDAY, 120.0)]


def test_a_split_changes_no_price_of_before_and_its_served_adjustment_is_not_told(store):
    land_answer(store, "daily_bars", WEDNESDAY, [bar(WEDNESDAY, C=100.0, AdjC=100.0)], fetched_at=at(WEDNESDAY, 19))
    ex_date = source_row("daily_bars", FRIDAY, C=50.0, AdjC=50.0, AdjFactor=0.5, ExRT="1")
    land_answer(store, "daily_bars", FRIDAY, [ex_date], fetched_at=at(FRIDAY, 19))
    rewritten = bar(WEDNESDAY, C=100.0, AdjC=50.0)
    land_answer(store, "daily_bars", WEDNESDAY, [rewritten], fetched_at=at(FRIDAY, 20))
    typed(store, "daily_bars")
    columns = ("session", "close_jpy", "adjustment_factor", "served_adjusted_close_jpy")
    before = [(WEDNESDAY, 100.0, 1.0, None)]
    assert known(store, "daily_bars", at(THURSDAY, 12), *columns) == before
    assert known(store, "daily_bars", at(FRIDAY, 21), *columns) == [*before, (FRIDAY, 50.0, 0.5, None)]
    assert store.tables.scan(TABLE_OF["daily_bars"]).collect()["served_adjusted_close_jpy"].to_list() == [50.0, 50.0]


def test_a_month_corrected_by_a_file_shows_the_pages_until_the_file_landed(store):
    land_answer(store, "breakdown", TUESDAY, [source_row("breakdown", TUESDAY)], fetched_at=at(TUESDAY, 19))
    file = as_csv("breakdown", [source_row("breakdown", TUESDAY, LongSellVa=3.0)])
    land_file(store, "breakdown", (date(2024, 5, 1), date(2024, 5, 31)), file, fetched_at=at(date(2024, 6, 3), 9))
    typed(store, "breakdown")
    assert known(store, "breakdown", at(date(2024, 6, 3), 8), "long_sell_jpy") == [(10.5,)]
    assert known(store, "breakdown", at(date(2024, 6, 3), 10), "long_sell_jpy") == [(3.0,)]


def test_sessions_are_chosen_and_a_naive_instant_is_refused(store):
    for day in (WEDNESDAY, THURSDAY):
        land_answer(store, "daily_bars", day, [bar(day, C=1.0)], fetched_at=at(day, 19))
        land_answer(store, "daily_bars", day, [bar(day, C=2.0)], fetched_at=at(FRIDAY, 19))
    typed(store, "daily_bars")
    chosen = as_of(store, TABLE_OF["daily_bars"], at(FRIDAY, 12), start=THURSDAY, end=THURSDAY)
    assert chosen.select("session", "close_jpy").rows() == [(THURSDAY, 1.0)]
    with pytest.raises(DataError, match="naive"):
        as_of(store, TABLE_OF["daily_bars"], at(FRIDAY, 12).replace(tzinfo=None))
