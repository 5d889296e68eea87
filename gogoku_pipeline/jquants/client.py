"""The client: asks, waits its turn, asks again when the service stumbles, and yields pages until there are no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from math import ceil
from types import TracebackType
from typing import Self

import numpy as np
from pydantic import SecretStr

from gogoku_pipeline.core.clocks import Clock, RealClock
from gogoku_pipeline.core.errors import CoverageError, PayloadError, RequestError
from gogoku_pipeline.core.fingerprints import sha256_bytes
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.jquants.budgets import Budgets
from gogoku_pipeline.jquants.bulk import BulkAnswer, BulkDesk
from gogoku_pipeline.jquants.bulk_keys import BulkFile
from gogoku_pipeline.jquants.download import Downloader
from gogoku_pipeline.jquants.endpoints import Budget, Endpoint, endpoint
from gogoku_pipeline.jquants.hosts import BULK_HOSTS, host_rule
from gogoku_pipeline.jquants.key import checked_key, checked_url
from gogoku_pipeline.jquants.limiter import Pace, Utilisation
from gogoku_pipeline.jquants.pages import Page, read_shape
from gogoku_pipeline.jquants.plans import PLANS, Plan, plan_named, plan_of_window
from gogoku_pipeline.jquants.service import Question, Service
from gogoku_pipeline.jquants.transport import AiohttpTransport, Transport

_LOG = logger("jquants")
_MOST_PAGES = 10_000
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
        bulk_hosts: hosts (and everything below them) that bulk files may come from.
        downloader: fetches bulk files; None for the production one.

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
        bulk_hosts: Sequence[str] = BULK_HOSTS,
        downloader: Downloader | None = None,
    ) -> None:
        self.base_url = checked_url(base_url)
        self.clock: Clock = clock or RealClock()
        self._key = checked_key(api_key)
        self._plan = plan_named(plan) if plan else None
        self._budgets = Budgets(self._plan or PLANS["free"], self.clock)
        self._service = Service(
            self.base_url,
            self._key,
            transport or AiohttpTransport(),
            self.clock,
            self._budgets,
            rng or np.random.default_rng(),
        )
        self._bulk = BulkDesk(self._service, downloader or Downloader(), host_rule(self.base_url, bulk_hosts))
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
        await self._service.close()

    @property
    def key_fingerprint(self) -> str:
        """A name for the key that does not reveal it: 16 hex digits."""
        return sha256_bytes(b"gogoku:" + self._key.get_secret_value().encode())[:16]

    @property
    def utilisation(self) -> dict[str, Utilisation]:
        """What became of the allowed rate so far, by budget: plan, statements, statement_details."""
        return self._budgets.utilisation()

    def restart_report(self) -> None:
        """Let `utilisation` count from here, e.g. at the start of a fetch."""
        self._budgets.restart_report()

    def pace(self) -> dict[str, Pace]:
        """Where every budget stands; hand it to `resume_pace` of the next process that uses the key."""
        return self._budgets.pace()

    def resume_pace(self, paces: Mapping[str, Pace]) -> None:
        """Go on where another process stopped, so that two in a row look like one to the service.

        Args:
            paces: what its `pace` said, by budget. A budget that is missing (all of them if the process was killed and
                left no word) waits one turn before its first request.
        """
        self._budgets.resume(paces)

    async def in_flight(self, budget: Budget = "plan") -> int:
        """How many requests must be under way to fill a budget's rate although answers take up to four seconds."""
        plan = await self.plan()
        return max(2, ceil(plan.rate(budget) / 60 * _SECONDS_IN_FLIGHT))

    def includes(self, source_name: str) -> bool:
        """Whether the plan includes a source.

        Raises:
            RequestError: an unknown source, or the plan is not known yet (`await client.plan()` finds out).
        """
        asked = endpoint(source_name)
        if self._plan is None:
            raise RequestError(
                f"plan for {source_name}",
                got="a plan that is not known yet",
                want="a known one",
                remedy="Call `await client.plan()` first, or set GOGOKU_PLAN.",
            )
        return self._plan.covers(asked.lowest_plan)

    async def plan(self) -> Plan:
        """The plan given, or the one detected (once)."""
        async with self._detecting:
            if self._plan is None:
                self._plan = await self.detect_plan()
                self._budgets.set_plan(self._plan)
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
                await self._service.ask(_question(endpoint("daily_bars"), {"date": probe}), read_shape)
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
        self,
        source_name: str,
        params: Mapping[str, str],
        *,
        pagination_key: str | None = None,
        page_number: int = 1,
        cursor: str | None = None,
    ) -> AsyncIterator[Page]:
        """Walk through an answer, page by page, until no key for a next one comes.

        Args:
            source_name: our name of the endpoint, e.g. daily_bars; endpoints.py is the register.
            params: query of the endpoint, e.g. ``{"date": "2024-05-08"}``.
            pagination_key: start at this page instead of the first.
            page_number: number of that page.
            cursor: only what came since the page that carried it (disclosures, Premium); it is part of the query of
                every page, because the answer is not the whole day.

        Raises:
            NotAvailableError: the source is not served at this hour; there is no page then.
            ApiError: another of its kinds; see core.errors.
        """
        asked = endpoint(source_name)
        params = {**params, **({"cursor": cursor} if cursor else {})}
        asked.check(params)
        later = {name: value for name, value in params.items() if name != "cursor"}  # never with a pagination key
        await self.plan()
        key, seen = pagination_key, set[str]()
        for number in range(page_number, page_number + _MOST_PAGES):
            query = {**later, "pagination_key": key} if key else dict(params)
            answer, shape = await self._service.ask(_question(asked, query), read_shape)
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
                cursor=shape.cursor,
            )
            key = shape.pagination_key
            if key is None:
                return
            if key in seen:
                break
            seen.add(key)
        raise PayloadError(
            _question(asked, params).thing,
            got="pagination keys that never end",
            want="a last page",
            remedy="Try again later; the service repeats itself.",
        )

    async def bulk_list(self, source_name: str, start: date | None = None, end: date | None = None) -> list[BulkFile]:
        """Which files lie ready for a source, oldest days first; costs one request of the plan.

        Args:
            source_name: our name of the endpoint.
            start: leave out files that end before this day.
            end: leave out files that begin after this day.

        Returns:
            One file per month or day. Where both forms of the same days are listed, Premium's, which has more columns.

        Raises:
            RequestError: a source without files.
            PlanError: the plan has no files (Free, except for the calendar).
            ApiError: another of its kinds; see core.errors.
        """
        await self.plan()
        return await self._bulk.files(endpoint(source_name), start, end)

    async def bulk_file(self, source_name: str, file: BulkFile) -> BulkAnswer:
        """One file, exactly as the publisher packed it; each signed address costs one request of the plan.

        The address is asked for, judged and used at once, without the key; one that has expired is asked for anew, at
        most three times.

        Args:
            source_name: our name of the endpoint.
            file: one of `bulk_list`.

        Raises:
            PayloadError: an address that must not be followed, a file above the caps, or no gzip.
            ServerError: no whole file came although it was asked for again.
            ApiError: another of its kinds; see core.errors.
        """
        if not file.key.startswith(endpoint(source_name).source.path.strip("/") + "/"):
            raise RequestError(
                f"bulk {source_name}", got=f"a file {file.key}", want="a file of this source", remedy="Take its own."
            )
        await self.plan()
        return await self._bulk.fetch(file)


def _question(asked: Endpoint, query: Mapping[str, str]) -> Question:
    hidden = ("pagination_key", "cursor")
    words = " ".join(f"{name}={value}" for name, value in sorted(query.items()) if name not in hidden)
    return Question(f"{asked.source.name} {words}".strip(), asked.source.path, query, asked.budget)
