"""One tiny market for all tests of the room, clocks that stand at a chosen hour, and a plain HTTP reader."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from gogoku_pipeline.core.clocks import JST, VirtualClock
from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import Market, generate_market
from gogoku_pipeline.simulator.server import SimulatorServer
from gogoku_pipeline.simulator.thread import run_simulator_thread


@dataclass(frozen=True)
class Reply:
    """A status, the headers and the body as JSON (or text when it is not JSON)."""

    status: int
    headers: dict[str, str]
    body: Any
    raw: bytes

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.body["data"]


def at(day: date, hour: int = 19, minute: int = 0) -> VirtualClock:
    """A clock that stands at an hour of a day, its rate a thousand times faster."""
    return VirtualClock(datetime.combine(day, time(hour, minute), JST), rate_scale=1000.0)


def read(
    server: SimulatorServer,
    path: str,
    *,
    key: str | None = "simulator-premium-key",
    zipped: bool = False,
    **params: str,
) -> Reply:
    """One GET; `from_` stands for the parameter `from`."""
    query = urlencode({name.rstrip("_"): value for name, value in params.items()})
    headers = ({"x-api-key": key} if key is not None else {}) | ({"Accept-Encoding": "gzip"} if zipped else {})
    try:
        with urlopen(Request(f"{server.base_url}{path}?{query}", headers=headers), timeout=20) as answer:
            status, got, raw = answer.status, dict(answer.headers), answer.read()
    except HTTPError as refusal:
        with refusal:
            status, got, raw = refusal.code, dict(refusal.headers), refusal.read()
    plain = gzip.decompress(raw) if got.get("Content-Encoding") == "gzip" else raw
    is_json = "json" in got.get("Content-Type", "")
    return Reply(status, got, json.loads(plain) if is_json else plain.decode(), raw)


@pytest.fixture(scope="session")
def market() -> Market:
    return generate_market(MarketConfig.preset("tiny"))


@pytest.fixture
def serve(market: Market) -> Iterator[Callable[..., SimulatorServer]]:
    """Start servers that live until the test ends: serve(clock, **settings)."""
    with ExitStack() as stack:

        def start(clock: VirtualClock, *, of: Market = market, **settings: Any) -> SimulatorServer:
            return stack.enter_context(run_simulator_thread(of, clock, **settings))

        yield start


@pytest.fixture
def ask() -> Callable[..., Reply]:
    return read


@pytest.fixture
def clock_at() -> Callable[..., VirtualClock]:
    return at


@pytest.fixture
def evening(market: Market) -> VirtualClock:
    """19:00 on the last session."""
    return at(market.sessions[-1])
