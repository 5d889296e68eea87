"""Model files: complete or absent, never half. The manifest is written last and says what every file must hash to.

What belongs to a version that is not complete yet may be kept in parts (one fit, say): whoever goes on with it after a
crash finds the parts that were finished.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gogoku_pipeline.core.errors import ArtefactError, ObjectMissingError
from gogoku_pipeline.core.fingerprints import sha256_bytes, sha256_json
from gogoku_pipeline.store.locations import checked_name
from gogoku_pipeline.store.objects import ObjectStore

MANIFEST = "manifest.json"
PART = ".part.json"


@dataclass(frozen=True)
class Artefact:
    """A verified set of files.

    Attributes:
        name: what it is a version of.
        version: which one.
        files: bytes by file name.
        manifest: what its author wrote about it (feature hash, configuration hash, table versions ...).
    """

    name: str
    version: str
    files: dict[str, bytes]
    manifest: dict[str, Any]


class ArtefactStore:
    """Immutable, versioned sets of files below `models/`."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def save(self, name: str, version: str, files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> None:
        """Keep a version: every file, then its manifest. Saving the same again is fine, also after a crash.

        Raises:
            ArtefactError: the version exists with other content.
        """
        self._put_files(name, version, files)
        document: dict[str, Any] = {
            "name": name,
            "version": version,
            "files": {key: {"sha256": sha256_bytes(files[key]), "bytes": len(files[key])} for key in sorted(files)},
            "manifest": json.loads(json.dumps(dict(manifest), default=str)),
        }
        document["sha256"] = sha256_json(document)
        text = json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False)
        self._put(name, version, MANIFEST, text.encode())

    def save_part(self, name: str, version: str, part: str, files: Mapping[str, bytes], notes: Any = None) -> None:
        """Keep some files of a version that is not complete yet; that the part is complete is written last.

        Args:
            name: what it is a version of.
            version: which one; nobody sees it before `save`.
            part: which of its parts.
            files: bytes by file name; `save` names them again.
            notes: anything JSON can hold, given back with the part.

        Raises:
            ArtefactError: the version is complete and holds other content.
        """
        self._put_files(name, version, files)
        listed = {"files": {key: sha256_bytes(files[key]) for key in sorted(files)}, "notes": notes}
        self._put_files(name, version, {f"{part}{PART}": json.dumps(listed, sort_keys=True).encode()})

    def part(self, name: str, version: str, part: str) -> tuple[dict[str, bytes], Any] | None:
        """Files and notes of a part that was finished; None if it was not, or is not what it was."""
        try:
            listed = json.loads(self._objects.get(_key(name, version, f"{part}{PART}")))
            files = {key: self._objects.get(_key(name, version, key)) for key in listed["files"]}
        except (ObjectMissingError, ValueError):
            return None
        sound = all(sha256_bytes(payload) == listed["files"][key] for key, payload in files.items())
        return (files, listed["notes"]) if sound else None

    def load(self, name: str, version: str) -> Artefact:
        """Read a version and verify every byte.

        Raises:
            ArtefactError: there is no manifest, a file is missing, or anything changed since it was saved.
        """
        document = self._document(name, version)
        files: dict[str, bytes] = {}
        for file_name, entry in document["files"].items():
            try:
                payload = self._objects.get(_key(name, version, file_name))
            except ObjectMissingError:
                raise _bad(name, version, f"no file {file_name}", "all files of the manifest") from None
            if sha256_bytes(payload) != entry["sha256"]:
                raise _bad(name, version, f"altered bytes in {file_name}", f"sha256 {entry['sha256']}")
            files[file_name] = payload
        return Artefact(name, version, files, document["manifest"])

    def manifest(self, name: str, version: str) -> dict[str, Any]:
        """What the author of a version wrote about it, without reading its files."""
        manifest: dict[str, Any] = self._document(name, version)["manifest"]
        return manifest

    def versions(self, name: str) -> list[str]:
        """Complete versions of a name, sorted; half-written ones do not exist."""
        keys = self._objects.list(f"models/{checked_name('artefact name', name)}")
        return sorted(key.split("/")[2] for key in keys if key.endswith(f"/{MANIFEST}"))

    def _document(self, name: str, version: str) -> dict[str, Any]:
        try:
            text = self._objects.get(_key(name, version, MANIFEST))
        except ObjectMissingError:
            raise _bad(name, version, "no manifest", "a complete version", "Choose one of versions(name).") from None
        try:
            document: dict[str, Any] = json.loads(text)
            promised = document.pop("sha256")
        except (ValueError, KeyError, AttributeError):
            raise _bad(name, version, "an unreadable manifest", "the manifest that was saved") from None
        if sha256_json(document) != promised:
            raise _bad(name, version, "an altered manifest", f"content hash {promised}")
        return document

    def _put_files(self, name: str, version: str, files: Mapping[str, bytes]) -> None:
        """Write files; those of a version that never became complete give way to newer ones."""
        is_complete = self._objects.exists(_key(name, version, MANIFEST))
        for file_name, payload in files.items():
            if file_name == MANIFEST:
                raise _bad(name, version, "a file called manifest.json", "another file name", "Rename the file.")
            key = _key(name, version, checked_name("file name", file_name))
            if not is_complete and self._objects.exists(key) and self._objects.get(key) != payload:
                self._objects.delete([key])
            self._put(name, version, file_name, payload)

    def _put(self, name: str, version: str, file_name: str, payload: bytes) -> None:
        key = _key(name, version, file_name)
        if not self._objects.put_new(key, payload) and self._objects.get(key) != payload:
            raise _bad(
                name,
                version,
                f"other content in {file_name}",
                "a new version, because versions never change",
                "Save under another version.",
            )


def _key(name: str, version: str, file_name: str) -> str:
    return f"models/{checked_name('artefact name', name)}/{checked_name('artefact version', version)}/{file_name}"


def _bad(name: str, version: str, got: str, want: str, remedy: str = "Train the version again.") -> ArtefactError:
    return ArtefactError(f"artefact {name} {version}", got=got, want=want, remedy=remedy)
