"""Walks the stages of a demo, with progress for whoever watches."""

import time

import dagster as dg
from rich.console import Console

from gogoku.definitions import build_definitions
from gogoku.demo.runner import Runner, dagster_instance
from gogoku.demo.stages import Stage, stages
from gogoku.deployment import DemoNote, demo_deployment
from gogoku.sizes import demo_sizes
from gogoku_pipeline.core.errors import GogokuError
from gogoku_pipeline.simulator.market import Market

GATE_CHECK = "promotes"


class StageFailedError(GogokuError):
    """A stage of the demo failed; what was finished stays, and running again resumes there."""


def definitions_of(note: DemoNote) -> dg.Definitions:
    """The house on the demo's data."""
    place = demo_deployment(note)
    return build_definitions(
        settings=place.settings, start=place.start, end=place.end, clock=place.clock, compute=demo_sizes(note)
    )


def walk(note: DemoNote, market: Market, console: Console) -> None:
    """Fill every stage that is not complete.

    Args:
        note: the demo.
        market: what the simulator serves.
        console: where progress is shown.

    Raises:
        StageFailedError: a run failed for another reason than the gate saying no.
    """
    place = demo_deployment(note)
    with dagster_instance(place.dagster_home, place.database_url) as instance:
        runner = Runner(definitions_of(note), instance, market.sessions)
        for stage in stages(market.sessions):
            began = time.monotonic()
            with console.status(stage.title) as status:
                results = runner.run(stage, lambda text, title=stage.title: status.update(f"{title} [dim]{text}[/]"))
            _judge(stage, results)
            words = f"{time.monotonic() - began:5.1f} s" if results else "   done"
            console.print(f"  [green]{words}[/]  {stage.title}")


def _judge(stage: Stage, results: list[dg.ExecuteInProcessResult]) -> None:
    """A run that failed only because the gate did not promote is an answer; any other failure stops the demo."""
    for result in results:
        if result.success:
            continue
        failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
        if failed and all(check.check_name == GATE_CHECK for check in failed):
            continue
        words = "; ".join(f"{check.asset_key.to_user_string()}: {check.check_name}" for check in failed)
        steps = [event for event in result.all_events if event.is_step_failure]
        causes = "; ".join(_cause(event) for event in steps)
        raise StageFailedError(
            f"demo stage {stage.title!r}",
            got=words or causes or "a failed run",
            want="a run that succeeds",
            remedy=f"Look at run {result.run_id} in the UI (`make dev`), then run the demo again: it resumes here.",
        )


def _cause(event: dg.DagsterEvent) -> str:
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return "" if error is None else error.message.strip()
