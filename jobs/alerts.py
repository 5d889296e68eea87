"""Who is told: one sensor that reads failed checks and failed runs and hands them to the notifier.

Belongs here: the cursor over Dagster's event log, grouping of events into alerts.
Does not belong here: how a message is delivered (`gogoku_pipeline.monitoring.notify`).

The cursor starts at the newest event (a first deployment does not alert history), moves only after delivery, and
remembers what it sent, so that evaluations of one check in one run are one message even across ticks. A run that
failed only because a check said so is not reported twice. The sensor leaves a heartbeat behind at every tick: a
sensor that stopped is itself silent, and `gogoku doctor` reads the heartbeat from outside.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import dagster as dg
from pydantic import BaseModel

from gogoku_pipeline.core.errors import GogokuError

RANGE_END = "dagster/asset_partition_range_end"
EVENTS_PER_TICK = 500
REMEMBERED = 200


class AlertCursor(BaseModel):
    """Where the sensor stands: `event` is the newest storage id dealt with, `sent` the newest alert keys."""

    event: int
    sent: list[str] = []


@dataclass(frozen=True)
class Event:
    """One row of the event log: its storage id, its run with the last session it was for, and what Dagster says."""

    id: int
    run_id: str
    kind: dg.DagsterEventType
    detail: Any
    session: str | None = None


@dataclass
class Finding:
    """Events that make one message.

    Attributes:
        key: tells one finding from another, so that none is sent twice.
        rule: what fired.
        about: asset or step.
        lines: what happened, one clause per event.
        sessions: the sessions it happened to, in the order they were found.
        session: the last one its run was for; stands in where an event names none.
    """

    key: str
    rule: str
    about: str
    lines: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    session: str | None = None

    @property
    def subject(self) -> str:
        """What it is about with its first session: repeating a run on that session is the same subject."""
        named = self.sessions or ([self.session] if self.session else [])
        more = f" and {len(named) - 1} more" if len(named) > 1 else ""
        return f"{self.about} {named[0]}{more}" if named else self.about


Deliver = Callable[[Finding], None]
"""Hands one finding to a person; raises when it was not delivered."""


def read_events(instance: dg.DagsterInstance, after: int, limit: int = EVENTS_PER_TICK) -> list[Event]:
    """Check evaluations and run failures after a storage id, oldest first.

    This is the one place that asks the event log storage directly: Dagster has no public query over all runs.
    """
    found: list[Event] = []
    for kind in (dg.DagsterEventType.ASSET_CHECK_EVALUATION, dg.DagsterEventType.RUN_FAILURE):
        rows = instance.event_log_storage.get_logs_for_all_runs_by_log_id(
            after_cursor=after, dagster_event_type=kind, limit=limit
        )
        found += [
            Event(row_id, entry.run_id, kind, entry.dagster_event.event_specific_data)
            for row_id, entry in rows.items()
            if entry.dagster_event is not None
        ]
    page = sorted(found, key=lambda event: event.id)[:limit]
    sessions = run_sessions(instance, {event.run_id for event in page})
    return [replace(event, session=sessions.get(event.run_id)) for event in page]


def run_sessions(instance: dg.DagsterInstance, run_ids: Collection[str]) -> dict[str, str]:
    """The session each run was for, the last one of a range; runs without one are left out."""
    runs = instance.get_runs(dg.RunsFilter(run_ids=sorted(run_ids))) if run_ids else []
    named = {run.run_id: run.tags.get("dagster/partition") or run.tags.get(RANGE_END) for run in runs}
    return {run_id: session for run_id, session in named.items() if session}


def newest_event(instance: dg.DagsterInstance) -> int:
    """The newest storage id of the event log, -1 for an empty one."""
    newest = instance.event_log_storage.get_maximum_record_id()
    return -1 if newest is None else newest


def findings(events: Iterable[Event]) -> list[Finding]:
    """Failed checks by check and run, and runs that failed for another reason than a check."""
    made: dict[str, Finding] = {}
    for event in events:
        if event.kind is dg.DagsterEventType.RUN_FAILURE:
            finding = _failed_run(event)
        elif not event.detail.passed:
            finding = _failed_check(event)
        else:
            finding = None
        if finding is None:
            continue
        kept = made.setdefault(finding.key, finding)
        if kept is not finding:
            kept.lines += [line for line in finding.lines if line not in kept.lines]
            kept.sessions += [session for session in finding.sessions if session not in kept.sessions]
    return list(made.values())


def _failed_check(event: Event) -> Finding:
    detail = event.detail
    asset = detail.asset_key.to_user_string()
    return Finding(
        key=f"{event.run_id}/{asset}/{detail.check_name}",
        rule=f"{detail.severity.value} {detail.check_name}",
        about=asset,
        lines=[
            f"run {event.run_id[:8]}",
            f"{detail.partition or event.session or 'run'}: {detail.description or 'failed'}",
        ],
        sessions=[detail.partition] if detail.partition else [],
        session=event.session,
    )


def _failed_run(event: Event) -> Finding | None:
    step = event.detail.first_step_failure_event if event.detail else None
    problem = step.event_specific_data.error if step is not None else getattr(event.detail, "error", None)
    while problem is not None and problem.cause is not None:
        problem = problem.cause
    if problem is not None and problem.cls_name == "DagsterAssetCheckFailedError":
        return None
    message = "no error was recorded" if problem is None else problem.message.strip().splitlines()[0][:400]
    where = "the run" if step is None else f"step {step.step_key}"
    return Finding(
        key=f"{event.run_id}/failed",
        rule="run failed",
        about=f"{where} of run {event.run_id[:8]}",
        lines=[message],
    )


def advance(cursor: AlertCursor, events: list[Event], newest: int, deliver: Deliver) -> AlertCursor:
    """Deliver what is new and say where the sensor now stands.

    Args:
        cursor: where it stood.
        events: everything after the cursor, oldest first (a full page means there may be more).
        newest: newest storage id before the events were read.
        deliver: hands over one finding; raises GogokuError when it could not.

    Returns:
        The new cursor. After a failed delivery it keeps the place before the undelivered finding but remembers what
        was delivered.

    Raises:
        GogokuError: when the very first delivery failed, so that the tick shows as failed.
    """
    sent = list(cursor.sent)
    delivered = 0
    for finding in findings(events):
        if finding.key in sent:
            continue
        try:
            deliver(finding)
        except GogokuError:
            if not delivered:
                raise
            return AlertCursor(event=cursor.event, sent=sent[-REMEMBERED:])
        sent.append(finding.key)
        delivered += 1
    reached = events[-1].id if len(events) >= EVENTS_PER_TICK else max([newest, *(event.id for event in events)])
    return AlertCursor(event=reached, sent=sent[-REMEMBERED:])


def alert_sensor(
    deliver: Deliver, beat: Callable[[], None], status: dg.DefaultSensorStatus, interval_seconds: int = 30
) -> dg.SensorDefinition:
    """The sensor over failed checks and failed runs.

    Args:
        deliver: hands one finding to a person.
        beat: leaves the heartbeat.
        status: whether the sensor runs without being switched on.
        interval_seconds: least time between two ticks.
    """

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=interval_seconds,
        default_status=status,
        description="Failed checks and failed runs, handed to the notifier once each.",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        newest = newest_event(context.instance)
        if context.cursor is None:
            beat()
            return dg.SensorResult(cursor=AlertCursor(event=newest).model_dump_json())
        cursor = AlertCursor.model_validate_json(context.cursor)
        moved = advance(cursor, read_events(context.instance, cursor.event), newest, deliver)
        beat()
        return dg.SensorResult(cursor=moved.model_dump_json())

    return alerts
