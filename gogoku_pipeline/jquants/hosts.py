"""Which server-given addresses may be fetched. A signed URL is input: it could name our own machine or a cloud's keys.

Strict, as towards the real service: https, a listed host, port 443, public addresses only. Where the API itself is
this machine or a service of the compose network (the simulator), http and near addresses are allowed too, but never
link-local ones, where clouds keep credentials.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from yarl import URL

from gogoku_pipeline.core.errors import PayloadError
from gogoku_pipeline.jquants.key import is_loopback, is_near

BULK_HOSTS = ("amazonaws.com", "jquants.com", "jpx-jquants.com")
"""Hosts (and everything below them) that bulk files may come from."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_LONGEST_URL = 8_192
_HTTPS_PORT = 443
_NEAR = tuple(ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
_NEVER = (ip_network("fd00:ec2::/32"),)
_TRANSLATED = ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class HostRule:
    """Where a file may come from.

    Attributes:
        suffixes: allowed hosts, subdomains included.
        near_host: host of the API if that is this machine or the compose network, else empty.
    """

    suffixes: tuple[str, ...]
    near_host: str = ""

    def checked(self, thing: str, text: str) -> URL:
        """The address as it will be used, letter by letter; raises PayloadError for one that must not be."""
        is_plain = text.isascii() and text.isprintable() and not set(text) & set(' \\"<>^`{|}')
        if not is_plain or len(text) > _LONGEST_URL:
            raise _refused(thing, "an address with odd letters or none", "a plain URL")
        try:
            url = URL(text, encoded=True)
            host, port = (url.raw_host or "").lower(), url.port
        except ValueError:
            raise _refused(thing, "an address that cannot be read", "a plain URL") from None
        if url.user is not None or url.password is not None or "@" in url.raw_authority:
            raise _refused(thing, "an address with a user", "none")
        if url.scheme != "https" and not (url.scheme == "http" and self.near_host):
            raise _refused(thing, f"an address of scheme {url.scheme!r}", "https")
        if not self._is_allowed(host):
            raise _refused(thing, f"host {host[:100]!r}", f"one below {', '.join(self.suffixes)}")
        if port != _HTTPS_PORT and not self.near_host:
            raise _refused(thing, f"port {port}", str(_HTTPS_PORT))
        return url

    def check_addresses(self, thing: str, url: URL, addresses: Sequence[str]) -> None:
        """Judge what the host resolved to, every address of it; raises PayloadError."""
        found = [_parsed(address) for address in addresses]
        is_near_only = bool(self.near_host) and all(_is_near_address(address) for address in found)
        is_public_only = url.scheme == "https" and all(_is_public_address(address) for address in found)
        if not found or not (is_near_only or is_public_only):
            raise _refused(thing, f"host {(url.raw_host or '')[:100]!r} at a private address", "a public address")

    def _is_allowed(self, host: str) -> bool:
        if self.near_host and (host == self.near_host or is_loopback(host)):
            return True
        return _HOST.fullmatch(host) is not None and any(
            host == suffix or host.endswith(f".{suffix}") for suffix in self.suffixes
        )


def host_rule(base_url: str, bulk_hosts: Sequence[str]) -> HostRule:
    """The rule that fits an API: strict, unless the API is near."""
    host = (urlsplit(base_url).hostname or "").lower()
    suffixes = tuple(name.lower().strip(".") for name in bulk_hosts if name.strip("."))
    return HostRule(suffixes, host if is_near(host) else "")


def _parsed(address: str) -> IPv4Address | IPv6Address:
    """An address, seen through: what is wrapped in IPv6 is judged as the IPv4 address it leads to."""
    found = ip_address(address.split("%")[0])
    if isinstance(found, IPv6Address):
        if found in _TRANSLATED:
            return IPv4Address(int(found) & 0xFFFFFFFF)
        wrapped = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        return wrapped or found
    return found


def _is_near_address(address: IPv4Address | IPv6Address) -> bool:
    if address.is_loopback:
        return True
    nets = [net for net in _NEAR if net.version == address.version]
    return any(address in net for net in nets) and not any(address in net for net in _NEVER)


def _is_public_address(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _refused(thing: str, got: str, want: str) -> PayloadError:
    remedy = "Do not follow it: ask the publisher; a new storage host is allowed by `bulk_hosts`."
    return PayloadError(thing, got=got, want=want, remedy=remedy)
