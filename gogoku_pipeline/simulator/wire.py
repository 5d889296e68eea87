"""Answers as bytes on the wire, whole or damaged."""

from __future__ import annotations

import gzip
import json
import socket
import struct
from collections.abc import Mapping, Sequence

from aiohttp import web

from gogoku_pipeline.simulator import rules
from gogoku_pipeline.simulator.faults import DataFault, Fault
from gogoku_pipeline.simulator.rows import Rows, from_mappings

JSON_TYPE = "application/json; charset=utf-8"


def message(refusal: rules.Refusal) -> web.Response:
    """A refusal in the service's JSON; a 210 has no body."""
    if refusal.status == rules.NOT_AVAILABLE:
        return web.Response(status=refusal.status)
    body = json.dumps({"message": refusal.message}).encode()
    return web.Response(status=refusal.status, body=body, headers={"Content-Type": JSON_TYPE})


def damaged(rows: Rows, striking: Sequence[Fault]) -> Rows:
    """The rows after every data fault that strikes."""
    damaging = [fault for fault in striking if isinstance(fault, DataFault)]
    if not damaging:
        return rows
    decoded = rows.decoded()
    for fault in damaging:
        decoded = fault.apply(decoded)
    return from_mappings(decoded)


def json_headers(request: web.Request, body: bytes) -> tuple[bytes, dict[str, str]]:
    """A JSON body, compressed if the request allows it, and its headers."""
    headers = {"Content-Type": JSON_TYPE}
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, compresslevel=1, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return body, headers


def gateway_page(status: int) -> web.Response:
    """A gateway's HTML."""
    page = f"<html><body><h1>{status} Bad Gateway</h1></body></html>"
    return web.Response(status=status, text=page, content_type="text/html")


def access_denied() -> web.Response:
    """The file store's refusal of a signed URL."""
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
    )
    return web.Response(status=403, text=text, content_type="application/xml")


def torn_down(request: web.Request) -> web.Response:
    """Close the connection at once, with a reset instead of a farewell."""
    if request.transport is not None:
        raw = request.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response(status=500)


async def shorter_than_promised(
    request: web.Request, body: bytes, headers: Mapping[str, str], promised: int
) -> web.StreamResponse:
    """Promise a number of bytes, send what there is, hang up."""
    response = web.StreamResponse(headers={**headers, "Content-Length": str(promised)})
    await response.prepare(request)
    await response.write(body)
    if request.transport is not None:
        request.transport.close()
    return response
