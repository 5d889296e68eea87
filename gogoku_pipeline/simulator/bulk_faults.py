"""What can go wrong with bulk files: sizes that lie, files that are no gzip, signed URLs that lead astray."""

from __future__ import annotations

from dataclasses import dataclass

from gogoku_pipeline.simulator.faults import Fault

LISTING, SIGNING, DOWNLOAD = "/bulk/list", "/bulk/get", "/bulk/download"
"""Paths by which a `When` may name the three steps; the download has no path of the API and is counted apart."""


@dataclass(frozen=True)
class BulkFault(Fault):
    """A fault of bulk files."""


@dataclass(frozen=True)
class ClaimedSize(BulkFault):
    """The listing's Size and the download's Content-Length name this many bytes; the body stays what it is."""

    size: int = 50_000_000_000


@dataclass(frozen=True)
class WrongGzip(BulkFault):
    """The file is no gzip, or one whose end is missing."""

    is_cut: bool = False

    def apply(self, body: bytes) -> bytes:
        """The bad bytes."""
        return body[: len(body) // 2] if self.is_cut else b"PK\\x03\\x04 this is no gzip file " + body[4:64]


@dataclass(frozen=True)
class SignedElsewhere(BulkFault):
    """The signed URL is on another host, e.g. a private address."""

    host: str = "http://169.254.169.254"


@dataclass(frozen=True)
class SignedUrl(BulkFault):
    """The signed URL is this text."""

    url: str = ""


@dataclass(frozen=True)
class ExpiredUrl(BulkFault):
    """The signed URL is no longer valid when it is handed out."""


@dataclass(frozen=True)
class Redirected(BulkFault):
    """The download answers with a redirect."""

    location: str = "http://169.254.169.254/latest/meta-data/"
    status: int = 302
