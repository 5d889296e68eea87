"""Every book of the simulator, typed from its answers and from its own bulk files: the same rows, and none refused."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.schema.register import SOURCES, TABLE_OF
from gogoku_pipeline.simulator.bulk_csv import encode_csv
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.corrections import Corrections
from gogoku_pipeline.simulator.desk import ALL_BOOKS, Desk
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.rules import PLANS
from gogoku_pipeline.simulator.shelf import Shelf
from gogoku_pipeline.store import open_store
from gogoku_pipeline.tables.quality import check_conservation, check_listing_covered, check_schema, check_unit_ranges
from gogoku_pipeline.tables.source_quality import check_breakdown, check_investor_types, expected_codes
from gogoku_pipeline.tables.typed import typed_sessions, typed_whole
from gogoku_pipeline.tables.versions import publication_rule
from tests.unit.tables.raw_answers import land_answer, land_file

BOOKS = {book.path: book for book in ALL_BOOKS}
BY_DAY = [name for name, source in SOURCES.items() if source.axis == "day"]


@pytest.fixture(scope="module")
def market():
    return generate_market(MarketConfig(n_issues=40, n_sessions=60))


@pytest.fixture(scope="module")
def sessions(market):
    return market.sessions[20:28]


@pytest.fixture(scope="module")
def ask(market):
    """The rows a source serves about a day (None: all it has), long after it was published."""
    last = market.sessions[-1]
    clock = VirtualClock(datetime(last.year, last.month, last.day, 23, tzinfo=JST) + timedelta(days=3))
    corrections = Corrections()
    desk = Desk(market, clock, Shelf(market, corrections), corrections)

    def rows(name, day=None):
        path = SOURCES[name].path
        params = {} if day is None else {BOOKS[path].day_parameter: day.isoformat()}
        return desk.answer(path, params, PLANS["premium"]).rows.decoded(), clock.now()

    return rows


@pytest.fixture(scope="module")
def typed_from(ask, sessions, tmp_path_factory):
    """A source typed from its pages, or from one file with the same days."""
    kept = {}

    def typed(name, form):
        if (name, form) in kept:
            return kept[name, form]
        store = open_store(f"file://{tmp_path_factory.mktemp(name)}")
        days = [day for session in sessions for day in publication_rule(TABLE_OF[name]).days_of(session)]
        answers = {day: ask(name, day) for day in days}
        if form == "pages":
            for day, (rows, at) in answers.items():
                land_answer(store, name, day, rows, fetched_at=at)
        else:
            keys = [field.name for field in SOURCES[name].fields]
            body = encode_csv([rows for rows, _ in answers.values()], keys)
            land_file(store, name, (days[0], days[-1]), body, fetched_at=answers[days[0]][1])
        kept[name, form] = typed_sessions(store, name, sessions)
        return kept[name, form]

    return typed


@pytest.mark.parametrize("name", BY_DAY)
def test_the_simulators_answers_type_without_a_reject_and_its_files_type_equal(name, typed_from, sessions):
    table, pages, file = TABLE_OF[name], typed_from(name, "pages"), typed_from(name, "files")
    assert pages.rejects.rows() == [] and pages.warnings == ()
    assert pages.frame.equals(file.frame)
    assert [(c.session, c.raw_rows, c.table_rows) for c in pages.counts] == [
        (c.session, c.raw_rows, c.table_rows) for c in file.counts
    ]
    assert check_conservation(table, pages.frame, pages.counts).passed
    if pages.frame.height:
        results = [check_schema(table, pages.frame)]
        results += [check_unit_ranges(table, pages.frame)] if any(column.unit for column in table.columns) else []
        assert [(result.name, result.words) for result in results if not result.passed] == []
        assert set(pages.frame["session"]) <= set(sessions)


def test_the_simulated_books_fill_their_tables(typed_from):
    empty = [name for name in BY_DAY if typed_from(name, "pages").frame.is_empty()]
    assert empty == []


def test_simulated_sums_add_up_and_cross_sections_are_whole(typed_from, ask, tmp_path):
    listed, bars = typed_from("listed_issues", "pages").frame, typed_from("daily_bars", "pages").frame
    breakdown = typed_from("breakdown", "pages").frame
    assert check_breakdown(breakdown).passed
    for name, frame in (("valuation", typed_from("valuation", "pages").frame), ("breakdown", breakdown)):
        assert check_listing_covered(frame, expected_codes(name, listed, bars)).passed
    margin = typed_from("margin_interest", "pages").frame.with_columns(pl.col("application_date").alias("session"))
    classes = listed.join(margin.select("session").unique(), on="session", how="semi")
    assert check_listing_covered(margin, expected_codes("margin_interest", classes)).passed
    store = open_store(f"file://{tmp_path}/flows")
    rows, at = ask("investor_types")
    land_answer(store, "investor_types", None, rows, fetched_at=at)
    flows = typed_whole(store, "investor_types")
    assert flows.rejects.is_empty() and flows.frame.height > 0
    assert check_investor_types(flows.frame).passed
