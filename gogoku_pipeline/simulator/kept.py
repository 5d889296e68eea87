"""Answers and files that were made once: kept by bytes, the least recently used go first; shared by a market's servers.

Everything kept follows from the market alone, so servers of one market in one process may share it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Things by key, up to a number of bytes; safe to use from several threads.

    Args:
        room: bytes that are kept.
        weigh: bytes of a thing.
    """

    def __init__(self, room: int, weigh: Callable[[T], int]) -> None:
        self._room = room
        self._weigh = weigh
        self._things: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The thing of a key, made if it is not there; two threads may both make it."""
        with self._lock:
            if key in self._things:
                self._things.move_to_end(key)
                return self._things[key]
        made = make()
        with self._lock:
            if key not in self._things:
                self._things[key] = made
                self._room -= self._weigh(made)
            while self._room < 0 and len(self._things) > 1:
                _, oldest = self._things.popitem(last=False)
                self._room += self._weigh(oldest)
        return made
