"""HTTP: one GET, the exact bytes of its answer, and nothing lost in silence.

Bodies are decompressed here, streaming, under a cap, and a stream that stops early is an error, whatever the framing.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import aiohttp

from gogoku_pipeline.core.errors import ConfigError, PayloadError, ServerError

_CHUNK = 1 << 16
MAX_BYTES = 64 << 20
"""Largest body taken; the service splits its answers at 5,000,000 bytes."""


@dataclass(frozen=True)
class Answer:
    """Status and decompressed body of a response."""

    status: int
    body: bytes


class Transport(Protocol):
    """What the client needs from HTTP; swap it to reach another server or none."""

    async def get(self, url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """One GET; raises ServerError if no complete answer came, PayloadError if it was too large."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class AiohttpTransport:
    """The transport used in production.

    Args:
        timeout_seconds: wall-clock limit of one request, body included.
        max_bytes: cap on the decompressed body.
        connections: most connections at once.
    """

    def __init__(self, *, timeout_seconds: float = 60.0, max_bytes: int = MAX_BYTES, connections: int = 64) -> None:
        if not (timeout_seconds > 0 and max_bytes > 0 and connections > 0):
            raise ConfigError(
                "transport", got="a limit that is not positive", want="positive limits", remedy="Correct the limits."
            )
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._max_bytes = max_bytes
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """One GET without following redirects.

        Raises:
            ServerError: time-out, reset, refused connection, or a body that ended early.
            PayloadError: a body above the cap or in an encoding we did not ask for.
        """
        sent = {"Accept-Encoding": "gzip", **headers}
        try:
            async with self._opened().get(url, params=dict(params), headers=sent, allow_redirects=False) as response:
                return Answer(response.status, await self._read(response))
        except (TimeoutError, aiohttp.ClientError, OSError, zlib.error) as problem:
            raise _lost(type(problem).__name__) from None

    async def close(self) -> None:
        """Release connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(limit=self._connections),
            )
        return self._session

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        if encoding not in ("identity", "gzip", ""):
            raise _refused(f"content encoding {encoding}", "gzip or none")
        unpack = zlib.decompressobj(16 + zlib.MAX_WBITS) if encoding == "gzip" else None
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            room = self._max_bytes - len(body) + 1
            body += unpack.decompress(chunk, room) if unpack else chunk
            if len(body) > self._max_bytes:
                raise _refused(f"more than {self._max_bytes} bytes", "a smaller body")
        if unpack and not unpack.eof:
            raise _lost("a gzip stream that ended early")
        return bytes(body)


def _lost(what: str) -> ServerError:
    return ServerError("answer", got=what, want="a complete response", remedy="Try again; check the network.")


def _refused(got: str, want: str) -> PayloadError:
    return PayloadError("answer", got=got, want=want, remedy="Check GOGOKU_API_URL; this is not the expected service.")
