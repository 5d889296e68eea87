"""The client: asks, waits its turn, asks again when the service stumbles, and yields pages until there are no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from math import ceil
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import numpy as np
from pydantic import SecretStr

from gogoku_pipeline.core.clocks import Clock, RealClock
from gogoku_pipeline.core.errors import (
    ApiError,
    ConfigError,
    CoverageError,
    CredentialsError,
    PayloadError,
    RateLimitError,
    RequestError,
    ServerError,
)
from gogoku_pipeline.core.fingerprints import sha256_bytes
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.jquants.endpoints import Endpoint, endpoint
from gogoku_pipeline.jquants.limiter import RateLimiter, Utilisation
from gogoku_pipeline.jquants.pages import Page, Shape, read_shape
from gogoku_pipeline.jquants.plans import PLANS, Plan, plan_named, plan_of_window
from gogoku_pipeline.jquants.refusals import refusal
from gogoku_pipeline.jquants.transport import AiohttpTransport, Answer, Transport

_LOG = logger("jquants")
_MOST_PAGES = 10_000
_STUMBLES = 5
_REJECTIONS = 4
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 60.0
_SECONDS_IN_FLIGHT = 4.0
_PROBE_DATES = ("2000-01-04", "2008-05-07")


class JQuantsClient:
    """Talks to one J-Quants V2 service with one key.

    Args:
        base_url: e.g. ``https://api.jquants.com/v2``.
        api_key: the key; it appears in no message, log or representation.
        plan: free, light, standard or premium; None detects it with one call when it is first needed.
        clock: tells publication time and paces requests.
        transport: HTTP; None for the production one.
        rng: source of the jitter between retries.

    Raises:
        ConfigError: plain http to a public host, or an unknown plan.
        CredentialsError: no key, or one that cannot be a key.
    """

    def __init__(
        self,
        base_url: str,
        api_key: SecretStr | str,
        *,
        plan: str | None = None,
        clock: Clock | None = None,
        transport: Transport | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.base_url = _checked_url(base_url)
        self.clock: Clock = clock or RealClock()
        self._key = _checked_key(api_key)
        self._plan = plan_named(plan) if plan else None
        self._transport: Transport = transport or AiohttpTransport()
        self._rng = rng or np.random.default_rng()
        self._limiter = RateLimiter((self._plan or PLANS["free"]).requests_per_minute, self.clock)
        self._detecting = asyncio.Lock()

    def __repr__(self) -> str:
        return f"JQuantsClient({self.base_url}, plan={self._plan.name if self._plan else 'not yet known'})"

    async def __aenter__(self) -> Self:
        self._detecting = asyncio.Lock()  # a lock belongs to one event loop, a client may outlive several
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Release connections."""
        await self._transport.close()

    @property
    def key_fingerprint(self) -> str:
        """A name for the key that does not reveal it: 16 hex digits."""
        return sha256_bytes(b"gogoku:" + self._key.get_secret_value().encode())[:16]

    @property
    def utilisation(self) -> Utilisation:
        """What became of the allowed rate so far."""
        return self._limiter.utilisation()

    @property
    def limiter(self) -> RateLimiter:
        """What paces its requests."""
        return self._limiter

    def restart_report(self) -> None:
        """Let `utilisation` count from here, e.g. at the start of a fetch."""
        self._limiter.restart_report()

    async def in_flight(self) -> int:
        """How many requests must be under way to fill the rate although answers take up to four seconds."""
        plan = await self.plan()
        return max(2, ceil(plan.requests_per_minute / 60 * _SECONDS_IN_FLIGHT))

    async def plan(self) -> Plan:
        """The plan given, or the one detected (once)."""
        async with self._detecting:
            if self._plan is None:
                self._plan = await self.detect_plan()
                self._limiter.set_rate(self._plan.requests_per_minute)
                _LOG.info("The key's plan is %s.", self._plan.name)
            return self._plan

    async def detect_plan(self) -> Plan:
        """Find out the plan of the key with one call, rarely two.

        Daily bars are asked for a date before any plan's window: the refusal names the window, and its length names
        the plan (only Free has an end). If the service answers instead, the window reaches back to the first day of
        data, which is Premium.

        Raises:
            CredentialsError: the key is missing, invalid or expired.
        """
        today = self.clock.now().date()
        for probe in _PROBE_DATES:
            try:
                await self._ask(endpoint("daily_bars"), {"date": probe})
            except CoverageError as answer:
                if answer.covered_from is None:
                    raise
                return plan_of_window(answer.covered_from, answer.covered_to, today)
            except RequestError:
                continue
            return PLANS["premium"]
        raise RequestError(
            "plan detection",
            got="no answer that names a window",
            want="a coverage message or rows",
            remedy="Set GOGOKU_PLAN.",
        )

    async def pages(
        self, source_name: str, params: Mapping[str, str], *, pagination_key: str | None = None, page_number: int = 1
    ) -> AsyncIterator[Page]:
        """Walk through an answer, page by page, until no key for a next one comes.

        Args:
            source_name: calendar, listed_issues, daily_bars or topix.
            params: query of the endpoint, e.g. ``{"date": "2024-05-08"}``.
            pagination_key: start at this page instead of the first.
            page_number: number of that page.

        Raises:
            ApiError: one of its kinds; see core.errors.
        """
        asked = endpoint(source_name)
        asked.check(params)
        await self.plan()
        key, seen = pagination_key, set[str]()
        for number in range(page_number, page_number + _MOST_PAGES):
            query = {**params, "pagination_key": key} if key else dict(params)
            answer, shape = await self._ask(asked, query)
            yield Page(
                source=source_name,
                params=dict(params),
                payload=answer.body,
                row_count=shape.row_count,
                pagination_key=shape.pagination_key,
                status=answer.status,
                fetched_at=self.clock.now(),
                page_number=number,
                url=f"{self.base_url}{asked.source.path}",
                field_names=shape.field_names,
            )
            key = shape.pagination_key
            if key is None:
                return
            if key in seen:
                break
            seen.add(key)
        raise PayloadError(
            _thing(asked, params),
            got="pagination keys that never end",
            want="a last page",
            remedy="Try again later; the service repeats itself.",
        )

    async def _ask(self, asked: Endpoint, query: Mapping[str, str]) -> tuple[Answer, Shape]:
        """One page, with retries: up to five after stumbles (5xx, time-outs, lost bytes), up to four after 429."""
        stumbles = rejections = 0
        while True:
            sent_at = await self._limiter.acquire()
            try:
                answer, shape = await self._once(asked, query)
            except RateLimitError as problem:
                pause = self._limiter.rejected(sent_at)
                rejections += 1
                _LOG.warning("%s: rate limit, all requests wait %.0f s.", problem.thing, pause)
                if rejections > _REJECTIONS:
                    raise
            except ServerError as problem:
                stumbles += 1
                if stumbles > _STUMBLES:
                    raise
                wait = min(_FIRST_WAIT_SECONDS * 2.0 ** (stumbles - 1), _LONGEST_WAIT_SECONDS)
                _LOG.info("%s: %s; again in about %.0f s.", problem.thing, problem.got, wait)
                await self.clock.sleep(wait * float(self._rng.uniform(0.5, 1.5)))
            except ApiError:
                self._limiter.accepted(sent_at)
                raise
            else:
                self._limiter.accepted(sent_at)
                return answer, shape

    async def _once(self, asked: Endpoint, query: Mapping[str, str]) -> tuple[Answer, Shape]:
        thing = _thing(asked, query)
        secret = self._key.get_secret_value()
        try:
            answer = await self._transport.get(f"{self.base_url}{asked.source.path}", query, {"x-api-key": secret})
        except (ServerError, PayloadError) as problem:
            named = type(problem)
            raise named(thing, got=problem.got, want=problem.want, remedy=problem.remedy) from None
        if answer.status != 200:
            raise refusal(thing, answer.status, answer.body, secret)
        return answer, read_shape(thing, answer.body)


def _thing(asked: Endpoint, query: Mapping[str, str]) -> str:
    words = " ".join(f"{name}={value}" for name, value in sorted(query.items()) if name != "pagination_key")
    return f"{asked.source.name} {words}".strip()


def _checked_url(base_url: str) -> str:
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    is_near = host.startswith("127.") or host == "::1" or "." not in host
    if (
        not host
        or parts.query
        or parts.username
        or not (parts.scheme == "https" or (parts.scheme == "http" and is_near))
    ):
        raise ConfigError(
            "GOGOKU_API_URL",
            got=f"{parts.scheme or 'no scheme'}://{host}",
            want="https without query and user, or http to this machine or the compose network",
            remedy="Use https://api.jquants.com/v2 or the simulator's address.",
        )
    return base_url.rstrip("/")


def _checked_key(api_key: SecretStr | str) -> SecretStr:
    text = (api_key.get_secret_value() if isinstance(api_key, SecretStr) else api_key).strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise CredentialsError(
            "JQUANTS_API_KEY",
            got="nothing" if not text else "text that cannot be a key",
            want="the key of the J-Quants dashboard",
            remedy="Set JQUANTS_API_KEY, or run on the simulator.",
        )
    return SecretStr(text)
