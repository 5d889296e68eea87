"""The counter: a market behind HTTP, with keys, plans, rates, pages, gzip and the faults somebody ordered."""

from __future__ import annotations

import gzip
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from aiohttp import web

from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.simulator import faults as fault_kinds
from gogoku_pipeline.simulator import paging, rules
from gogoku_pipeline.simulator.desk import Desk
from gogoku_pipeline.simulator.rows import Rows, from_mappings
from gogoku_pipeline.simulator.throttle import Throttle

if TYPE_CHECKING:
    from gogoku_pipeline.simulator.market import Market

PREFIX = "/v2"
PLAIN_KEY = "simulator-key"
DEFAULT_KEYS = {f"simulator-{name}-key": name for name in rules.PLANS}
"""API keys the simulator knows without being told: simulator-premium-key, simulator-light-key ..."""


@dataclass(frozen=True)
class ServerOptions:
    """What the real service leaves open, as settings.

    Attributes:
        is_rate_limited: whether plans' rates are enforced.
        rate_window: whether a minute slides or begins at full minutes.
        overrun: refused requests in a minute that trigger the five-minute block; None for the plan's rate.
        bad_pagination_key: answer 400, or serve the first page.
        is_partial_range_refused: whether from/to reaching beyond the plan's window is 400 or cut to it.
        port: where to listen; 0 for a free port.
    """

    is_rate_limited: bool = True
    rate_window: Literal["sliding", "fixed"] = "sliding"
    overrun: int | None = None
    bad_pagination_key: Literal["refuse", "first_page"] = "refuse"
    is_partial_range_refused: bool = False
    port: int = 0


@dataclass(frozen=True)
class RequestSeen:
    """One request as the server saw it; `plan` is empty for an unknown key."""

    number: int
    path: str
    params: dict[str, str]
    plan: str
    page: int
    status: int


