"""Fetching a file from a server-given address: no key, no redirects, checked addresses only, all under caps."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from gogoku_pipeline.core.errors import ConfigError, PayloadError, ServerError
from gogoku_pipeline.jquants.hosts import HostRule

_CHUNK = 1 << 16
MAX_FILE_BYTES = 512 << 20
"""Largest file taken; a month of daily bars has a few million bytes."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to addresses."""


@dataclass(frozen=True)
class Download:
    """Status and bytes, exactly as they came; no bytes unless the status is 200."""

    status: int
    body: bytes = field(default=b"", repr=False)


async def resolve_by_system(host: str, port: int) -> list[str]:
    """Every address of a host, as the system knows them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Downloader:
    """Downloads files; each with connections of its own that carry nothing from elsewhere.

    Args:
        timeout_seconds: wall-clock limit of a download, however steadily it drips.
        stall_seconds: longest wait for a connection and for the next bytes.
        max_bytes: cap on a file.
        resolve: how names become addresses; asked once per download, and only what it said is connected to.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float = 300.0,
        stall_seconds: float = 30.0,
        max_bytes: int = MAX_FILE_BYTES,
        resolve: Resolve = resolve_by_system,
    ) -> None:
        if not (timeout_seconds > 0 and stall_seconds > 0 and max_bytes > 0):
            raise ConfigError(
                "downloads", got="a limit that is not positive", want="positive limits", remedy="Correct the limits."
            )
        self._seconds = timeout_seconds
        self._stall = stall_seconds
        self._max_bytes = max_bytes
        self._resolve = resolve

    def check_size(self, thing: str, size: int) -> None:
        """Refuse a file that is said to be above the cap; raises PayloadError."""
        if size > self._max_bytes:
            raise _refused(thing, f"{size} bytes announced", f"at most {self._max_bytes}")

    async def fetch(self, thing: str, address: str, rule: HostRule) -> Download:
        """One file.

        Args:
            thing: what it is, for messages; the address itself never appears in one.
            address: the server-given URL.
            rule: where it may lead.

        Raises:
            PayloadError: an address that must not be followed, a redirect, or more bytes than the cap.
            ServerError: time-out, reset, refused connection, or a body that ended early.
        """
        url = rule.checked(thing, address)
        try:
            async with asyncio.timeout(self._seconds):
                pinned = await self._pinned(thing, url, rule)
                return await self._fetched(thing, url, pinned)
        except (TimeoutError, aiohttp.ClientError, OSError) as problem:
            lost = type(problem).__name__
        raise ServerError(thing, got=lost, want="a complete file", remedy="Try again; check the network.")

    async def _pinned(self, thing: str, url: URL, rule: HostRule) -> AbstractResolver:
        host, port = url.raw_host or "", url.port or 0
        addresses = list(await self._resolve(host, port))
        rule.check_addresses(thing, url, addresses)
        return _Pinned(addresses)

    async def _fetched(self, thing: str, url: URL, pinned: AbstractResolver) -> Download:
        limits = aiohttp.ClientTimeout(total=None, sock_connect=self._stall, sock_read=self._stall)
        async with (
            aiohttp.ClientSession(
                timeout=limits,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(resolver=pinned, use_dns_cache=False, limit=1),
            ) as session,
            session.get(url, headers={"Accept-Encoding": "identity"}, allow_redirects=False) as response,
        ):
            if 300 <= response.status < 400:
                raise _refused(thing, "a redirect", "the file itself")
            if response.status != 200:
                return Download(response.status)
            return Download(200, await self._read(thing, response))

    async def _read(self, thing: str, response: aiohttp.ClientResponse) -> bytes:
        self.check_size(thing, response.content_length or 0)
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            body += chunk
            if len(body) > self._max_bytes:
                raise _refused(thing, f"more than {self._max_bytes} bytes", "a smaller file")
        return bytes(body)


class _Pinned(AbstractResolver):
    """Answers with the addresses that were checked, whatever the name server would say now."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The checked addresses."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _refused(thing: str, got: str, want: str) -> PayloadError:
    return PayloadError(thing, got=got, want=want, remedy="Fetch these days by date, and tell the publisher.")
