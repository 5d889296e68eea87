"""A small real HTTP server whose answers a test scripts, one by one."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import pytest
from aiohttp import web

from gogoku_pipeline.core.clocks import JST, VirtualClock

Handler = Callable[[web.Request, int], Awaitable[web.StreamResponse]]


class ScriptedService:
    """Serves every path with one handler; remembers what was asked."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.base_url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, dict(request.query), dict(request.headers)))
        return await self.handler(request, len(self.asked))


@asynccontextmanager
async def _serve(handler: Handler):
    service = ScriptedService(handler)
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", service.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    service.base_url = f"http://{host}:{port}/v2"
    try:
        yield service
    finally:
        await runner.cleanup()


def _steps(*steps):
    """A handler that plays (status, body) steps in order and repeats the last one."""

    async def play(request: web.Request, n: int) -> web.StreamResponse:
        status, body = steps[min(n, len(steps)) - 1]
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, content_type="application/json")

    return play


@pytest.fixture
def serve():
    return _serve


@pytest.fixture
def steps():
    return _steps


@pytest.fixture
def fast_clock():
    return VirtualClock(datetime(2024, 5, 8, 19, 0, tzinfo=JST), rate_scale=5_000)


@pytest.fixture
def run():
    return lambda coroutine: asyncio.run(asyncio.wait_for(coroutine, 60))
