"""Runs that know when their worker is dead: after a crash of the machine a run fails, and is tried again, by itself.

Belongs here: the run launcher named in `dagster.yaml`. Does not belong here: how often runs are looked at, how often
they are tried again (`dagster.yaml`).

Dagster's own launcher starts each run in a process of the code server, which notices when that process dies. When
code server and process die together (power cut, reboot, out of memory), nobody does: the run stays "started" until its
six hours are over, and holds its pools until then. Dagster's run monitoring asks a launcher for a worker's health if it
has an answer; this one has.
"""

import json
import os
from pathlib import Path

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import DefaultRunLauncher
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import GetCurrentRunsResult
from dagster._serdes import deserialize_value

LOCAL = ("localhost", "127.0.0.1")


class WatchedRunLauncher(DefaultRunLauncher):
    """Dagster's launcher, which can also say whether the worker of a run is alive.

    Only what is certainly dead is called dead: a code server that answers and does not know the run, or one of this
    machine that does not answer while the worker's process is gone. (A server on another machine that does not answer
    may be restarting; once it answers it knows none of its former runs.)
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Run monitoring may ask."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Whether the process that executes a run is alive.

        Args:
            run: one that was started.
        """
        place = json.loads(run.tags.get(GRPC_INFO_TAG, "{}"))
        if not place:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "started by nobody this launcher knows")
        try:
            known = current_runs(place)
        except DagsterUserCodeUnreachableError:
            return self._without_server(run, place)
        if run.run_id in known:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "its code server does not know it any more")

    def _without_server(self, run: dg.DagsterRun, place: dict[str, object]) -> CheckRunHealthResult:
        is_here = place.get("socket") is not None or place.get("host") in LOCAL
        process = worker_process(self._instance, run.run_id)
        if is_here and process is not None and not is_alive(process):
            return CheckRunHealthResult(WorkerStatus.FAILED, f"its code server and its process {process} are gone")
        return CheckRunHealthResult(WorkerStatus.RUNNING, "its code server does not answer at the moment")


def current_runs(place: dict[str, object]) -> list[str]:
    """Runs that a code server executes at the moment.

    Args:
        place: host, port or socket, as tagged on the run.

    Raises:
        DagsterUserCodeUnreachableError: it does not answer.
    """
    client = DagsterGrpcClient(
        port=place.get("port"),
        socket=place.get("socket"),
        host=place.get("host"),
        use_ssl=bool(place.get("use_ssl", False)),
    )
    return list(deserialize_value(client.get_current_runs(), GetCurrentRunsResult).current_runs)


def worker_process(instance: dg.DagsterInstance, run_id: str) -> int | None:
    """Id of the newest process that said it executes a run; None where none did."""
    events = instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    found = [event.dagster_event.engine_event_data.metadata.get("pid") for event in events if event.dagster_event]
    named = [int(value.value) for value in found if value is not None]
    return named[-1] if named else None


def is_alive(process: int) -> bool:
    """Whether a process of this machine exists, and not only as an entry that nobody has collected yet."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    state = Path(f"/proc/{process}/stat")
    return not state.is_file() or state.read_text().rpartition(")")[2].split()[0] != "Z"
