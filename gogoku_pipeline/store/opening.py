"""One URL, one store: bytes, raw landing, tables and model files behind a single object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

from gogoku_pipeline.store.artefacts import ArtefactStore
from gogoku_pipeline.store.locations import Location, parse_location
from gogoku_pipeline.store.objects import ObjectStore
from gogoku_pipeline.store.raw import RawStore
from gogoku_pipeline.store.tables import TableStore


@dataclass(frozen=True)
class Store:
    """Everything the house keeps.

    Attributes:
        location: URL and options.
        objects: immutable bytes under keys.
        tables: Delta tables.
        raw: the publisher's payloads and their index.
        artefacts: model files with manifests.
    """

    location: Location
    objects: ObjectStore
    tables: TableStore
    raw: RawStore
    artefacts: ArtefactStore

    @property
    def url(self) -> str:
        """The URL it was opened with."""
        return self.location.url


def open_store(
    url: str, options: Mapping[str, str] | None = None, *, probe: bool = True, code_version: str | None = None
) -> Store:
    """Open the store, local or S3.

    Args:
        url: `file:///path` (created if missing) or `s3://bucket/prefix` (the bucket must exist; see `bucket`).
        options: object_store options, e.g. from `core.settings.object_store_options()`.
        code_version: noted in the commits of the raw index; None for the version of this package.
        probe: prove that create-only writes are honoured; commits could be lost otherwise.

    Raises:
        ConfigError: a URL nobody could open.
        ConditionalWriteError: the server ignores create-only writes.
        StoreError: the store cannot be reached.
    """
    location = parse_location(url, options)
    objects = ObjectStore(location)
    if probe:
        objects.prove_conditional_writes()
    tables = TableStore(location)
    raw = RawStore(objects, tables, code_version=version("gogoku-pipeline") if code_version is None else code_version)
    return Store(location, objects, tables, raw, ArtefactStore(objects))
