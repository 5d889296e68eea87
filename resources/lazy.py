"""Open once, only when asked for: importing the definitions must touch neither disk nor network."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Lazy(Generic[T]):
    """A value made at the first `get()` and kept; safe when several steps ask at once.

    Args:
        make: how to make it.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: list[T] = []
        self._lock = Lock()

    @classmethod
    def of(cls, value: T) -> "Lazy[T]":
        """A value that already exists."""
        return cls(lambda: value)

    def get(self) -> T:
        """The value."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
        return self._made[0]
