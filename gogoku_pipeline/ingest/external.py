"""Series from outside J-Quants: a file in a folder or behind an https address becomes a landing like any other."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path
from urllib.parse import urlsplit

from gogoku_pipeline.core.clocks import Clock
from gogoku_pipeline.core.errors import ConfigError, PayloadError, ServerError
from gogoku_pipeline.ingest.files import FileBody, LandedFile, LandingDesk, read_file
from gogoku_pipeline.jquants import Downloader
from gogoku_pipeline.jquants.hosts import HostRule
from gogoku_pipeline.schema.external import EXTERNAL, ExternalSeries
from gogoku_pipeline.store import Store

_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"


def series_named(name: str) -> ExternalSeries:
    """A declared series by name; raises ConfigError."""
    if name not in EXTERNAL:
        raise ConfigError(
            f"external series {name!r}",
            got="no declaration",
            want=f"one of {', '.join(EXTERNAL)}",
            remedy="Declare it in schema/external.py, with a publication rule.",
        )
    return EXTERNAL[name]


def land_external(
    store: Store,
    series: ExternalSeries,
    where: Path | str,
    *,
    clock: Clock,
    run_id: str,
    downloader: Downloader | None = None,
) -> LandedFile:
    """Land a series as source `ext_<name>`; a later file with the same dates is a new version of them.

    Args:
        store: where it lands.
        series: its declaration.
        where: a CSV, CSV.gz or parquet file, or its https address. An address is followed to its own host only: no
            redirects, public addresses, size and time caps; its query is not kept.
        clock: the instant that counts as the landing's.
        run_id: noted with it.
        downloader: fetches an address; None for the production one.

    Raises:
        ConfigError: no such file, or an address that is not https.
        PayloadError, SchemaError, DataError: it is no good, and why.
        ServerError: the address did not answer with a whole file.
        StoreError: it could not be kept.
    """
    if isinstance(where, str) and "://" in where:
        file = asyncio.run(_fetched(series, where, downloader or Downloader()))
    else:
        file = _read(series, Path(where))
    try:
        return LandingDesk(store, clock.now(), run_id).land(series.source, file)
    finally:
        store.raw.flush()


def _read(series: ExternalSeries, path: Path) -> FileBody:
    if not path.is_file():
        raise ConfigError(
            f"series {series.name}",
            got=f"no file {path}",
            want="a CSV, CSV.gz or parquet file",
            remedy="Correct the path, or give an https address.",
        )
    return read_file(path, path.name)


async def _fetched(series: ExternalSeries, address: str, downloader: Downloader) -> FileBody:
    parts = urlsplit(address)
    thing = f"series {series.name} from {parts.hostname or 'an address without host'}"
    if parts.scheme != "https":
        raise ConfigError(
            thing, got=f"scheme {parts.scheme!r}", want="https", remedy="Use https, or fetch the file yourself."
        )
    answer = await downloader.fetch(thing, address, HostRule((str(parts.hostname or ""),)))
    if answer.status != 200:
        raise ServerError(
            thing,
            got=f"HTTP {answer.status}",
            want="the file",
            remedy="Open the address in a browser; a link may have expired.",
            status=answer.status,
        )
    if not answer.body:
        raise PayloadError(thing, got="an empty answer", want="a file", remedy="Check the address.")
    name = f"{parts.hostname}{parts.path}"
    if answer.body.startswith(_PARQUET):
        return FileBody(name, "parquet", answer.body, _plain(address))
    is_packed = answer.body.startswith(_GZIP)
    body = answer.body if is_packed else gzip.compress(answer.body, mtime=0)
    return FileBody(name, "csv.gz", body, _plain(address))


def _plain(address: str) -> str:
    """The address without query and user, as the index keeps it."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname}{parts.path}"
