"""Where the store lives: one URL, one set of options, understood alike by obstore, Polars and Delta Lake."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gogoku_pipeline.core.errors import ConfigError

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._=-]*$")


@dataclass(frozen=True)
class Location:
    """A parsed store URL.

    Attributes:
        url: `file:///path` or `s3://bucket/prefix`, without a trailing slash.
        options: object_store options (`aws_endpoint_url` ...); never shown, they may hold secrets.
    """

    url: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_local(self) -> bool:
        """Whether the store is a folder of this machine."""
        return self.url.startswith("file://")

    @property
    def path(self) -> Path:
        """The folder of a local store."""
        return Path(unquote(urlsplit(self.url).path))

    @property
    def bucket(self) -> str:
        """The bucket of an S3 store."""
        return urlsplit(self.url).netloc

    @property
    def prefix(self) -> str:
        """The key prefix inside the bucket, possibly empty."""
        return urlsplit(self.url).path.strip("/")

    def table_uri(self, name: str) -> str:
        """The URI of a table, in the form Polars and Delta Lake take."""
        return str(self.path / "tables" / name) if self.is_local else f"{self.url}/tables/{name}"


def parse_location(url: str, options: Mapping[str, str] | None = None) -> Location:
    """Read a store URL.

    Raises:
        ConfigError: another scheme, a relative path, no bucket, or plain http to a public host.
    """
    parts = urlsplit(url)
    absolute_file = parts.scheme == "file" and parts.netloc == "" and len(parts.path) > 1
    bucket = parts.scheme == "s3" and bool(parts.netloc)
    if not (absolute_file or bucket) or parts.query or parts.fragment:
        raise ConfigError(
            "GOGOKU_DATA_URL",
            got=f"{parts.scheme or 'no scheme'}://...",
            want="file:///absolute/path or s3://bucket/prefix",
            remedy="Correct the variable; leave it empty for ./.gogoku/data.",
        )
    chosen = dict(options or {})
    if absolute_file and "%" in unquote(parts.path):
        raise ConfigError(
            "GOGOKU_DATA_URL",
            got="a folder with % in its name",
            want="any other name (Delta Lake would read the % as an encoding)",
            remedy="Choose another folder.",
        )
    if bucket:
        _refuse_public_plain_http(chosen.get("aws_endpoint_url", ""))
    return Location(url.rstrip("/"), chosen)


def _refuse_public_plain_http(endpoint: str) -> None:
    """Plain http is for loopback and single-label hosts (a compose network); keys would travel in clear otherwise."""
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    if parts.scheme == "http" and "." in host and not host.startswith("127."):
        raise ConfigError(
            "AWS_ENDPOINT_URL",
            got=f"plain http to {host}",
            want="https, or http to this machine or the compose network",
            remedy="Use an https endpoint.",
        )


def checked_name(what: str, name: str) -> str:
    """A name that is safe as one key segment; raises ConfigError otherwise."""
    if not _NAME.match(name):
        raise ConfigError(
            what,
            got=f"the name {name!r}",
            want="letters, digits, '.', '_', '=' and '-', starting with a letter or digit",
            remedy="Choose another name.",
        )
    return name
