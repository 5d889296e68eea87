"""Where things are kept: bytes, raw payloads with their index, tables, model files. One URL, local or S3.

Belongs here: create-only objects, Delta tables with session overwrite and time travel, the raw landing,
artefacts with manifests, the start-up proof that the server honours conditional writes.
Does not belong here: what a row means (schema, tables), how it is fetched (jquants, ingest).
"""

from gogoku_pipeline.store.artefacts import Artefact, ArtefactStore
from gogoku_pipeline.store.commits import CommitInfo, CommitResult
from gogoku_pipeline.store.objects import ObjectStore
from gogoku_pipeline.store.opening import Store, open_store
from gogoku_pipeline.store.raw import RawPage, RawRequest, RawStore
from gogoku_pipeline.store.raw_requests import RAW_REQUESTS
from gogoku_pipeline.store.tables import TableStore

__all__ = [
    "RAW_REQUESTS",
    "Artefact",
    "ArtefactStore",
    "CommitInfo",
    "CommitResult",
    "ObjectStore",
    "RawPage",
    "RawRequest",
    "RawStore",
    "Store",
    "TableStore",
    "open_store",
]
