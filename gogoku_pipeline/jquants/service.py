"""The counter of the service: one question, asked in turn, again when the service stumbles, and its answer read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from pydantic import SecretStr

from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.core.errors import ApiError, PayloadError, RateLimitError, ServerError
from gogoku_pipeline.core.log import logger
from gogoku_pipeline.jquants.budgets import Budgets
from gogoku_pipeline.jquants.endpoints import Budget
from gogoku_pipeline.jquants.refusals import refusal
from gogoku_pipeline.jquants.transport import Answer, Transport

_LOG = logger("jquants")
_REJECTIONS = 4
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 60.0

STUMBLES = 5
"""How often a question is repeated after 5xx, time-outs and lost bytes."""

T = TypeVar("T")


@dataclass(frozen=True)
class Question:
    """One request.

    Attributes:
        thing: what it is about, for messages; no key of a page, no secret.
        path: below the base URL.
        query: parameters.
        budget: whose rate it counts against.
    """

    thing: str
    path: str
    query: Mapping[str, str]
    budget: Budget = "plan"


class Service:
    """One J-Quants V2 service with one key; every request of the house passes here."""

    def __init__(
        self,
        base_url: str,
        key: SecretStr,
        transport: Transport,
        clock: Clock,
        budgets: Budgets,
        rng: np.random.Generator,
    ) -> None:
        self.base_url = base_url
        self.clock = clock
        self.budgets = budgets
        self._key = key
        self._transport = transport
        self._rng = rng

    async def close(self) -> None:
        """Release connections."""
        await self._transport.close()

    async def ask(self, question: Question, read: Callable[[str, bytes], T]) -> tuple[Answer, T]:
        """One answer, with retries: up to five after stumbles (5xx, time-outs, lost bytes), up to four after 429.

        Args:
            question: what is asked.
            read: makes sense of the body; raises ServerError where asking again may help.

        Raises:
            ApiError: one of its kinds.
        """
        stumbles = rejections = 0
        limiter = self.budgets[question.budget]
        while True:
            sent_at = await limiter.acquire()
            try:
                answer, found = await self._once(question, read)
            except RateLimitError as problem:
                pause = self.budgets.rejected(question.budget, sent_at)
                rejections += 1
                _LOG.warning("%s: rate limit, requests of this budget wait %.0f s.", problem.thing, pause)
                if rejections > _REJECTIONS:
                    raise
            except ServerError as problem:
                stumbles += 1
                if stumbles > STUMBLES:
                    raise
                await self.wait_after(stumbles, problem)
            except ApiError:
                limiter.accepted(sent_at)
                raise
            else:
                limiter.accepted(sent_at)
                return answer, found

    async def wait_after(self, stumbles: int, problem: ServerError) -> None:
        """Wait longer after every stumble, by chance a little more or less."""
        wait = min(_FIRST_WAIT_SECONDS * 2.0 ** (stumbles - 1), _LONGEST_WAIT_SECONDS)
        _LOG.info("%s: %s; again in about %.0f s.", problem.thing, problem.got, wait)
        await self.clock.sleep(wait * float(self._rng.uniform(0.5, 1.5)))

    async def _once(self, question: Question, read: Callable[[str, bytes], T]) -> tuple[Answer, T]:
        secret = self._key.get_secret_value()
        url = f"{self.base_url}{question.path}"
        try:
            answer = await self._transport.get(url, question.query, {"x-api-key": secret})
        except (ServerError, PayloadError) as problem:
            named = type(problem)
            raise named(question.thing, got=problem.got, want=problem.want, remedy=problem.remedy) from None
        if answer.status != 200:
            raise refusal(question.thing, answer.status, answer.body, secret)
        return answer, read(question.thing, answer.body)
