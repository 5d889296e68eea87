"""`gogoku simulate`: serve the synthetic market as J-Quants V2 until interrupted."""

import asyncio
import json
from datetime import datetime, time
from typing import Annotated

import typer
from rich.console import Console

from gogoku_pipeline.core.clocks import JST, VirtualClock

console = Console()


def simulate(
    size: Annotated[str, typer.Option(help="tiny, small or full")] = "small",
    seed: Annotated[int, typer.Option(help="same seed, same bytes")] = 7,
    signal: Annotated[float, typer.Option(help="multiplies every planted effect; 0 plants nothing")] = 1.0,
    plan: Annotated[str, typer.Option(help="plan of the printed key: free, light, standard, premium")] = "premium",
    port: Annotated[int, typer.Option(help="port on 127.0.0.1; 0 takes a free one")] = 0,
    rate_scale: Annotated[float, typer.Option(help="how much faster than the wall a plan's minute passes")] = 1.0,
    describe: Annotated[bool, typer.Option("--describe", help="print the planted truth and stop")] = False,
) -> None:
    """Serve a synthetic Tokyo market over HTTP, in the shape of J-Quants V2."""
    from gogoku_pipeline.simulator.config import Dials, MarketConfig
    from gogoku_pipeline.simulator.market import generate_market
    from gogoku_pipeline.simulator.server import ServerOptions, SimulatorServer

    market = generate_market(MarketConfig.preset(size, seed=seed, dials=Dials(overall=signal)))
    if describe:
        console.print_json(json.dumps(market.truth_document(), default=str))
        return
    evening = datetime.combine(market.sessions[-1], time(19, 5), JST)

    async def serve() -> None:
        clock = VirtualClock(evening, rate_scale=rate_scale)
        async with SimulatorServer(market, clock=clock, plan=plan, options=ServerOptions(port=port)) as server:
            console.print(
                f"Serving {len(market.sessions)} sessions at [bold]{server.base_url}[/], it is {evening:%F %H:%M} JST"
            )
            console.print(f"  GOGOKU_API_URL={server.base_url} JQUANTS_API_KEY=simulator-{plan}-key gogoku doctor")
            await asyncio.Event().wait()

    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        console.print("stopped")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(simulate)
