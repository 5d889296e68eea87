"""Time as an argument: what hour it is in Tokyo, and how long a wait lasts.

Two questions are kept apart. `now()` is the publication clock (has the publisher delivered yet?), an aware instant
in JST. `monotonic()` and `sleep()` are the rate clock (may another request go out?), in seconds. A virtual clock
freezes the first and speeds up the second, so that a simulated evening does not wait for a plan's minute.
"""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from gogoku_pipeline.core.errors import ConfigError

JST = ZoneInfo("Asia/Tokyo")


class Clock(Protocol):
    """What rooms may ask about time."""

    def now(self) -> datetime:
        """The current instant, aware, in JST."""
        ...

    def monotonic(self) -> float:
        """Seconds on the rate clock; only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds of the rate clock."""
        ...


class RealClock:
    """The wall clock of this machine."""

    def now(self) -> datetime:
        """The current instant, aware, in JST."""
        return datetime.now(JST)

    def monotonic(self) -> float:
        """Seconds since some start, never going back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class VirtualClock:
    """A settable publication instant and a rate clock that runs `rate_scale` times faster than the wall.

    Client and simulator each hold one with the same `rate_scale`; because both scale the machine's own monotonic
    clock they agree about a minute, also from different processes.
    """

    def __init__(self, now: datetime, *, rate_scale: float = 1.0) -> None:
        if now.tzinfo is None:
            raise ConfigError(
                "VirtualClock",
                got=f"the naive instant {now.isoformat()}",
                want="an aware one",
                remedy="Pass datetime(..., tzinfo=JST).",
            )
        if not rate_scale > 0:
            raise ConfigError(
                "rate_scale", got=str(rate_scale), want="a positive number", remedy="Use 1 for the real rate."
            )
        self._now = now.astimezone(JST)
        self.rate_scale = rate_scale

    def now(self) -> datetime:
        """The instant last set."""
        return self._now

    def advance_to(self, instant: datetime) -> None:
        """Move the publication clock forward; it never goes back."""
        moved = instant.astimezone(JST)
        if moved < self._now:
            raise ConfigError(
                "VirtualClock",
                got=f"a move back to {moved.isoformat()}",
                want=f"an instant from {self._now.isoformat()} on",
                remedy="Make a new clock for an earlier evening.",
            )
        self._now = moved

    def monotonic(self) -> float:
        """Seconds of the scaled rate clock."""
        return time.monotonic() * self.rate_scale

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of the scaled clock."""
        await asyncio.sleep(seconds / self.rate_scale)
