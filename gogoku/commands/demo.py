"""`gogoku demo`: the whole road on a simulated market, from a fetch over HTTP to tonight's ranking."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from datetime import time as hour
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from gogoku_pipeline.core.clocks import JST

if TYPE_CHECKING:
    from gogoku.deployment import DemoNote
    from gogoku_pipeline.simulator.market import Market

console = Console()
EVENING = hour(19, 5)
HORIZON_D = 5


def demo(
    size: Annotated[str, typer.Option(help="tiny (a minute) or small (the whole story)")] = "small",
    seed: Annotated[int, typer.Option(help="same seed, same market")] = 7,
    signal: Annotated[float, typer.Option(help="multiplies every planted effect; 0 plants nothing")] = 1.0,
    plan: Annotated[str, typer.Option(help="plan of the simulated key: light, standard or premium")] = "premium",
    rate_scale: Annotated[float, typer.Option(help="how much faster than the wall a plan's minute passes")] = 600.0,
    data_url: Annotated[str, typer.Option(help="file:///folder or s3://bucket/prefix; empty: ./.gogoku/demo")] = "",
) -> None:
    """Walk the whole road on a simulated market; run again, it resumes."""
    from gogoku_pipeline.core.settings import batch_dagster_events

    batch_dagster_events()
    from gogoku.demo.road import walk
    from gogoku.demo.story import tell_the_end

    began = time.monotonic()
    console.print(f"[bold]gogoku demo[/]: a {size} Tokyo market, seed {seed}, signal {signal:g}, {plan} plan")
    with served(size, seed, signal, plan, rate_scale, data_url) as (note, market):
        walk(note, market, console)
        tell_the_end(note, console)
    console.print(f"[dim]{time.monotonic() - began:.0f} s[/]")


@contextmanager
def served(
    size: str, seed: int, signal: float, plan: str, rate_scale: float, data_url: str = ""
) -> "Iterator[tuple[DemoNote, Market]]":
    """The simulated market behind a real server on a free port, its note saved for other commands."""
    from dataclasses import replace

    from gogoku.deployment import DemoNote, demo_clock, demo_deployment
    from gogoku_pipeline.simulator.config import Dials, MarketConfig
    from gogoku_pipeline.simulator.market import generate_market
    from gogoku_pipeline.simulator.thread import run_simulator_thread
    from resources.truth import keep_truth

    if plan == "free":
        raise typer.BadParameter("the Free plan ends twelve weeks ago: there is no evening to rank; choose light")
    market = generate_market(MarketConfig.preset(size, seed=seed, dials=Dials(overall=signal)))
    first, last = market.sessions[0], market.sessions[-1]
    now = datetime.combine(last, EVENING, JST).isoformat()
    note = DemoNote(
        size, seed, signal, plan, first.isoformat(), last.isoformat(), now, rate_scale, data_url=data_url.rstrip("/")
    )
    with run_simulator_thread(market, demo_clock(note), plan=plan) as server:
        note = replace(note, base_url=server.base_url)
        note.save()
        keep_truth(demo_deployment(note).open_store(), market.oracle_scores(HORIZON_D))
        yield note, market


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)
