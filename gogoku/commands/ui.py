"""`gogoku ui`: Dagster's own web pages on the demo's data, or on yours as soon as there is a key or a data URL."""

import os
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

if TYPE_CHECKING:
    from gogoku.deployment import Deployment

console = Console()
STOP_SECONDS = 20


def ui(
    port: Annotated[int, typer.Option(help="port on 127.0.0.1")] = 3000,
) -> None:
    """Open lineage, runs, checks, schedules and backfills in the browser."""
    from gogoku.demo.runner import dagster_instance
    from gogoku.deployment import deployment

    place = deployment()
    with _service(place):
        with dagster_instance(place.dagster_home, place.database_url):
            pass
        what = "the demo's data; set JQUANTS_API_KEY for your own" if place.demo else "your own data"
        console.print(f"Dagster on {what}: [bold]http://127.0.0.1:{port}[/] (stop with Ctrl-C)")
        sys.exit(_serve(place.dagster_home, port))


def _service(place: "Deployment") -> AbstractContextManager[Any]:
    """The demo's simulator for as long as the UI runs, so that its backfills find a service."""
    if place.demo is None:
        return nullcontext()
    from gogoku.commands.demo import served

    note = place.demo
    return served(note.size, note.seed, note.signal, note.plan, note.rate_scale, note.data_url)


def _serve(home: Path, port: int) -> int:
    """Run `dagster dev` in a process group of its own and take it down with us."""
    from gogoku_pipeline.core.settings import batch_dagster_events, environment_with

    batch_dagster_events()
    root = Path(__file__).parents[2]
    command = [
        str(Path(sys.executable).parent / "dagster"),
        *("dev", "-w", str(root / "workspace.yaml"), "-h", "127.0.0.1", "-p", str(port)),
    ]
    for stop in (signal.SIGINT, signal.SIGTERM):
        # A shell that started us in the background may have left these ignored, and children inherit that.
        signal.signal(stop, signal.default_int_handler)
    process = subprocess.Popen(command, env=environment_with(DAGSTER_HOME=str(home)), start_new_session=True)
    try:
        return process.wait()
    except KeyboardInterrupt:
        return 130
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the whole process group, gently first; Dagster's code servers outlive its leader otherwise."""
    for stop in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + STOP_SECONDS
        while _signal_group(process, stop) and time.monotonic() < deadline:
            time.sleep(0.5)


def _signal_group(process: subprocess.Popen[bytes], stop: int) -> bool:
    """Whether anybody of the group was still there to hear it."""
    process.poll()
    try:
        os.killpg(process.pid, stop)
    except ProcessLookupError:
        return False
    return True


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(ui)
