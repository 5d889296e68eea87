"""The plan's rate: so many requests in any minute, then 429; who goes on regardless is shut out for five minutes."""

from __future__ import annotations

from collections import deque
from typing import Literal

from gogoku_pipeline.core.clocks import Clock

MINUTE = 60.0
BLOCK_SECONDS = 300.0


class Throttle:
    """The rate limit of one key.

    Args:
        requests_per_minute: what the plan allows.
        clock: its `monotonic()` is the rate clock.
        window: `sliding` counts the last 60 seconds, `fixed` counts from full minutes of the clock.
        overrun: refused requests within a minute that trigger the block; None for the plan's own rate.
    """

    def __init__(
        self,
        requests_per_minute: int,
        clock: Clock,
        *,
        window: Literal["sliding", "fixed"] = "sliding",
        overrun: int | None = None,
    ) -> None:
        self._limit = requests_per_minute
        self._clock = clock
        self._window = window
        self._overrun = requests_per_minute if overrun is None else overrun
        self._granted: deque[float] = deque()
        self._refused: deque[float] = deque()
        self.blocked_until = float("-inf")

    @property
    def is_blocked(self) -> bool:
        """Whether everything is refused just now."""
        return self._clock.monotonic() < self.blocked_until

    def block(self) -> None:
        """Refuse everything for five minutes."""
        self.blocked_until = self._clock.monotonic() + BLOCK_SECONDS

    def admit(self) -> bool:
        """Whether a request that arrives now is served."""
        now = self._clock.monotonic()
        if now < self.blocked_until:
            return False
        since = now - MINUTE if self._window == "sliding" else now - now % MINUTE
        for times in (self._granted, self._refused):
            while times and times[0] <= since:
                times.popleft()
        if len(self._granted) < self._limit:
            self._granted.append(now)
            return True
        self._refused.append(now)
        if len(self._refused) >= self._overrun:
            self.blocked_until = now + BLOCK_SECONDS
            self._refused.clear()
        return False
