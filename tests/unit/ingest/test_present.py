"""What is served of the present only is captured on its evening, as often as it is asked for."""

from datetime import datetime, time, timedelta

import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import RequestError
from gogoku_pipeline.ingest import fetch_now
from gogoku_pipeline.ingest.present import evening_of
from tests.unit.ingest.fetching import group


def now(store, sources):
    return lambda client: fetch_now(client, store, sources, run_id="tonight")


def test_a_snapshot_belongs_to_the_session_of_its_evening_and_lands_every_time(evening):
    with evening(at=time(19, 30)) as e:
        today = e.market.sessions[-5]
    with evening(session=today, at=time(19, 30)) as e:
        (report,) = e.run(now(e.store, ["earnings_calendar"]), plan="premium")
        assert report.fetched_pages == 1
        e.clock.advance_to(datetime.combine(today + timedelta(days=1), time(5, 30), tzinfo=JST))
        e.run(now(e.store, ["earnings_calendar"]), plan="premium")
        index = e.store.raw.requests("earnings_calendar")
        assert index["event_date"].to_list() == [today, today]
        assert index["fetch_id"].n_unique() == 2


def test_morning_bars_are_captured_in_their_hours_and_not_available_outside(evening):
    with evening(at=time(12, 30)) as e:
        (report,) = e.run(now(e.store, ["morning_bars"]), plan="premium")
        assert (report.is_unavailable, report.rows > 0) == (False, True)
        assert e.store.raw.requests("morning_bars")["event_date"].to_list() == [e.market.sessions[-1]]
    with evening(at=time(9, 0)) as early:
        (report,) = early.run(now(early.store, ["morning_bars"]), plan="premium")
        assert (report.is_unavailable, report.rows, report.not_in_plan) == (True, 0, False)


def test_a_plan_without_the_morning_switches_it_off(evening):
    with evening(at=time(12, 30)) as e:
        (report,) = e.run(now(e.store, ["morning_bars"]), key="simulator-standard-key")
        assert report.not_in_plan
        assert e.run(now(e.store, ["morning_bars"]), key="simulator-standard-key")[0].fetched_pages == 0


def test_a_group_captures_the_present_only_for_this_evening(evening):
    with evening(at=time(19, 30)) as e:
        (old,) = e.run(group(e.store, ["earnings_calendar"], e.market.sessions[:3]), plan="premium")
        assert (old.fetched_pages, "only the present is served" in old.warnings[0]) == (0, True)
        (tonight,) = e.run(group(e.store, ["earnings_calendar"], e.market.sessions[-1:]), plan="premium")
        assert tonight.fetched_pages == 1


def test_other_axes_are_refused(evening):
    with evening() as e, pytest.raises(RequestError, match="Use fetch_sessions or fetch_range"):
        e.run(now(e.store, ["daily_bars"]))


@pytest.mark.parametrize(
    ("instant", "session"),
    [
        ("2024-05-08 19:05", "2024-05-08"),
        ("2024-05-09 05:30", "2024-05-08"),
        ("2024-05-09 12:00", "2024-05-09"),
        ("2024-05-12 19:00", "2024-05-10"),
        ("2024-05-13 11:59", "2024-05-10"),
    ],
)
def test_an_evening_lasts_until_noon(instant, session):
    assert evening_of(datetime.fromisoformat(instant).replace(tzinfo=JST)).isoformat() == session
