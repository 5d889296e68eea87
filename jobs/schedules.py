"""When things run: cron lines in Tokyo time that skip days without a session.

Belongs here: schedules. Each names the session it is for and uses it as run key, so a session is requested once.
Does not belong here: which assets run (`asset_jobs`).

Dagster's own partition schedules tick every calendar day and ask again for the last session; these ask the calendar.
`end_offset=1` lets tomorrow's key exist on closed days; no schedule ever takes the newest key.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import dagster as dg

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.sessions import SessionCalendar, tse_calendar
from jobs.asset_jobs import HouseJobs

SessionOf = Callable[[date, SessionCalendar], date | None]
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
REPOLLED = 10
"""Sessions asked for again every morning: most corrections in place come within two weeks."""


def same_day(day: date, calendar: SessionCalendar) -> date | None:
    """The session of the tick's own day."""
    return day if day in calendar else None


def day_before(day: date, calendar: SessionCalendar) -> date | None:
    """The session of the calendar day before the tick."""
    return same_day(day - timedelta(days=1), calendar)


def last_of_week(day: date, calendar: SessionCalendar) -> date | None:
    """The newest session of the seven days before the tick; none in a week without trading."""
    newest = calendar.on_or_before(day - timedelta(days=1))
    return newest if day - newest <= timedelta(days=7) else None


def session_schedule(
    job: dg.JobDefinition,
    cron: str,
    session_of: SessionOf,
    partitions: dg.PartitionsDefinition,
    status: dg.DefaultScheduleStatus,
    sessions: int = 1,
) -> dg.ScheduleDefinition:
    """A schedule that requests one run for the session a tick belongs to, or says why not.

    Args:
        job: partitioned asset job.
        cron: five fields, Tokyo time.
        session_of: which session a tick is for.
        partitions: the axis of sessions; a session outside it is skipped.
        status: whether the schedule runs without being switched on.
        sessions: how many the one run covers, that of the tick being the last.
    """

    @dg.schedule(
        name=f"{job.name}_schedule",
        job=job,
        cron_schedule=cron,
        execution_timezone=JST.key,
        default_status=status,
        description=job.description,
    )
    def scheduled(context: dg.ScheduleEvaluationContext):  # noqa: ANN202
        tick = context.scheduled_execution_time.astimezone(JST)
        session = session_of(tick.date(), tse_calendar())
        if session is None:
            return dg.SkipReason(f"{tick.date()}: no session of the exchange belongs to this tick")
        key = session.isoformat()
        with dg.partition_loading_context(tick):
            known = partitions.has_partition_key(key)
        if not known:
            return dg.SkipReason(f"{key}: a session outside the partitions of this deployment")
        first = first_of_span(session, sessions, partitions, tick)
        if first == key:
            return dg.RunRequest(run_key=key, partition_key=key)
        return dg.RunRequest(run_key=key, tags={RANGE_START: first, RANGE_END: key})

    return scheduled


def first_of_span(last: date, sessions: int, partitions: dg.PartitionsDefinition, tick: datetime) -> str:
    """Key of the first of so many sessions that end with `last`; fewer where the deployment's history begins."""
    calendar = tse_calendar()
    place = calendar.index(last)
    keys = [day.isoformat() for day in calendar.sessions[max(place - sessions + 1, 0) : place + 1]]
    with dg.partition_loading_context(tick):
        return next(key for key in keys if partitions.has_partition_key(key))


def build_schedules(
    jobs: HouseJobs,
    maintenance: dg.JobDefinition,
    partitions: dg.PartitionsDefinition,
    status: dg.DefaultScheduleStatus,
) -> list[dg.ScheduleDefinition]:
    """Every schedule of the house.

    Args:
        jobs: the asset jobs.
        maintenance: the job without partitions that compacts tables.
        partitions: the axis of sessions.
        status: whether schedules run without being switched on.
    """
    return [
        session_schedule(jobs.evening, "5 19 * * 1-5", same_day, partitions, status),
        session_schedule(jobs.morning, "30 5 * * 2-6", day_before, partitions, status, REPOLLED),
        session_schedule(jobs.retraining, "30 20 * * 1-5", same_day, partitions, status),
        session_schedule(jobs.weekly_gate, "0 7 * * 6", last_of_week, partitions, status),
        dg.ScheduleDefinition(
            name="maintenance_schedule",
            job=maintenance,
            cron_schedule="0 3 * * 0",
            execution_timezone=JST.key,
            default_status=status,
        ),
    ]