class SimulatorServer:
    """Serves a market on 127.0.0.1 at a free port; an async context manager.

    Args:
        market: what is served.
        clock: publication hours and rates follow it.
        plan: plan of the plain key `simulator-key`.
        api_keys: further keys with their plans; None for the default ones (`simulator-premium-key` ...).
        page_bytes: a page ends when its rows reach this many bytes.
        faults: what goes wrong, and when.
        options: what the real service leaves open.

    Raises:
        ConfigError: an unknown plan.
    """

    def __init__(
        self,
        market: Market,
        *,
        clock: Clock,
        plan: str = "premium",
        api_keys: Mapping[str, str] | None = None,
        page_bytes: int = 5_000_000,
        faults: fault_kinds.FaultPlan | None = None,
        options: ServerOptions | None = None,
    ) -> None:
        self.options = options or ServerOptions()
        self.faults = faults or fault_kinds.FaultPlan()
        self.requests_seen: list[RequestSeen] = []
        self.base_url = ""
        self._keys = {PLAIN_KEY: plan, **(DEFAULT_KEYS if api_keys is None else api_keys)}
        self._clock = clock
        self._page_bytes = page_bytes
        self._desk = Desk(market, clock, is_partial_range_refused=self.options.is_partial_range_refused)
        self._throttles = {key: self._throttle(plan) for key, plan in self._keys.items()}
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> SimulatorServer:
        """Listen; `base_url` is set from here on."""
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        listener = socket.create_server(("127.0.0.1", self.options.port))
        await web.SockSite(self._runner, listener).start()
        self.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}{PREFIX}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        if self._runner is not None:
            await self._runner.cleanup()

    def _throttle(self, plan: str) -> Throttle:
        if plan not in rules.PLANS:
            raise ConfigError(
                "simulated plan", got=repr(plan), want=f"one of {list(rules.PLANS)}", remedy="Correct the name."
            )
        rate = rules.PLANS[plan].requests_per_minute
        return Throttle(rate, self._clock, window=self.options.rate_window, overrun=self.options.overrun)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        """One request, from key to bytes."""
        number = len(self.requests_seen) + 1
        path = request.path.removeprefix(PREFIX)
        params = dict(request.query)
        key = request.headers.get("x-api-key", "")
        seen = RequestSeen(number, path, params, self._keys.get(key, ""), 1, 0)
        self.requests_seen.append(seen)
        try:
            plan = self._admit(key)
            place = self._place(path, params)
            striking = self.faults.striking(number, path, params, place.page)
            response = await self._answer(request, plan, path, params, place, striking)
            page = place.page
        except rules.Refusal as refusal:
            response, page = _message(refusal), 1
        self.requests_seen[number - 1] = RequestSeen(number, path, params, seen.plan, page, response.status)
        return response

    def _admit(self, key: str) -> rules.Plan:
        """The plan of a key, if it is known and within its rate."""
        if not key:
            raise rules.no_key()
        if key not in self._keys:
            raise rules.bad_key()
        if self.options.is_rate_limited and not self._throttles[key].admit():
            raise rules.too_many()
        return rules.PLANS[self._keys[key]]

    def _place(self, path: str, params: Mapping[str, str]) -> paging.Place:
        try:
            return paging.place_of(path, params)
        except rules.Refusal:
            if self.options.bad_pagination_key == "first_page":
                return paging.START
            raise

    async def _answer(
        self,
        request: web.Request,
        plan: rules.Plan,
        path: str,
        params: Mapping[str, str],
        place: paging.Place,
        striking: list[fault_kinds.Fault],
    ) -> web.StreamResponse:
        """The answer of the desk, damaged as ordered."""
        for fault in striking:
            if isinstance(fault, fault_kinds.SlowAnswer):
                await self._clock.sleep(fault.seconds)
            elif isinstance(fault, fault_kinds.ServerFailure):
                return _message(rules.Refusal(fault.status, rules.server_error().message))
            elif isinstance(fault, fault_kinds.TooManyRequests):
                return _message(rules.too_many())
            elif isinstance(fault, fault_kinds.GatewayPage):
                page = f"<html><body><h1>{fault.status} Bad Gateway</h1></body></html>"
                return web.Response(status=fault.status, text=page, content_type="text/html")
            elif isinstance(fault, fault_kinds.ConnectionReset):
                return _torn_down(request)
        answer = self._desk.answer(path, params, plan)
        rows = _damaged(answer.rows, striking)
        body = paging.page_body(path, params, rows, place, self._page_bytes, cursor=answer.cursor)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, compresslevel=1, mtime=0)
            headers["Content-Encoding"] = "gzip"
        for fault in striking:
            if isinstance(fault, fault_kinds.TruncatedBody):
                return await _truncated(request, body, headers, fault.share)
        return web.Response(body=body, headers=headers)


def _damaged(rows: Rows, striking: list[fault_kinds.Fault]) -> Rows:
    """The rows after every data fault that strikes."""
    damaging = [fault for fault in striking if isinstance(fault, fault_kinds.DataFault)]
    if not damaging:
        return rows
    decoded = rows.decoded()
    for fault in damaging:
        decoded = fault.apply(decoded)
    return from_mappings(decoded)


def _message(refusal: rules.Refusal) -> web.Response:
    return web.Response(
        status=refusal.status,
        body=json.dumps({"message": refusal.message}).encode(),
        headers={"Content-Type": "application/json; charset=utf-8"},
    )


def _torn_down(request: web.Request) -> web.Response:
    """Close the connection at once, with a reset instead of a farewell."""
    if request.transport is not None:
        raw = request.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response(status=500)


async def _truncated(request: web.Request, body: bytes, headers: Mapping[str, str], share: float) -> web.StreamResponse:
    """Promise the whole body, send a part of it, hang up."""
    response = web.StreamResponse(headers={**headers, "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: int(len(body) * share)])
    if request.transport is not None:
        request.transport.close()
    return response
