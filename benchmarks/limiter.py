"""Share of the allowed rate that the client reaches while answers take long: `python benchmarks/limiter.py [seconds]`.

The production client and limiter run at the real rate against the simulator, which counts requests as the service
does and answers after a fixed delay. Plan detection is left out. Share = requests sent per second / allowed per second.
The last lines ask statements beside prices, each at the rate of its own budget.
"""

from __future__ import annotations

import asyncio
import sys
import warnings
from collections.abc import Sequence
from datetime import datetime, time

warnings.filterwarnings("ignore", category=DeprecationWarning)

from gogoku_pipeline.core.clocks import JST, VirtualClock  # noqa: E402 - after the filter
from gogoku_pipeline.jquants import JQuantsClient, Utilisation, endpoint  # noqa: E402
from gogoku_pipeline.simulator.config import MarketConfig  # noqa: E402
from gogoku_pipeline.simulator.faults import FaultPlan, SlowAnswer, When  # noqa: E402
from gogoku_pipeline.simulator.market import Market, generate_market  # noqa: E402
from gogoku_pipeline.simulator.thread import run_simulator_thread  # noqa: E402

LATENCIES_SECONDS = (0.2, 1.0, 3.0)
PLANS = ("light", "standard", "premium")


async def drive(
    base_url: str, plan: str, clock: VirtualClock, day: str, seconds: float, sources: Sequence[str]
) -> dict[str, tuple[Utilisation, int]]:
    async with JQuantsClient(base_url, f"simulator-{plan}-key", plan=plan, clock=clock) as client:
        workers = {source: await client.in_flight(endpoint(source).budget) for source in sources}
        stop = clock.monotonic() + seconds

        async def worker(source: str) -> None:
            while clock.monotonic() < stop:
                async for _ in client.pages(source, {"date": day}):
                    pass

        await asyncio.gather(*(worker(source) for source, n in workers.items() for _ in range(n)))
        return {source: (client.utilisation[endpoint(source).budget], n) for source, n in workers.items()}


def measure(
    market: Market, plan: str, latency: float, seconds: float, sources: Sequence[str] = ("daily_bars",)
) -> dict[str, tuple[Utilisation, int]]:
    newest = market.sessions[-1]
    clock = VirtualClock(datetime.combine(newest, time(19), tzinfo=JST), rate_scale=1.0)
    slow = FaultPlan(SlowAnswer(When(times=None), seconds=latency))
    with run_simulator_thread(market, clock, faults=slow) as server:
        return asyncio.run(drive(server.base_url, plan, clock, newest.isoformat(), seconds, sources))


def main(seconds: float) -> None:
    market = generate_market(MarketConfig.preset("tiny", seed=7))
    heads = f"{'latency s':>10}{'in flight':>11}{'requests':>10}{'seconds':>9}{'share':>8}{'429':>5}"
    print(f"{'plan':<10}{'source':<12}{heads}")
    runs = [(plan, latency, ("daily_bars",)) for plan in PLANS for latency in LATENCIES_SECONDS]
    runs += [("premium", latency, ("daily_bars", "statements")) for latency in LATENCIES_SECONDS]
    for plan, latency, sources in runs:
        for source, (used, workers) in measure(market, plan, latency, seconds, sources).items():
            print(
                f"{plan:<10}{source:<12}{latency:>10.1f}{workers:>11}{used.requests:>10}{used.seconds:>9.1f}"
                f"{used.share:>8.1%}{used.rejections:>5}"
            )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 6.0)
