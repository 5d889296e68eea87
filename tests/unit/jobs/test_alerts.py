"""The alert sensor: nothing of the past, nothing twice, nothing lost when delivery fails."""

import dagster as dg
import pytest

from gogoku_pipeline.core.errors import ConfigError
from jobs.alerts import AlertCursor, advance, alert_sensor, findings, newest_event, read_events

OFF = dg.DefaultSensorStatus.STOPPED


@dg.asset
def prices() -> int:
    """An asset to be checked."""
    return 1


@dg.asset_check(asset=prices, blocking=True)
def keys_unique():
    return dg.AssetCheckResult(passed=False, description="3 rows share a key")


@dg.asset_check(asset=prices)
def drift():
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description="PSI 0.3")


@dg.asset_check(asset=prices)
def fresh():
    return dg.AssetCheckResult(passed=True)


@dg.asset(deps=[prices])
def ranking() -> int:
    """Downstream."""
    return 2


@dg.asset
def broken() -> int:
    """Fails for a reason of its own."""
    raise ConfigError("GOGOKU_PLAN", got="'gold'", want="a plan", remedy="Correct it.")


@pytest.fixture(params=["ephemeral", "sqlite"])
def instance(request, tmp_path):
    if request.param == "ephemeral":
        with dg.DagsterInstance.ephemeral(str(tmp_path)) as made:
            yield made
    else:
        with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
            yield made


class Inbox:
    """A receiver that can be closed for a while."""

    def __init__(self):
        self.received = []
        self.open_until = None

    def __call__(self, finding):
        if self.open_until is not None and len(self.received) >= self.open_until:
            raise ConfigError("receiver", got="closed", want="open", remedy="Open it.")
        self.received.append(finding)


def run(instance, *definitions):
    return dg.materialize(list(definitions), instance=instance, raise_on_error=False)


def tick(instance, cursor, inbox):
    newest = newest_event(instance)
    return advance(cursor, read_events(instance, cursor.event), newest, inbox)


def test_a_failed_error_check_and_its_run_are_one_message(instance):
    run(instance, prices, keys_unique, ranking)
    made = findings(read_events(instance, -1))
    assert [finding.rule for finding in made] == ["ERROR keys_unique"]
    assert "3 rows share a key" in made[0].lines[1]


def test_a_warning_alerts_although_its_run_succeeds(instance):
    assert run(instance, prices, drift, fresh).success
    assert [(made.rule, made.subject) for made in findings(read_events(instance, -1))] == [("WARN drift", "prices")]


def test_a_run_that_fails_by_itself_names_step_and_reason(instance):
    run(instance, broken)
    (finding,) = findings(read_events(instance, -1))
    assert finding.rule == "run failed"
    assert finding.subject.startswith("step broken of run")
    assert "GOGOKU_PLAN: got 'gold'" in finding.lines[0]


def test_a_first_tick_alerts_nothing_of_the_past(instance):
    run(instance, prices, keys_unique)
    inbox, beats = Inbox(), []
    sensor = alert_sensor(inbox, lambda: beats.append(1), OFF)
    result = sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
    assert AlertCursor.model_validate_json(result.cursor).event == newest_event(instance)
    assert (inbox.received, beats) == ([], [1])


def test_the_next_tick_delivers_once_and_moves_on(instance):
    inbox = Inbox()
    sensor = alert_sensor(inbox, lambda: None, OFF)
    cursor = sensor.evaluate_tick(dg.build_sensor_context(instance=instance)).cursor
    run(instance, prices, keys_unique)
    for _ in range(3):
        cursor = sensor.evaluate_tick(dg.build_sensor_context(instance=instance, cursor=cursor)).cursor
    assert [finding.rule for finding in inbox.received] == ["ERROR keys_unique"]


def test_the_cursor_waits_for_delivery_and_repeats_nothing(instance):
    run(instance, prices, keys_unique, drift)
    inbox = Inbox()
    inbox.open_until = 0
    start = AlertCursor(event=-1)
    with pytest.raises(ConfigError, match="closed"):
        tick(instance, start, inbox)
    inbox.open_until = 1
    half = tick(instance, start, inbox)
    assert half.event == -1
    inbox.open_until = None
    done = tick(instance, half, inbox)
    assert done.event == newest_event(instance)
    assert len({finding.key for finding in inbox.received}) == len(inbox.received) == 2


def test_two_runs_with_the_same_failure_are_two_messages(instance):
    run(instance, prices, keys_unique)
    run(instance, prices, keys_unique)
    assert len(findings(read_events(instance, -1))) == 2


def test_pages_are_read_to_their_end(instance):
    run(instance, prices, keys_unique, drift, fresh)
    first = read_events(instance, -1, limit=2)
    rest = read_events(instance, first[-1].id, limit=50)
    assert [event.id for event in first + rest] == [event.id for event in read_events(instance, -1)]


DAYS = dg.StaticPartitionsDefinition(["2024-05-07", "2024-05-08"])


@dg.asset(partitions_def=DAYS, check_specs=[dg.AssetCheckSpec("champion_serves", asset="served")])
def served():
    yield dg.MaterializeResult()
    yield dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description="the baseline stands in")


def test_a_check_answered_inside_an_asset_is_about_the_session_of_its_run(instance):
    """Otherwise a warning of next month would look like this month's and never be sent."""
    for key in DAYS.get_partition_keys():
        dg.materialize([served], instance=instance, partition_key=key)
    made = findings(read_events(instance, -1))
    assert [finding.subject for finding in made] == ["served 2024-05-07", "served 2024-05-08"]
    assert "2024-05-07: the baseline stands in" in made[0].lines
