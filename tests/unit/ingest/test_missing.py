"""What is missing is said honestly: not covered, not yet published, empty by right, or lost."""

from datetime import date, time, timedelta

import pytest

from gogoku_pipeline.core.errors import (
    CoverageError,
    DataError,
)
from gogoku_pipeline.ingest import fetch_range
from gogoku_pipeline.ingest.walk import Request
from gogoku_pipeline.simulator.faults import (
    EmptyDay,
    When,
)
from gogoku_pipeline.simulator.server import ServerOptions
from gogoku_pipeline.store import RawPage
from tests.unit.ingest.fetching import BARS, bars


def test_an_endpoint_outside_the_plan_lands_its_refusal_and_says_so(evening, caplog):
    with evening() as e:
        start, end = e.market.sessions[0], e.market.sessions[-1]
        report = e.run(lambda c: fetch_range(c, e.store, "topix", start, end, run_id="r"), key="simulator-free-key")
        assert (report.not_in_plan, report.rows, report.skipped_uncovered) == (True, 0, e.market.sessions)
        assert "topix: not in the plan, switched off" in caplog.text
        index = e.store.raw.requests("topix")
        assert index.select("status", "row_count", "is_last_page").rows() == [(403, 0, True)]
        said = e.store.raw.payload("topix", index.row(0, named=True)).decode()
        assert "not available on your subscription" in said
        assert "simulator-free-key" not in said + str(index.rows())
        again = e.run(lambda c: fetch_range(c, e.store, "topix", start, end, run_id="r"), plan="premium")
        assert (again.not_in_plan, again.rows) == (False, len(e.market.sessions))


def test_dates_outside_the_plan_are_skipped_with_few_calls(evening, caplog):
    with evening() as e:
        old = [day for day in (date(2010, 1, 4) + timedelta(days=n) for n in range(400)) if day.weekday() < 5]
        days = [*old, *e.market.sessions[-5:]]
        report = e.run(bars(e.store, days), key="simulator-light-key")
        assert report.skipped_uncovered == old
        assert report.fetched_pages == 5
        assert len(e.calls()) <= 5 + 4
        assert f"{len(old)} sessions skipped, the plan covers" in caplog.text


def test_a_plan_that_lags_skips_the_newest_sessions(evening):
    with evening() as e:
        report = e.run(bars(e.store, e.market.sessions[-70:]), key="simulator-free-key", plan="free")
        newest = e.clock.now().date() - timedelta(days=84)
        assert report.skipped_uncovered == [day for day in e.market.sessions[-70:] if day > newest]
        assert report.fetched_pages == 70 - len(report.skipped_uncovered) > 0


def test_an_empty_day_on_a_session_is_an_error_and_is_asked_again(evening):
    with evening(EmptyDay(When(day=None, path=BARS, requests=frozenset({2}), times=1))) as e:
        days = e.market.sessions[:5]
        with pytest.raises(DataError, match="no rows; want rows, because it is a session") as caught:
            e.run(bars(e.store, days), plan="premium")
        assert sum(day.isoformat() in str(caught.value) for day in days) == 1
        report = e.run(bars(e.store, days), plan="premium")
        assert (report.fetched_pages, report.skipped_complete) == (1, 4)


def test_an_empty_holiday_is_fine(evening):
    with evening() as e:
        holiday = next(
            day
            for day in (e.market.sessions[0] + timedelta(days=n) for n in range(10))
            if day not in set(e.market.sessions)
        )
        report = e.run(bars(e.store, [holiday]))
        assert (report.empty, report.rows) == ([holiday], 0)
        assert e.run(bars(e.store, [holiday])).skipped_complete == 1


@pytest.mark.parametrize(("source", "hour"), [("daily_bars", "16:30"), ("listed_issues", "08:00")])
def test_before_its_hour_a_day_is_not_yet_published_and_the_others_land(evening, source, hour):
    early = time(16, 29) if source == "daily_bars" else time(7, 59)
    with evening(at=early) as e:
        days = e.market.sessions[-3:]
        with pytest.raises(DataError, match=f"not yet published.*{hour} JST.*Run again after that hour"):
            e.run(bars(e.store, days, source=source))
        assert sorted(e.store.raw.requests(source)["event_date"]) == days[:2]
        e.clock.advance_to(e.clock.now() + timedelta(minutes=1))
        report = e.run(bars(e.store, days, source=source))
        assert (report.fetched_pages, report.skipped_complete) == (1, 2)


def test_a_range_reaching_beyond_the_plan_is_cut_to_it(evening):
    with evening(options=ServerOptions(is_partial_range_refused=True)) as e:
        end = e.market.sessions[-1]
        report = e.run(
            lambda c: fetch_range(c, e.store, "topix", date(2009, 1, 5), end, run_id="r"), key="simulator-light-key"
        )
        assert report.rows == 160
        assert report.skipped_uncovered[0] == date(2009, 1, 5)
        assert all(day < end - timedelta(days=5 * 365) for day in report.skipped_uncovered)


def test_a_range_wholly_beyond_the_plan_is_reported_and_not_an_error(evening):
    with evening() as e:
        report = e.run(
            lambda c: fetch_range(c, e.store, "topix", date(2009, 1, 5), date(2009, 1, 9), run_id="r"),
            key="simulator-light-key",
        )
        assert (report.rows, len(report.skipped_uncovered)) == (0, 5)


def test_uncovered_is_never_mistaken_for_refused(evening):
    with evening() as e:

        async def ask(client):
            return [page async for page in client.pages("daily_bars", {"date": "2010-01-04"})]

        with pytest.raises(CoverageError) as caught:
            e.run(ask, key="simulator-standard-key")
        assert caught.value.covered_from.year == e.clock.now().year - 10
        assert caught.value.covered_to is None


def test_an_answer_about_a_part_of_a_day_does_not_complete_it(evening):
    with evening() as e:
        day = e.market.sessions[-5]
        for part in ({"s33": "0050"}, {"s33": "50"}):
            request = Request("short_ratio", {"date": day.isoformat(), **part}, day)
            land_rows(e, request)
        report = e.run(bars(e.store, [day], source="short_ratio"), plan="premium")
        assert (report.skipped_complete, report.fetched_pages) == (0, 1)


def land_rows(e, request):
    """Land one row as the answer to a request."""
    page = RawPage(
        source=request.source,
        params=request.params,
        event_date=request.event_date,
        payload=b'{"data": [{"S33": "0050"}]}',
        row_count=1,
        page_number=1,
        pagination_key_next=None,
        url="",
        status=200,
        fetched_at=e.clock.now(),
        field_names=("S33",),
        fetch_id=request.key,
        run_id="part",
    )
    e.store.raw.land(page)
    e.store.raw.flush()
