"""The counter: a market behind HTTP, with keys, plans, rates, pages, bulk files and the faults somebody ordered."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from aiohttp import web

from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.simulator import bulk_faults, paging, rules, wire
from gogoku_pipeline.simulator import faults as fault_kinds
from gogoku_pipeline.simulator.bulk import Depot
from gogoku_pipeline.simulator.bulk_counter import DOWNLOADS, BulkCounter
from gogoku_pipeline.simulator.bulk_download import Download, redeemed
from gogoku_pipeline.simulator.corrections import Correction, Corrections
from gogoku_pipeline.simulator.desk import ALL_BOOKS, Answer, Desk
from gogoku_pipeline.simulator.keyring import Keyring
from gogoku_pipeline.simulator.rows import from_mappings
from gogoku_pipeline.simulator.shelf import Shelf
from gogoku_pipeline.simulator.skew import SkewedClock

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
        bulk_host: scheme and host of signed URLs, e.g. `http://127.0.0.1:1234`; empty for the server's own.
        bulk_sizes: `exact` writes every listed file, `estimated` scales the newest one (for large markets).
        clock_skew: how far the service's clock is ahead of the one it was given.
    """

    is_rate_limited: bool = True
    rate_window: Literal["sliding", "fixed"] = "sliding"
    overrun: int | None = None
    bad_pagination_key: Literal["refuse", "first_page"] = "refuse"
    is_partial_range_refused: bool = False
    port: int = 0
    bulk_host: str = ""
    bulk_sizes: Literal["exact", "estimated"] = "exact"
    clock_skew: timedelta = timedelta(0)


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
        clock: publication hours and rates follow it; it need not be the client's.
        plan: plan of the plain key `simulator-key`.
        api_keys: further keys with their plans; None for the default ones (`simulator-premium-key` ...).
        page_bytes: a page ends when its rows reach this many bytes.
        faults: what goes wrong, and when.
        corrections: published values that change in place.
        options: what the real service leaves open.

    Attributes:
        requests_seen: every request of the API in order; signed URLs are not among them.
        downloads_seen: every request of a signed URL in order.
        keys_leaked: how many of those carried an API key.

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
        corrections: Sequence[Correction] = (),
        options: ServerOptions | None = None,
    ) -> None:
        self.options = options or ServerOptions()
        self.faults = faults or fault_kinds.FaultPlan()
        self.requests_seen: list[RequestSeen] = []
        self.downloads_seen: list[Download] = []
        self.base_url = ""
        self._clock = SkewedClock(clock, self.options.clock_skew) if self.options.clock_skew else clock
        keys = {PLAIN_KEY: plan, **(DEFAULT_KEYS if api_keys is None else api_keys)}
        self._keys = Keyring(keys, self._clock, window=self.options.rate_window, overrun=self.options.overrun)
        self._page_bytes = page_bytes
        self._corrections = Corrections(corrections)
        shelf = Shelf(market, self._corrections)
        self._desk = Desk(
            market,
            self._clock,
            shelf,
            self._corrections,
            is_partial_range_refused=self.options.is_partial_range_refused,
        )
        depot = Depot(market, shelf, self._corrections, sizes=self.options.bulk_sizes)
        self._bulk = BulkCounter(ALL_BOOKS, depot, self._clock)
        self._runner: web.AppRunner | None = None

    @property
    def keys_leaked(self) -> int:
        """Requests of signed URLs that carried an API key."""
        return sum(seen.has_api_key for seen in self.downloads_seen)

    def revoke(self, key: str) -> None:
        """A key is unknown from now on."""
        self._keys.revoke(key)

    def set_plan(self, key: str, plan: str) -> None:
        """A key has another plan from now on, with fresh budgets."""
        self._keys.set_plan(key, plan)

    def correct(self, correction: Correction) -> None:
        """Change published rows in place, from the correction's instant on."""
        self._corrections.add(correction)

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

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        """One request, from key to bytes."""
        if request.path.startswith(DOWNLOADS):
            return await self._download(request)
        number = len(self.requests_seen) + 1
        path = request.path.removeprefix(PREFIX)
        params = dict(request.query)
        key = request.headers.get("x-api-key", "")
        seen = RequestSeen(number, path, params, self._keys.plan_name(key), 1, 0)
        self.requests_seen.append(seen)
        try:
            self._admit(key, path)
            if request.method != "GET":
                raise rules.unknown_path()
            place = self._place(path, params)
            striking = self.faults.striking(number, path, params, place.page)
            response = await self._answer(request, key, path, params, place, striking)
            page = place.page
        except rules.Refusal as refusal:
            response, page = wire.message(refusal), 1
        self.requests_seen[number - 1] = replace(seen, page=page, status=response.status)
        return response

    def _admit(self, key: str, path: str) -> None:
        """Refuse an unknown key, and what is beyond its rate."""
        self._keys.plan(key)
        if self.options.is_rate_limited:
            self._keys.charge(key, path)

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
        key: str,
        path: str,
        params: Mapping[str, str],
        place: paging.Place,
        striking: list[fault_kinds.Fault],
    ) -> web.StreamResponse:
        """The answer of the desk, damaged as ordered."""
        for fault in striking:
            if (spoilt := await self._strike(request, fault, key)) is not None:
                return spoilt
        tell = partial(self._body, request, key, path, params, place, striking)
        text = await asyncio.to_thread(tell) if path == bulk_faults.LISTING else tell()
        body, headers = wire.json_headers(request, text)
        for fault in striking:
            if isinstance(fault, fault_kinds.TruncatedBody):
                part = body[: int(len(body) * fault.share)]
                return await wire.shorter_than_promised(request, part, headers, len(body))
        return web.Response(body=body, headers=headers)

    def _body(
        self,
        request: web.Request,
        key: str,
        path: str,
        params: Mapping[str, str],
        place: paging.Place,
        striking: list[fault_kinds.Fault],
    ) -> bytes:
        """The JSON text of an answer."""
        plan = self._keys.plan(key)
        if path == bulk_faults.SIGNING:
            host = self.options.bulk_host or f"{request.scheme}://{request.host}"
            return json.dumps({"url": self._bulk.sign(params, plan, host, striking)}).encode()
        if path == bulk_faults.LISTING:
            answer = Answer(from_mappings(self._bulk.listing(params, plan, striking)))
        else:
            answer = self._desk.answer(path, params, plan)
        rows = wire.damaged(answer.rows, striking)
        return paging.page_body(path, params, rows, place, self._page_bytes, cursor=answer.cursor)

    async def _strike(self, request: web.Request, fault: fault_kinds.Fault, key: str) -> web.StreamResponse | None:
        """What a wire fault answers instead of the desk; None if the desk still answers."""
        if isinstance(fault, fault_kinds.SlowAnswer):
            await self._clock.sleep(fault.seconds)
        elif isinstance(fault, fault_kinds.KeyRevoked):
            self.revoke(key)
        elif isinstance(fault, fault_kinds.PlanChanged):
            self.set_plan(key, fault.plan)
        elif isinstance(fault, fault_kinds.ServerFailure):
            return wire.message(rules.Refusal(fault.status, fault.message or rules.server_error().message))
        elif isinstance(fault, fault_kinds.TooManyRequests):
            if isinstance(fault, fault_kinds.RateStorm) and self.faults.is_spent(fault):
                self._keys.block(key)
            return wire.message(rules.too_many())
        elif isinstance(fault, fault_kinds.GatewayPage):
            return wire.gateway_page(fault.status)
        elif isinstance(fault, fault_kinds.ConnectionReset):
            return wire.torn_down(request)
        return None

    async def _download(self, request: web.Request) -> web.StreamResponse:
        """One request of a signed URL."""
        number = len(self.downloads_seen) + 1
        key = request.path.removeprefix(DOWNLOADS)
        seen = Download(number, key, bool(request.headers.get("x-api-key")), 0)
        self.downloads_seen.append(seen)
        striking = self.faults.striking(number, bulk_faults.DOWNLOAD, {"key": key}, 1)
        for fault in striking:
            if (spoilt := await self._strike(request, fault, "")) is not None:
                self.downloads_seen[number - 1] = replace(seen, status=spoilt.status)
                return spoilt
        file = self._bulk.redeem(key, request.query.get("X-Amz-Signature", ""))
        body = None if file is None else await asyncio.to_thread(self._bulk.content, file)
        response = await redeemed(request, body, striking)
        self.downloads_seen[number - 1] = replace(seen, status=response.status)
        return response
