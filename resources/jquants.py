"""The J-Quants client as a resource: connected for one piece of work, closed after it.

Belongs here: building the client from settings.
Does not belong here: what is asked for (`gogoku_pipeline.ingest`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import SecretStr

from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.core.settings import Settings
from gogoku_pipeline.jquants.client import JQuantsClient

T = TypeVar("T")


class JQuants:
    """Lends a connected client to a coroutine.

    Args:
        connect: makes a client; called once per piece of work.
    """

    def __init__(self, connect: Callable[[], JQuantsClient]) -> None:
        self._connect = connect

    @classmethod
    def from_settings(cls, settings: Settings, clock: Clock) -> "JQuants":
        """A client for GOGOKU_API_URL with the key of JQUANTS_API_KEY; no key is an error at the first request."""
        key = settings.jquants_api_key or SecretStr("")
        return cls(lambda: JQuantsClient(settings.api_url, key, plan=settings.plan, clock=clock))

    def run(self, work: Callable[[JQuantsClient], Awaitable[T]]) -> T:
        """Connect, do the work, close.

        Args:
            work: coroutine function of the client.

        Returns:
            What the work returned.
        """

        async def connected() -> T:
            async with self._connect() as client:
                return await work(client)

        return asyncio.run(connected())
