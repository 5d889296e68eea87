"""Walks the stages of a demo, with progress for whoever watches."""

import time
from contextlib import suppress

import dagster as dg
from rich.console import Console

from assets.audit import audit_of_inputs
from gogoku.definitions import build_definitions
from gogoku.demo.ahead import FITTED, Helpers
from gogoku.demo.fits import fit_walks
from gogoku.demo.runner import Runner, dagster_instance
from gogoku.demo.stages import Stage, stages
from gogoku.deployment import DemoNote, demo_deployment
from gogoku.sizes import demo_sizes
from gogoku_pipeline.core.errors import GogokuError
from gogoku_pipeline.registry.tables import GATE
from gogoku_pipeline.simulator.market import Market

ANSWERS = ("promotes", "leak_audit")
"""Checks of the gate whose no is an answer, stored with its verdict and told at the end of the story."""


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

    The gate's inputs are audited while another process fits its walks, then this one begins with the last of them; the
    gate finds the answer, if it held, as it finds the fits.

    Args:
        note: the demo.
        market: what the simulator serves.
        console: where progress is shown.

    Raises:
        StageFailedError: a run failed for another reason than the gate saying no.
    """
    place, road = demo_deployment(note), {stage.title: stage for stage in stages(market.sessions)}
    with dagster_instance(place.dagster_home, place.database_url) as instance:
        runner = Runner(definitions_of(note), instance, market.sessions)
        meanwhile = {FITTED: lambda: _audited_and_fitted(note)}
        with Helpers(console, lambda title: bool(runner.missing(road[title])[0]), meanwhile) as helpers:
            for stage in road.values():
                _walk_stage(stage, runner, helpers, console)


def _audited_and_fitted(note: DemoNote) -> None:
    """What the gate waits for: the audit of its inputs, then the fits that the other process has not come to yet."""
    audit_of_inputs(demo_deployment(note).open_store(), demo_sizes(note))
    with suppress(GogokuError):  # the gate's own stage meets the same and is told so
        fit_walks(note, backwards=True)


def _walk_stage(stage: Stage, runner: Runner, helpers: Helpers, console: Console) -> None:
    began = time.monotonic()
    with console.status(stage.title) as status:
        helpers.before(stage.title)
        results = runner.run(stage, lambda text: status.update(f"{stage.title} [dim]{text}[/]"))
    judge(stage, results)
    words = f"{time.monotonic() - began:5.1f} s" if results else "   done"
    console.print(f"  [green]{words}[/]  {stage.title}")


def judge(stage: Stage, results: list[dg.ExecuteInProcessResult]) -> None:
    """A run that failed only because the gate said no is an answer; any other failure stops the demo.

    The gate says no where the challenger is not better, and where the audit of its inputs found a leak: then too there
    is a verdict (nobody is promoted), a list and a report, and the demo ends with an error.

    Args:
        stage: what ran.
        results: its runs.

    Raises:
        StageFailedError: a run failed otherwise.
    """
    for result in results:
        if result.success:
            continue
        failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
        if failed and all(check.asset_key.path[-1] == GATE.name and check.check_name in ANSWERS for check in failed):
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
