"""A session asks for its event days: weekends, later publications, two hours of one file, a beginning, two clocks."""

from datetime import date, datetime, time, timedelta

import pytest

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.core.errors import DataError, RequestError, ServerError
from gogoku_pipeline.core.sessions import OUTAGE
from gogoku_pipeline.ingest import fetch_sessions, published_at
from gogoku_pipeline.ingest.publication import are_rows_due, event_days
from gogoku_pipeline.jquants import JQuantsClient
from gogoku_pipeline.schema.register import SOURCES
from gogoku_pipeline.simulator.faults import ServerFailure, When
from tests.unit.ingest.conftest import RATE_SCALE
from tests.unit.ingest.fetching import asked_days, bars

MONDAY = date(2020, 7, 13)


def test_monday_asks_for_saturday_and_sunday_too(evening):
    with evening() as e:
        report = e.run(bars(e.store, [MONDAY], source="statements"), plan="premium")
        weekend = [MONDAY - timedelta(days=n) for n in (2, 1, 0)]
        assert sorted(asked_days(e, "/fins/summary")) == [day.isoformat() for day in weekend]
        assert (report.requested, report.fetched_pages) == (1, 3)
        assert set(weekend[:2]) <= set(report.empty)
        assert e.run(bars(e.store, [MONDAY], source="statements"), plan="premium").skipped_complete == 3


def test_weekly_margin_balances_are_asked_on_the_session_of_their_publication(evening):
    with evening() as e:
        week = [MONDAY + timedelta(days=n) for n in range(5)]
        report = e.run(bars(e.store, week, source="margin_interest"), plan="premium")
        assert asked_days(e, "/markets/margin-interest") == ["2020-07-10"]
        assert report.rows > 0
        assert e.store.raw.requests("margin_interest")["event_date"].to_list() == [date(2020, 7, 10)]


def test_short_positions_are_asked_by_their_own_parameter(evening):
    with evening() as e:
        e.run(bars(e.store, [MONDAY], source="short_positions"), plan="premium")
        assert len(asked_days(e, "/markets/short-sale-report", "disc_date")) == 3


def test_what_is_landed_before_its_final_hour_is_provisional_and_asked_again(evening):
    with evening(at=time(19, 0)) as e:
        today = e.market.sessions[-1]
        days = [e.market.sessions[-2], today]
        first = e.run(bars(e.store, days, source="statements"), plan="premium")
        assert first.provisional == [today]
        assert e.run(bars(e.store, days, source="statements"), plan="premium").provisional == [today]
        e.clock.advance_to(datetime.combine(today + timedelta(days=1), time(5, 30), tzinfo=JST))
        last = e.run(bars(e.store, days, source="statements"), plan="premium")
        assert (last.provisional, last.fetched_pages) == ([], 1)
        assert e.run(bars(e.store, days, source="statements"), plan="premium").fetched_pages == 0


def test_a_night_file_is_not_yet_there_in_the_evening(evening):
    with evening(at=time(19, 0)) as e:
        today = e.market.sessions[-1]
        with pytest.raises(DataError, match="index_options .*not yet published.*03:00 JST"):
            e.run(bars(e.store, [today], source="index_options"), plan="premium")
        assert e.calls() == []


def test_days_before_the_publishers_first_are_counted_and_not_asked(evening):
    with evening() as e:
        report = e.run(bars(e.store, [date(2015, 3, 30), date(2015, 3, 31)], source="breakdown"), plan="premium")
        assert (report.before_start, report.fetched_pages, e.calls()) == (2, 0, [])


def test_the_outage_is_empty_by_right_where_the_data_set_says_so(evening):
    with evening() as e:
        report = e.run(bars(e.store, [OUTAGE], source="short_ratio"), plan="premium")
        assert report.empty == [OUTAGE]
        assert e.run(bars(e.store, [OUTAGE], source="short_ratio"), plan="premium").skipped_complete == 1
        assert e.run(bars(e.store, [OUTAGE], source="daily_bars"), plan="premium").rows > 0


def test_the_first_balances_before_a_history_begins_are_no_loss(evening):
    with evening() as e:
        report = e.run(bars(e.store, e.market.sessions[:20], source="margin_interest"), plan="premium")
        assert report.empty == [date(2020, 5, 29)]
        assert "the history begins later" in report.warnings[0]


