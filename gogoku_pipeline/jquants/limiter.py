"""The rate limiter: evenly spaced requests that fill what a plan allows, and one gate that closes for everybody on 429.

The service counts per key and minute; whether its window is fixed or sliding is not documented. Even spacing a little
below the limit is safe in both: 2 % are left free, so that jitter on the wire cannot squeeze one request too many into
a minute.
"""

from __future__ import annotations

from dataclasses import dataclass

from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.core.errors import ConfigError

SHARE_USED = 0.98
"""Share of the allowed rate that is asked for."""

PAUSES_SECONDS = (60.0, 120.0, 300.0)
"""How long the gate stays closed after the first, second and every later 429 in a row."""

_CREDIT_SHARE = 0.01


@dataclass(frozen=True)
class Pace:
    """Where a limiter stands, in a form that the next process can take over; instants of the rate clock.

    Attributes:
        next_at: the next place in time.
        open_at: when the gate opens, or opened.
        rejected_in_a_row: how many episodes of 429 lie behind it without a success.
    """

    next_at: float
    open_at: float
    rejected_in_a_row: int


@dataclass(frozen=True)
class Utilisation:
    """What became of the allowed rate.

    Attributes:
        requests: slots granted.
        seconds: from the first to the last of them, on the rate clock.
        share: granted rate / allowed rate in that time; 0 for fewer than two requests.
        paused_seconds: how long the gate was closed.
        rejections: how often the service said 429.
    """

    requests: int
    seconds: float
    share: float
    paused_seconds: float
    rejections: int


class RateLimiter:
    """Hands out places in time, one per request; one limiter per budget, shared by all tasks of a process."""

    def __init__(self, requests_per_minute: float, clock: Clock) -> None:
        self._clock = clock
        self._next = clock.monotonic()
        self._open_at = float("-inf")
        self._closed_at = float("-inf")
        self._in_a_row = 0
        self.restart_report()
        self.set_rate(requests_per_minute)

    def restart_report(self) -> None:
        """Count anew from here; pacing is not touched."""
        self._first: float | None = None
        self._last = 0.0
        self._requests = 0
        self._rejections = 0
        self._paused = 0.0

    def set_rate(self, requests_per_minute: float) -> None:
        """Use another rate from now on; raises ConfigError unless it is positive."""
        if not requests_per_minute > 0:
            raise ConfigError(
                "rate limit",
                got=f"{requests_per_minute} requests per minute",
                want="a positive number",
                remedy="Take the number of the plan.",
            )
        self.requests_per_minute = requests_per_minute
        self._spacing = 60.0 / (requests_per_minute * SHARE_USED)
        self._credit = int(requests_per_minute * _CREDIT_SHARE) * self._spacing
        self._next = min(self._next, self._clock.monotonic() + self._spacing)

    def pace(self) -> Pace:
        """Where this limiter stands; hand it to `take_over` of the next one."""
        return Pace(self._next, self._open_at, self._in_a_row)

    def take_over(self, pace: Pace) -> None:
        """Go on where another limiter of the same key stopped, so that two in a row look like one to the service.

        A pace from another boot or another clock (instants no limiter could have set) is ignored.
        """
        now = self._clock.monotonic()
        if pace.open_at > now + PAUSES_SECONDS[-1] or pace.next_at > now + PAUSES_SECONDS[-1] + 60.0:
            return
        self._next = max(self._next, pace.next_at)
        if pace.open_at > now:
            self._open_at = max(self._open_at, pace.open_at)
            self._in_a_row = max(self._in_a_row, pace.rejected_in_a_row)

    def wait_one_turn(self) -> None:
        """Begin a place later, because a process that left no word may have used the last one just now."""
        self._next = max(self._next, self._clock.monotonic() + self._spacing)

    def closed_seconds(self) -> float:
        """How long the gate stays closed from now; 0 if it is open."""
        return max(0.0, self._open_at - self._clock.monotonic())

    def hold(self, seconds: float) -> None:
        """Keep the gate closed at least that long, because the key is blocked; not a rejection of its own."""
        now = self._clock.monotonic()
        if (until := now + seconds) <= self._open_at:
            return
        self._paused += until - max(now, self._open_at)
        self._closed_at = now
        self._open_at = until
        self._next = max(self._next, until)

    async def acquire(self) -> float:
        """Wait for the next place in time; returns the instant (rate clock) at which the request goes out.

        A place that nobody was ready for is lost, except for a small credit (1 % of a minute) that absorbs the
        event loop's own lateness.
        """
        while True:
            now = self._clock.monotonic()
            place = max(self._next, now - self._credit, self._open_at)
            self._next = place + self._spacing
            episode = self._open_at
            if place > now:
                await self._clock.sleep(place - now)
            if self._open_at == episode:
                return self._granted(self._clock.monotonic())

    def rejected(self, sent_at: float) -> float:
        """Close the gate for all tasks because the service said 429; returns the pause in seconds.

        Requests that went out before the gate last closed belong to the same episode and do not lengthen it.

        Args:
            sent_at: what `acquire` returned for the rejected request.
        """
        self._rejections += 1
        if sent_at <= self._closed_at:
            return max(0.0, self._open_at - self._clock.monotonic())
        pause = PAUSES_SECONDS[min(self._in_a_row, len(PAUSES_SECONDS) - 1)]
        self._in_a_row += 1
        self._closed_at = self._clock.monotonic()
        self._open_at = self._closed_at + pause
        self._next = self._open_at
        self._paused += pause
        return pause

    def accepted(self, sent_at: float) -> None:
        """The service answered a request that went out after the gate reopened: the episode is over."""
        if sent_at > self._closed_at:
            self._in_a_row = 0

    def utilisation(self) -> Utilisation:
        """Achieved share of the allowed rate since the first request; pauses count against it."""
        seconds = self._last - self._first if self._first is not None else 0.0
        allowed = seconds * self.requests_per_minute / 60.0
        share = (self._requests - 1) / allowed if allowed > 0 else 0.0
        return Utilisation(self._requests, seconds, share, self._paused, self._rejections)

    def _granted(self, instant: float) -> float:
        self._first = instant if self._first is None else self._first
        self._last = instant
        self._requests += 1
        return instant
