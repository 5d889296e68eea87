"""What a computation left for the next session: the newest states by name, version of the code and session.

Belongs here: keys, and which states are kept. Does not belong here: what is inside, whether it still fits (callers).

A state is a shortcut and never the truth: any of them may be missing, and a computation without one starts from the
tables. States of another version than the one saved last are removed, and of each name the newest sessions stay.
"""

from __future__ import annotations

from datetime import date

from gogoku_pipeline.core.fingerprints import sha256_bytes
from gogoku_pipeline.store.locations import checked_name
from gogoku_pipeline.store.objects import ObjectStore

SESSIONS_KEPT = 12
"""Newest sessions of which a state stays."""


class CarriedStates:
    """States below `carried/<name>/<version>/<session>/`.

    Args:
        objects: where the bytes lie.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def of(self, name: str, version: str, session: date) -> list[bytes]:
        """States left after a session; several only where a writer was stopped between saving and cleaning up."""
        return [self._objects.get(key) for key in self._objects.list(f"{_folder(name, version)}/{session.isoformat()}")]

    def save(self, name: str, version: str, session: date, payload: bytes) -> None:
        """Keep a state in place of the one of that session; one older than the newest sessions is not kept."""
        held = self._objects.list(f"carried/{checked_name('carried state', name)}")
        folder, day = _folder(name, version), session.isoformat()
        here = {key.split("/")[3] for key in held if key.startswith(f"{folder}/")}
        kept = sorted({*here, day})[-SESSIONS_KEPT:]
        fresh = f"{folder}/{day}/{sha256_bytes(payload)[:16]}"
        if day in kept:
            self._objects.put_new(fresh, payload)
        stays = tuple(f"{folder}/{session}/" for session in kept if session != day)
        self._objects.delete(key for key in held if key != fresh and not key.startswith(stays))


def _folder(name: str, version: str) -> str:
    return f"carried/{checked_name('carried state', name)}/{checked_name('version', version)}"
