"""Schedules know the exchange: a Friday evening, a Saturday, a holiday, the morning after."""

from datetime import date, datetime

import dagster as dg
import pytest

from assets.partitions import session_partitions
from gogoku_pipeline.core.clocks import JST
from jobs.schedules import day_before, last_of_week, same_day, session_schedule

PARTITIONS = session_partitions(date(2024, 4, 1))
OFF = dg.DefaultScheduleStatus.STOPPED


@dg.asset(partitions_def=PARTITIONS)
def bars() -> None:
    """A session asset."""


JOB = dg.define_asset_job("evening", selection=[bars])


def ask(session_of, instant, partitions=PARTITIONS):
    schedule = session_schedule(JOB, "5 19 * * 1-5", session_of, partitions, OFF)
    definitions = dg.Definitions(assets=[bars], jobs=[JOB], schedules=[schedule])
    context = dg.build_schedule_context(
        scheduled_execution_time=instant, repository_def=definitions.get_repository_def()
    )
    return schedule(context)


@pytest.mark.parametrize(
    ("session_of", "instant", "key"),
    [
        (same_day, datetime(2024, 5, 10, 19, 5, tzinfo=JST), "2024-05-10"),
        (day_before, datetime(2024, 5, 11, 5, 30, tzinfo=JST), "2024-05-10"),
        (day_before, datetime(2024, 5, 8, 5, 30, tzinfo=JST), "2024-05-07"),
        (last_of_week, datetime(2024, 5, 11, 7, 0, tzinfo=JST), "2024-05-10"),
        (last_of_week, datetime(2024, 5, 4, 7, 0, tzinfo=JST), "2024-05-02"),
    ],
    ids=["friday evening", "saturday morning", "morning after a tuesday", "weekly", "weekly after holidays"],
)
def test_a_tick_requests_its_session_once(session_of, instant, key):
    request = ask(session_of, instant)
    assert isinstance(request, dg.RunRequest)
    assert (request.partition_key, request.run_key) == (key, key)


@pytest.mark.parametrize(
    ("session_of", "instant"),
    [
        (same_day, datetime(2024, 5, 11, 19, 5, tzinfo=JST)),
        (same_day, datetime(2024, 5, 6, 19, 5, tzinfo=JST)),
        (day_before, datetime(2024, 5, 7, 5, 30, tzinfo=JST)),
        (last_of_week, datetime(2019, 5, 6, 7, 0, tzinfo=JST)),
    ],
    ids=["saturday", "holiday monday", "morning after a holiday", "week without a session"],
)
def test_a_tick_without_session_is_skipped_with_a_reason(session_of, instant):
    answer = ask(session_of, instant)
    assert isinstance(answer, dg.SkipReason)
    assert "no session" in answer.skip_message


def test_a_session_outside_the_deployment_is_skipped():
    answer = ask(same_day, datetime(2024, 3, 29, 19, 5, tzinfo=JST))
    assert "outside the partitions" in answer.skip_message


def test_ticks_are_in_tokyo_time_even_when_the_server_is_not():
    utc = datetime.fromisoformat("2024-05-10T10:05:00+00:00")
    assert ask(same_day, utc).partition_key == "2024-05-10"
