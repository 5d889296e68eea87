"""Model files: complete or absent, never half. The manifest is written last and says what every file must hash to."""

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
        for file_name, payload in files.items():
            if file_name == MANIFEST:
                raise _bad(name, version, "a file called manifest.json", "another file name", "Rename the file.")
            self._put(name, version, checked_name("file name", file_name), payload)
        document: dict[str, Any] = {
            "name": name,
            "version": version,
            "files": {key: {"sha256": sha256_bytes(files[key]), "bytes": len(files[key])} for key in sorted(files)},
            "manifest": json.loads(json.dumps(dict(manifest), default=str)),
        }
        document["sha256"] = sha256_json(document)
        text = json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False)
        self._put(name, version, MANIFEST, text.encode())

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
