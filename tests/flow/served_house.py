"""Dagster's own processes for a test: started in groups of their own, asked over GraphQL, confirmed gone."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from tests.servers.free_ports import free_port

ROOT = Path(__file__).resolve().parents[2]
BACKFILL = """
mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}"""
STATUS = "query ($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"
LOCATIONS = (
    "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus locationOrLoadError { __typename } } } } }"
)


@contextmanager
def folder_in_memory(tmp_path):
    """A folder that is gone afterwards: an event is a commit with fsync, which memory does not wait for."""
    memory = Path("/dev/shm")
    folder = tmp_path if not memory.is_dir() else memory / f"gogoku-{tmp_path.name}-{os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def serving(folder, location, environment):
    """A webserver and a daemon over a code location; the house's own instance settings, data and caches in a folder.

    Args:
        folder: where everything lies.
        location: source text of the module that builds the definitions.
        environment: names beside those of the places.
    """
    with web_serving(folder, location, environment) as made, made.daemon():
        yield made


@contextmanager
def web_serving(folder, location, environment):
    """The webserver of `serving` alone: its daemon is started, and may be killed, by whoever asks for it."""
    port = free_port()
    (folder / "home").mkdir()
    (folder / "data").mkdir(exist_ok=True)
    shutil.copy(ROOT / "dagster.yaml", folder / "home" / "dagster.yaml")
    (folder / "location.py").write_text(location)
    (folder / "workspace.yaml").write_text(f"load_from: [{{python_file: {{relative_path: {folder}/location.py}}}}]\n")
    places = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "DAGSTER_HOME": str(folder / "home"),
        "DAGSTER_EVENT_BATCH_SIZE": "1000",
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "GOGOKU_DATA_URL": f"file://{folder / 'data'}",
        "GOGOKU_CACHE_DIR": str(folder / "cache"),
    }
    web = ["dagster-webserver", "-w", str(folder / "workspace.yaml"), "-h", "127.0.0.1", "-p", str(port)]
    with process("web", web, places | environment, folder):
        made = Served(port, folder / "home", folder / "location.py", places | environment)
        wait(made.is_loaded, 180, "the code location")
        yield made


@contextmanager
def process(name, arguments, environment, folder):
    """A process in its own group, stopped by its id and confirmed gone."""
    with (folder / f"{name}.log").open("w") as log:
        started = subprocess.Popen(
            [Path(sys.executable).parent / arguments[0], *arguments[1:]],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield started
    finally:
        for ending, seconds in ((signal.SIGTERM, 60), (signal.SIGKILL, 60)):
            if not is_gone_within(0, started):
                os.killpg(started.pid, ending)
            if is_gone_within(seconds, started):
                break
        assert is_gone_within(0, started), f"{name} outlives SIGKILL"


def is_gone_within(seconds, started):
    """Whether the whole group of a process ends in time; a run's worker may outlive its leader."""
    deadline = time.monotonic() + seconds
    while started.poll() is None or group_exists(started.pid):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.5)
    return True


def group_exists(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def wait(holds, seconds, what, every=1.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(every)
    raise AssertionError(f"waited {seconds} s for {what}")


class Pages:
    """How to ask a running webserver, and the home of the instance behind it."""

    def __init__(self, port, home):
        self.port, self.home = port, str(home)

    def ask(self, query, **variables):
        payload = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", payload, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                found = json.loads(answer.read())
        except urllib.error.HTTPError as refusal:
            raise AssertionError(refusal.read().decode()) from None
        assert "errors" not in found, found["errors"]
        return found["data"]

    def is_loaded(self):
        try:
            entries = self.ask(LOCATIONS)["workspaceOrError"]["locationEntries"]
        except OSError:
            return False
        kinds = [entry["locationOrLoadError"] for entry in entries if entry["loadStatus"] == "LOADED"]
        return bool(kinds) and all(kind["__typename"] == "RepositoryLocation" for kind in kinds)

    def backfill(self, assets, keys):
        params = {"assetSelection": [{"path": [name]} for name in assets], "partitionNames": keys}
        found = self.ask(BACKFILL, params=params)["launchPartitionBackfill"]
        assert found["__typename"] == "LaunchBackfillSuccess", found
        return found["backfillId"]

    def finished(self, backfill, seconds):
        def status():
            found = self.ask(STATUS, id=backfill)["partitionBackfillOrError"]["status"]
            return found if found.startswith(("COMPLETED", "FAILED", "CANCELED")) else None

        return wait(status, seconds, f"backfill {backfill}", every=2.0)

    def runs(self, backfill):
        with dg.DagsterInstance.from_config(self.home) as instance:
            return instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": backfill}))

    def failures(self, backfill):
        """What failed in the runs of a backfill: steps with their innermost cause, and checks that did not pass."""
        words = []
        with dg.DagsterInstance.from_config(self.home) as instance:
            for run in self.runs(backfill):
                for entry in instance.all_logs(run.run_id):
                    event = entry.dagster_event
                    if event is not None and event.is_step_failure:
                        words.append(f"{event.step_key}: {_innermost(event.step_failure_data.error)}")
                    if event is not None and event.event_type_value == "ASSET_CHECK_EVALUATION":
                        found = event.asset_check_evaluation_data
                        if not found.passed:
                            words.append(f"{found.asset_key.to_user_string()}: {found.check_name}: {found.description}")
        return words


class Served(Pages):
    """The same, and the code location with what its processes are started in."""

    def __init__(self, port, home, location, environment):
        super().__init__(port, home)
        self.location, self.environment = location, environment

    def daemon(self):
        """A daemon of its own process group, for as long as the context lasts; killing it on the way is fine."""
        folder = self.location.parent
        command = ["dagster-daemon", "run", "-w", str(folder / "workspace.yaml")]
        return process("daemon", command, self.environment, folder)

    def materialise(self, *names):
        """Fill assets without sessions, in a process of their own."""
        command = ["dagster", "asset", "materialize", "--select", ",".join(names), "-f", str(self.location)]
        done = subprocess.run(
            [Path(sys.executable).parent / command[0], *command[1:]],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]


def _innermost(error):
    while error.cause is not None:
        error = error.cause
    return error.message.strip()
