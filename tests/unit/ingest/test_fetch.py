"""Fetches land everything and ask for nothing twice."""

import pytest

from gogoku_pipeline.core.errors import (
    RequestError,
)
from gogoku_pipeline.ingest import fetch_range
from tests.unit.ingest.fetching import Watcher, bars, landed_rows


@pytest.mark.parametrize("source", ["daily_bars", "listed_issues"])
def test_every_session_lands_once_and_nothing_is_asked_twice(evening, source):
    with evening() as e:
        days, watcher = e.market.sessions, Watcher()
        first = e.run(bars(e.store, days, source=source, progress=watcher))
        calls = len(e.calls())
        again = e.run(bars(e.store, days, source=source, progress=watcher))
        assert (first.requested, first.fetched_pages, first.skipped_complete) == (160, 160, 0)
        assert (again.fetched_pages, again.skipped_complete) == (0, 160)
        assert len(e.calls()) == calls == 160
        assert sum(n for n, _ in watcher.seen) == 320
        index = e.store.raw.requests(source)
        assert sorted(index["event_date"]) == days
        assert index["row_count"].sum() == first.rows == len(set(landed_rows(e.store, source)))


def test_many_pages_make_one_session(evening):
    with evening(page_bytes=4_000) as e:
        day = e.market.sessions[50]
        report = e.run(bars(e.store, [day]))
        index = e.store.raw.requests("daily_bars")
        assert report.fetched_pages == index.height > 5
        assert index["page_number"].to_list() == list(range(1, index.height + 1))
        assert index["is_last_page"].sum() == 1
        assert index["fetch_id"].n_unique() == 1
        rows = landed_rows(e.store)
        assert len(rows) == len(set(rows)) == report.rows
    with evening() as whole:
        whole.run(bars(whole.store, [day], refetch=True))
        assert sorted(rows) == sorted(landed_rows(whole.store))


def test_a_refetch_keeps_both_editions(evening):
    with evening() as e:
        day = e.market.sessions[3]
        e.run(bars(e.store, [day]))
        e.run(bars(e.store, [day], refetch=True, run_id="again"))
        index = e.store.raw.requests("daily_bars")
        assert index["fetch_id"].n_unique() == 2
        assert e.store.raw.newest("daily_bars")["run_id"].to_list() == ["again"]


@pytest.mark.parametrize(("source", "rows"), [("topix", 160), ("calendar", 236)])
def test_a_range_is_one_call(evening, source, rows):
    with evening() as e:
        start, end = e.market.sessions[0], e.market.sessions[-1]
        report = e.run(lambda c: fetch_range(c, e.store, source, start, end, run_id="r"))
        assert (report.fetched_pages, report.rows, len(e.calls(source))) == (1, rows, 1)
        assert e.store.raw.requests(source)["event_date"].to_list() == [None]


def test_axes_are_not_confused(evening):
    with evening() as e:
        day = e.market.sessions[0]
        with pytest.raises(RequestError, match="Use fetch_range"):
            e.run(bars(e.store, [day], source="topix"))
        with pytest.raises(RequestError, match="Use fetch_sessions"):
            e.run(lambda c: fetch_range(c, e.store, "daily_bars", day, day, run_id="r"))


def test_nothing_asked_is_nothing_done(evening):
    with evening() as e:
        report = e.run(bars(e.store, []))
        assert (report.requested, report.fetched_pages, len(e.calls())) == (0, 0, 0)
