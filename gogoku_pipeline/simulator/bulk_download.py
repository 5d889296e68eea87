"""The file store behind signed URLs: it knows no API keys, and may hand out what was ordered to be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from gogoku_pipeline.simulator import bulk_faults, wire
from gogoku_pipeline.simulator.bulk_csv import decode_csv, encode_csv
from gogoku_pipeline.simulator.faults import DataFault, Fault, TruncatedBody

HEADERS = {"Content-Type": "application/gzip"}


@dataclass(frozen=True)
class Download:
    """One request of a signed URL as the file store saw it."""

    number: int
    key: str
    has_api_key: bool
    status: int


async def redeemed(request: web.Request, body: bytes | None, striking: Sequence[Fault]) -> web.StreamResponse:
    """The file, or what the faults make of it; None is an unknown, used or expired URL.

    Args:
        request: of the signed URL.
        body: the file.
        striking: faults of this download.
    """
    for fault in striking:
        if isinstance(fault, bulk_faults.Redirected):
            return web.Response(status=fault.status, headers={"Location": fault.location})
    if body is None:
        return wire.access_denied()
    promised = None
    for fault in striking:
        if isinstance(fault, DataFault):
            rows = fault.apply(decode_csv(body))
            body = encode_csv([rows], ())
        elif isinstance(fault, bulk_faults.WrongGzip):
            body = fault.apply(body)
        elif isinstance(fault, bulk_faults.ClaimedSize):
            promised = fault.size
        elif isinstance(fault, TruncatedBody):
            promised = len(body)
            body = body[: int(len(body) * fault.share)]
    if promised is not None:
        return await wire.shorter_than_promised(request, body, HEADERS, promised)
    return web.Response(body=body, headers=HEADERS)
