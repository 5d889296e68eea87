"""One session after the other, or several at once: each on one core, answers in order, few of them in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from typing import TypeVar

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

Answer = TypeVar("Answer")


def day_by_day(work: Callable[[date], Answer], sessions: Sequence[date], threads: int) -> Iterator[Answer]:
    """Run `work` for each session asked for, ascending and each once.

    Args:
        work: a function of the session alone.
        sessions: in any order.
        threads: sessions computed at once. Matrix products use one thread each, so the cores are shared by days.

    Yields:
        One answer per session, in order; at most 2 * threads wait to be taken.
    """
    wanted = sorted(set(sessions))
    with threadpool_limits(limits=1, user_api="blas"):
        if threads <= 1:
            yield from map(work, wanted)
            return
        with ThreadPoolExecutor(threads) as pool:
            waiting: deque[Future[Answer]] = deque()
            for session in wanted:
                waiting.append(pool.submit(work, session))
                if len(waiting) >= 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
