"""The schedules as the running web server evaluates them: asked over GraphQL for ticks of our choosing."""

import json
import os
import signal
import subprocess
import urllib.request
from datetime import datetime

import pytest

from gogoku_pipeline.core.clocks import JST
from tests.flow.command_line import SCRIPT, environment
from tests.flow.test_browser import free_port, still_running, wait_for_location

DRY_RUN = """
mutation ($schedule: ScheduleSelector!, $at: Float) {
  scheduleDryRun(selectorData: $schedule, timestamp: $at) {
    ... on DryRunInstigationTick { evaluationResult { skipReason error { message } runRequests { runKey } } }
  }
}
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The UI of an open-ended deployment of somebody's own."""
    place, port = tmp_path_factory.mktemp("own"), free_port()
    names = {"GOGOKU_DATA_URL": f"file://{place / 'data'}", "GOGOKU_START_DATE": "2024-01-04", "GOGOKU_PLAN": "light"}
    with (place / "ui.log").open("w") as log:
        server = subprocess.Popen(
            [SCRIPT, "ui", "--port", str(port)],
            cwd=place,
            env=environment(place, **names),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            wait_for_location(f"http://127.0.0.1:{port}", server, place / "ui.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(server.pid, signal.SIGINT)
            server.wait(timeout=60)
    assert not still_running(place)


def tick(address, schedule, at):
    """What the first tick from an instant on asks for, or why it asks for nothing."""
    selector = {"repositoryName": "__repository__", "repositoryLocationName": "gogoku", "scheduleName": schedule}
    asked = {"schedule": selector, "at": datetime.fromisoformat(at).replace(tzinfo=JST).timestamp()}
    body = json.dumps({"query": DRY_RUN, "variables": asked}).encode()
    request = urllib.request.Request(f"{address}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        found = json.load(answer)["data"]["scheduleDryRun"]["evaluationResult"]
    assert found["error"] is None, found
    return [run["runKey"] for run in found["runRequests"]] or found["skipReason"]


@pytest.mark.parametrize(
    ("schedule", "at", "asked"),
    [
        ("evening_schedule", "2024-05-10 19:05", ["2024-05-10"]),  # a Friday evening: tonight's session
        ("evening_schedule", "2024-05-11 19:05", ["2024-05-13"]),  # Saturday has no tick; the next is Monday's
        ("morning_schedule", "2024-05-11 05:30", ["2024-05-10"]),  # the morning after: Friday's final editions
    ],
)
def test_a_tick_asks_for_the_session_it_belongs_to(address, schedule, at, asked):
    assert tick(address, schedule, at) == asked


@pytest.mark.parametrize(
    ("schedule", "at"), [("evening_schedule", "2024-05-06 19:05"), ("morning_schedule", "2024-05-07 05:30")]
)
def test_a_holiday_asks_for_nothing_and_says_so(address, schedule, at):
    assert "no session" in tick(address, schedule, at)
