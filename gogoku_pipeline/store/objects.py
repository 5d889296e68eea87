"""Bytes under keys: create-only puts, reads, lists. Data moves through obstore; nothing is ever overwritten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotSupportedError, PreconditionError
from obstore.store import LocalStore, S3Store

from gogoku_pipeline.core.errors import ConditionalWriteError, ObjectMissingError, StoreError
from gogoku_pipeline.store.locations import Location

if TYPE_CHECKING:
    from obstore.store import S3Config

_PROBE_KEY = "probe/conditional-write"
_NO_ROOM = ("No space left", "quota", "File too large", "QuotaExceeded", "storage full")


class ObjectStore:
    """Immutable objects below one URL."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._bytes = _connect(location)

    def __repr__(self) -> str:
        return f"ObjectStore({self._location.url})"

    def put_new(self, key: str, payload: bytes) -> bool:
        """Keep bytes under a new key.

        Returns:
            True if this call created the object, False if the key was taken (the old bytes stay).

        Raises:
            StoreError: the store cannot be reached or refuses.
        """
        try:
            with _translated(f"object {key}"):
                obstore.put(self._bytes, key, payload, mode="create")
        except (AlreadyExistsError, PreconditionError):
            return False
        return True

    def get(self, key: str) -> bytes:
        """The bytes under a key; raises ObjectMissingError."""
        with _translated(f"object {key}"):
            return bytes(obstore.get(self._bytes, key).bytes())

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """`length` bytes from offset `start`; raises ObjectMissingError."""
        with _translated(f"object {key}"):
            return bytes(obstore.get_range(self._bytes, key, start=start, length=length))

    def exists(self, key: str) -> bool:
        """Whether a key is taken."""
        try:
            with _translated(f"object {key}"):
                obstore.head(self._bytes, key)
        except ObjectMissingError:
            return False
        return True

    def list(self, prefix: str = "") -> list[str]:
        """All keys below a prefix (whole path segments), sorted; empty if there are none."""
        with _translated(f"objects below {prefix or 'the root'}"):
            return sorted(str(item["path"]) for chunk in obstore.list(self._bytes, prefix or None) for item in chunk)

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects (maintenance only); keys that do not exist are fine."""
        for key in keys:
            try:
                with _translated(f"object {key}"):
                    obstore.delete(self._bytes, key)
            except ObjectMissingError:
                continue

    def prove_conditional_writes(self) -> None:
        """Refuse a server on which two writers could both believe they won.

        Raises:
            ConditionalWriteError: the second create-only PUT of one key was accepted, or such PUTs are not supported.
            StoreError: the bucket is missing or cannot be reached.
        """
        try:
            self.put_new(_PROBE_KEY, b"first")
            accepted_twice = self.put_new(_PROBE_KEY, b"second")
        except NotSupportedError:
            accepted_twice = True
        except ObjectMissingError:
            raise StoreError(
                f"store {self._location.url}",
                got="no such bucket",
                want="a bucket that takes objects",
                remedy="Create the bucket with `gogoku doctor --fix`, or check the URL, endpoint and credentials.",
            ) from None
        if accepted_twice:
            raise ConditionalWriteError(
                f"store {self._location.url}",
                got="a second create-only PUT of one key that was accepted",
                want="a refusal (HTTP 412 or 409)",
                remedy="Use a server with conditional writes; commits would be lost on this one.",
            )


def _connect(location: Location) -> LocalStore | S3Store:
    if location.is_local:
        return LocalStore(location.path, mkdir=True)
    config = cast("S3Config", dict(location.options))
    return S3Store(location.bucket, prefix=location.prefix or None, config=config, retry_config={"max_retries": 4})


@contextmanager
def _translated(thing: str) -> Iterator[None]:
    """Library errors become ours, without the library's debug dump (it may hold URLs)."""
    try:
        yield
    except FileNotFoundError:
        raise ObjectMissingError(
            thing, got="nothing", want="an object", remedy="Check the key and the data URL."
        ) from None
    except (AlreadyExistsError, PreconditionError, NotSupportedError):
        raise
    except (BaseError, OSError) as problem:
        raise StoreError(
            thing,
            got=first_line(problem),
            want="an answer of the store",
            remedy=_remedy(str(problem)),
        ) from None


def _remedy(words: str) -> str:
    if any(sign in words for sign in _NO_ROOM):
        return "Make room (disk, quota) and run again; nothing is half written."
    return "Check the data URL, the endpoint and the credentials."


def first_line(problem: BaseException) -> str:
    """The first line of a library's message, without URL queries."""
    line = (str(problem).splitlines() or [type(problem).__name__])[0]
    return " ".join(word.split("?")[0] for word in line.split())[:300]
