"""What is checked before anything is sent: where the key would go, and whether it can be one."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import SecretStr

from gogoku_pipeline.core.errors import ConfigError, CredentialsError

_SERVICE_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, said plainly (`localhost`, 127.0.0.1, ::1); odd spellings are not."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_near(host: str) -> bool:
    """Whether a host is this machine or a service of the compose network (a name without dots)."""
    return is_loopback(host) or _SERVICE_NAME.fullmatch(host.lower()) is not None


def checked_url(base_url: str) -> str:
    """The base URL without its last slash.

    Raises:
        ConfigError: plain http to a public host, a query, or a user.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_near(host))
    if not host or parts.query or parts.username or not is_safe:
        raise ConfigError(
            "GOGOKU_API_URL",
            got=f"{parts.scheme or 'no scheme'}://{host}",
            want="https without query and user, or http to this machine or the compose network",
            remedy="Use https://api.jquants.com/v2 or the simulator's address.",
        )
    return base_url.rstrip("/")


def checked_key(api_key: SecretStr | str) -> SecretStr:
    """The key, hidden; raises CredentialsError for what cannot be one."""
    text = (api_key.get_secret_value() if isinstance(api_key, SecretStr) else api_key).strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise CredentialsError(
            "JQUANTS_API_KEY",
            got="nothing" if not text else "text that cannot be a key",
            want="the key of the J-Quants dashboard",
            remedy="Set JQUANTS_API_KEY, or run on the simulator.",
        )
    return SecretStr(text)
