"""A clock that is wrong by a constant: the service's and the client's need not agree."""

from __future__ import annotations

from datetime import datetime, timedelta

from gogoku_pipeline.core.clocks import Clock


class SkewedClock:
    """Another clock's rate, and its hour moved.

    Args:
        clock: the clock that is right.
        ahead: how far this one is ahead; negative for behind.
    """

    def __init__(self, clock: Clock, ahead: timedelta) -> None:
        self._clock = clock
        self._ahead = ahead

    def now(self) -> datetime:
        """The moved instant."""
        return self._clock.now() + self._ahead

    def monotonic(self) -> float:
        """Seconds of the rate clock, which are nobody's to move."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._clock.sleep(seconds)
