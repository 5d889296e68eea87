"""What all books of the market have in common: same market, same bytes; nothing before its hour; keys as declared."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.sessions import OUTAGE
from gogoku_pipeline.schema import register
from gogoku_pipeline.simulator.books import (
    breakdown,
    indices,
    investor_types,
    margin_alerts,
    margin_interest,
    short_positions,
    short_ratio,
)
from gogoku_pipeline.simulator.ledgers_release import sessions_later
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.shelf import encode

EVER = datetime(2026, 11, 1, tzinfo=JST)
BOOKS = {
    book.path: book
    for book in (
        investor_types.BOOK,
        indices.BOOK,
        short_ratio.BOOK,
        short_positions.BOOK,
        margin_interest.BOOK,
        margin_alerts.BOOK,
        breakdown.BOOK,
    )
}


@pytest.fixture(scope="module")
def again(market):
    return generate_market(market.config)


@pytest.mark.parametrize("path", BOOKS)
def test_the_same_configuration_gives_the_same_bytes_in_any_order_of_asking(market, again, path):
    book = BOOKS[path]
    days = market.sessions[4:120:9]
    forwards = [encode(book.day(market, day, EVER)).blob for day in days]
    backwards = [encode(book.day(again, day, EVER)).blob for day in reversed(days)]
    assert forwards == backwards[::-1]


@pytest.mark.parametrize("path", BOOKS)
def test_rows_have_the_declared_keys_and_no_missing_day(market, path):
    book = BOOKS[path]
    told = 0
    for day in market.sessions:
        rows = encode(book.day(market, day, EVER)).decoded()
        told += bool(rows)
        for row in rows:
            assert tuple(row) == book.keys or not book.keys
            assert row[book.event] == day.isoformat()
    assert told > 25


@pytest.mark.parametrize("path", BOOKS)
def test_nothing_is_told_before_the_hour_and_everything_at_the_end(market, path):
    book = BOOKS[path]
    told = 0
    for day in market.sessions[10:80]:
        told += len(book.day(market, day, EVER))
        assert len(book.day(market, day, datetime(day.year, day.month, day.day, 16, 29, tzinfo=JST))) == 0
    assert told > 50


@pytest.mark.parametrize("path", BOOKS)
def test_a_version_changes_when_the_rows_do(market, path):
    book = BOOKS[path]
    day = next(day for day in market.sessions[20:] if len(book.day(market, day, EVER)))
    seen = {}
    for at in (*market.sessions[15:60], market.sessions[-1]):
        for hour in (12, 17, 19):
            now = datetime(at.year, at.month, at.day, hour, 45, tzinfo=JST)
            blob = encode(book.day(market, day, now)).blob
            assert seen.setdefault(book.version(market, day, now), blob) == blob
    assert len(seen) >= 2


@pytest.mark.parametrize("book", [breakdown.BOOK, margin_interest.BOOK, margin_alerts.BOOK], ids=lambda book: book.path)
def test_an_issue_over_a_range_is_told_as_day_by_day(market, book):
    days = market.sessions[30:90]
    single = [row for day in days for row in encode(book.day(market, day, EVER)).decoded()]
    code = single[0]["Code"]
    span = encode(book.span(market, code, days[0], days[-1], EVER)).decoded()
    assert span == [row for row in single if row["Code"] == code] != []
    assert len(book.span(market, "99999", days[0], days[-1], EVER)) == 0


def test_the_last_sessions_alerts_are_told_for_an_issue_too(market):
    after = [sessions_later(market.sessions[-1], n) for n in (1, 2)]
    rows = [row for day in after for row in margin_alerts.BOOK.day(market, day, EVER)]
    code = rows[0]["Code"]
    span = margin_alerts.BOOK.span(market, code, after[0], after[-1], EVER)
    assert span == [row for row in rows if row["Code"] == code] != []


def test_the_outage_leaves_breakdown_and_short_ratio_empty_and_everything_else_going(market):
    assert len(breakdown.BOOK.day(market, OUTAGE, EVER)) == len(short_ratio.BOOK.day(market, OUTAGE, EVER)) == 0
    assert isinstance(indices.BOOK.day(market, OUTAGE, EVER), pl.DataFrame)
    assert len(short_positions.BOOK.day(market, OUTAGE, EVER)) > 0
    assert len(margin_alerts.BOOK.day(market, OUTAGE, EVER)) > 0


@pytest.mark.parametrize("path", BOOKS)
def test_rows_have_the_fields_and_forms_that_the_pipeline_expects(market, path):
    source = next(source for source in register.SOURCES.values() if source.path == path)
    assert (source.starts, source.lowest_plan, source.event) == (
        BOOKS[path].starts.isoformat(),
        BOOKS[path].lowest_plan,
        BOOKS[path].event,
    )
    for day in market.sessions[5:150:6]:
        for row in encode(BOOKS[path].day(market, day, EVER)).decoded():
            wanted = [field for field in source.fields if field.name in row or not field.optional]
            assert [field.name for field in wanted] == list(row)
            for field in wanted:
                value = row[field.name]
                if value is None:
                    assert field.nullable
                elif value not in field.marks:
                    assert isinstance(value, {"number": float, "object": dict}.get(field.kind, str))
