"""A simulator in the background: its own thread, its own event loop, ready when the context is entered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.simulator.market import Market
from gogoku_pipeline.simulator.server import SimulatorServer


@contextmanager
def run_simulator_thread(market: Market, clock: Clock, **settings: Any) -> Iterator[SimulatorServer]:
    """Serve a market from another thread for the time of a `with` block.

    Args:
        market: what is served.
        clock: publication hours and rates follow it.
        settings: further arguments of SimulatorServer (plan, api_keys, page_bytes, faults, options).

    Yields:
        The server, listening: `.base_url`, `.requests_seen`, `.faults`.
    """
    server = SimulatorServer(market, clock=clock, **settings)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="simulator", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(timeout=30)
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(timeout=30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=30)
        loop.close()
