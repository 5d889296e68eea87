"""Only what is certainly dead is called dead: a run's worker with and without its code server."""

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.launcher.base import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from resources.run_launcher import WatchedRunLauncher, is_alive, worker_process
from tests.servers.free_ports import free_port, stop, wait_until_listening

SETTINGS = "run_launcher: {module: resources.run_launcher, class: WatchedRunLauncher}\ntelemetry: {enabled: false}\n"


@pytest.fixture
def instance(tmp_path):
    (tmp_path / "dagster.yaml").write_text(SETTINGS)
    with dg.DagsterInstance.from_config(str(tmp_path)) as opened:
        yield opened


@pytest.fixture
def gone():
    """The id of a process that was and is not."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def started(instance, place, process=None):
    """A run that somebody says to execute on a code server."""
    run = instance.create_run_for_job(dg.GraphDefinition("nothing").to_job(), tags={GRPC_INFO_TAG: json.dumps(place)})
    if process is not None:
        instance.report_engine_event("Started process for run", run, EngineEventData.in_process(process))
    return run


def test_run_monitoring_is_given_a_launcher_that_knows_about_health(instance):
    assert isinstance(instance.run_launcher, WatchedRunLauncher)
    assert instance.run_launcher.supports_check_run_worker_health


def test_a_worker_whose_server_and_process_are_gone_is_dead(instance, tmp_path, gone):
    run = started(instance, {"host": "localhost", "socket": str(tmp_path / "nobody")}, gone)
    found = instance.run_launcher.check_run_worker_health(run)
    assert found.status == WorkerStatus.FAILED and str(gone) in found.msg


def test_a_worker_that_outlived_its_server_is_not_dead(instance, tmp_path):
    run = started(instance, {"host": "localhost", "socket": str(tmp_path / "nobody")}, os.getpid())
    assert instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING


def test_a_silent_server_on_another_machine_may_be_restarting(instance, gone):
    run = started(instance, {"host": "code.invalid", "port": 4000}, gone)
    assert instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING


def test_a_run_that_no_server_was_asked_for_is_left_alone(instance):
    run = started(instance, {})
    assert instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING


def test_a_server_that_answers_and_does_not_know_a_run_says_that_its_worker_is_dead(instance, tmp_path):
    location, port = tmp_path / "location.py", free_port()
    location.write_text("import dagster as dg\ndefs = dg.Definitions()\n")
    script = Path(sys.executable).parent / "dagster"
    command = [script, "api", "grpc", "-f", location, "-h", "127.0.0.1", "-p", str(port)]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_until_listening(port)
        run = started(instance, {"host": "127.0.0.1", "port": port}, os.getpid())
        assert instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.NOT_FOUND
    finally:
        stop(server.pid)
        server.wait()


def test_the_newest_process_of_a_run_is_its_worker(instance, gone):
    run = started(instance, {}, gone)
    assert worker_process(instance, run.run_id) == gone and not is_alive(gone)
    instance.report_engine_event("Started process for run", run, EngineEventData.in_process(os.getpid()))
    assert worker_process(instance, run.run_id) == os.getpid() and is_alive(os.getpid())
    assert worker_process(instance, started(instance, {}).run_id) is None