@pytest.mark.parametrize(
    ("source", "day", "due"),
    [
        ("daily_bars", OUTAGE, True),
        ("breakdown", OUTAGE, False),
        ("statements", MONDAY, False),
        ("daily_bars", MONDAY - timedelta(days=1), False),
        ("futures", date(2022, 9, 26), True),
        ("futures", date(2022, 9, 23), False),
    ],
)
def test_rows_are_due_by_calendar_and_data_set(source, day, due):
    assert are_rows_due(SOURCES[source], day) is due


def test_derivatives_are_asked_on_holidays_too():
    assert event_days("futures", [date(2022, 9, 26)])[0] == [date(2022, 9, 23), date(2022, 9, 26)]


def test_pages_of_the_preliminary_edition_are_not_continued_after_the_final_hour(evening):
    stop = ServerFailure(When(path="/fins/summary", from_page=2, times=6))
    with evening(stop, session=date(2020, 8, 7), at=time(23, 50), page_bytes=2_000) as e:
        day = date(2020, 8, 7)
        with pytest.raises(ServerError):
            e.run(bars(e.store, [day], source="statements"), plan="premium")
        assert e.store.raw.requests("statements")["page_number"].to_list() == [1]
        e.clock.advance_to(datetime.combine(day + timedelta(days=1), time(0, 40), tzinfo=JST))
        report = e.run(bars(e.store, [day], source="statements"), plan="premium")
        assert (report.resumed, report.provisional) == (0, [])
        assert e.store.raw.newest("statements")["fetched_at"].min() >= published_at("statements", day)


def test_short_weeks_ask_for_no_balances():
    january = [date(2020, 1, day) for day in (6, 7, 8, 9, 10)]
    assert event_days("margin_interest", january)[0] == [date(2019, 12, 27)]  # not the lone session of 30 December
    golden = [date(2019, 5, day) for day in (7, 8, 9, 10)]
    assert event_days("margin_interest", golden)[0] == [date(2019, 4, 26)]


def _ahead(e, source, days, minutes=10):
    """A fetch by a machine whose clock is ahead of the publisher's."""
    clock = VirtualClock(e.clock.now() + timedelta(minutes=minutes), rate_scale=RATE_SCALE)

    async def go(_):
        async with JQuantsClient(e.server.base_url, "simulator-premium-key", plan="premium", clock=clock) as client:
            return await fetch_sessions(client, e.store, source, days, run_id="ahead", bulk=False)

    return e.run(go)


def test_a_clock_ten_minutes_ahead_makes_an_error_and_no_complete_day(evening):
    with evening(at=time(16, 25)) as e:
        today = e.market.sessions[-1]
        with pytest.raises(DataError, match=r"daily_bars .*no rows.*This clock says 16:35 JST: check it"):
            _ahead(e, "daily_bars", [today])
        e.clock.advance_to(e.clock.now() + timedelta(hours=1))
        assert e.run(bars(e.store, [today]), plan="premium").rows > 0


def test_a_clock_ten_minutes_ahead_does_not_make_an_empty_evening_complete(evening):
    with evening(at=time(17, 25)) as e:
        today = e.market.sessions[-1]
        assert published_at("short_positions", today) < e.clock.now() + timedelta(minutes=10)
        report = _ahead(e, "short_positions", [today])
        assert (today in report.provisional, today in report.empty) == (True, False)
        e.clock.advance_to(e.clock.now() + timedelta(hours=1))
        assert e.run(bars(e.store, [today], source="short_positions"), plan="premium").fetched_pages >= 1


def test_a_clock_ten_minutes_behind_waits_longer_and_loses_nothing(evening):
    with evening(at=time(16, 35)) as e:
        today = e.market.sessions[-1]
        with pytest.raises(DataError, match="not yet published at 2021-.* 16:25 JST.*16:30"):
            _ahead(e, "daily_bars", [today], minutes=-10)
        assert e.calls() == []
        e.clock.advance_to(e.clock.now() + timedelta(minutes=6))
        assert _ahead(e, "daily_bars", [today], minutes=-10).rows > 0
        assert e.run(bars(e.store, [today]), plan="premium").skipped_complete == 1


def test_an_unknown_source_is_refused_by_name(evening):
    with evening() as e, pytest.raises(RequestError, match="'bars'"):
        e.run(bars(e.store, [MONDAY], source="bars"))
