"""The production client and store against the simulated service."""

import asyncio
from contextlib import contextmanager
from datetime import datetime, time

import pytest

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.jquants import JQuantsClient
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.faults import FaultPlan
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.thread import run_simulator_thread
from gogoku_pipeline.store import open_store

RATE_SCALE = 400


class Evening:
    """A market, a clock, a server, a store, and the client that stands between them."""

    def __init__(self, server, clock, store, market):
        self.server, self.clock, self.store, self.market = server, clock, store, market

    def run(self, action, *, key="simulator-premium-key", plan=None, **options):
        """Run `action(client)` with an open client."""

        async def go():
            async with JQuantsClient(self.server.base_url, key, plan=plan, clock=self.clock, **options) as client:
                return await action(client)

        return asyncio.run(asyncio.wait_for(go(), 60))

    def calls(self, path=""):
        """Requests the service saw after plan detection."""
        seen = [request for request in self.server.requests_seen if request.params.get("date", "2001")[:4] > "2000"]
        return [request for request in seen if path in request.path]


@pytest.fixture(scope="session")
def market():
    return generate_market(MarketConfig.preset("tiny", seed=7))


@pytest.fixture
def evening(market, tmp_path):
    """Open an evening: `with evening(*faults, at=..., **server_settings) as e`."""

    @contextmanager
    def opened(*faults, session=None, at=time(19, 0), **settings):
        clock = VirtualClock(datetime.combine(session or market.sessions[-1], at, tzinfo=JST), rate_scale=RATE_SCALE)
        store = open_store(f"file://{tmp_path}/data")
        with run_simulator_thread(market, clock, faults=FaultPlan(*faults), **settings) as server:
            yield Evening(server, clock, store, market)

    return opened
