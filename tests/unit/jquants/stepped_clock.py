"""A clock for tests of pacing."""

import asyncio
from datetime import datetime

from gogoku_pipeline.core.clocks import JST


class SteppedClock:
    """A rate clock that jumps to the next sleeper, so that an hour of pacing takes milliseconds and is exact."""

    def __init__(self) -> None:
        self._time = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future]] = []
        self._count = 0

    def now(self):
        return datetime(2024, 5, 8, 19, tzinfo=JST)

    def monotonic(self):
        return self._time

    async def sleep(self, seconds):
        self._count += 1
        ready = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._time + seconds, self._count, ready))
        await ready

    async def drive(self, *tasks):
        while not all(task.done() for task in tasks):
            for _ in range(5):
                await asyncio.sleep(0)
            if self._sleepers:
                self._sleepers.sort()
                at, _, ready = self._sleepers.pop(0)
                self._time = max(self._time, at)
                ready.set_result(None)
        return [task.result() for task in tasks]

    def jump(self, seconds):
        self._time += seconds
