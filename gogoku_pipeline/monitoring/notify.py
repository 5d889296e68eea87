"""Telling a person: one alert by webhook and by mail. A failed alert is reported, never raised.

The webhook takes `{"text": ...}` (Slack and Mattermost understand it). Neither text nor failure words ever contain an
address, a credential or the query of a URL. The same alert is delivered once: repeat deliveries are told apart by
their key (rule, subject).
"""

from __future__ import annotations

import asyncio
import re
import smtplib
import ssl
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import SplitResult, unquote, urlsplit

import aiohttp
from pydantic import SecretStr

from gogoku_pipeline.core.clocks import Clock, RealClock
from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.core.log import logger

TIMEOUT_SECONDS = 5.0
RETRIES = 2
REMEMBERED = 10_000
_URL = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://(?:[^\s/@]*@)?(?P<rest>[^\s?#]*)(?:[?#]\S*)?")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_log = logger("monitoring")


@dataclass(frozen=True)
class Alert:
    """What a person should know.

    Attributes:
        rule: which rule fired, e.g. `freshness`.
        subject: what it is about, e.g. `core_jquants__daily_bars 2024-05-08`; with the rule it names the alert.
        text: what happened and what to do.
    """

    rule: str
    subject: str
    text: str

    @property
    def key(self) -> tuple[str, str]:
        """Alerts with one key are one alert."""
        return (self.rule, self.subject)


@dataclass(frozen=True)
class Delivery:
    """What became of an alert.

    Attributes:
        ok: it reached every configured channel, now or earlier, or no channel is configured.
        words: one clause per channel, without secrets.
        is_repeat: the same alert had been delivered before and was not sent again.
    """

    ok: bool
    words: str
    is_repeat: bool = False


class Notifier:
    """Delivers alerts; without any channel it only logs them.

    Args:
        webhook_url: POST target; https, or http on this machine only.
        smtp_url: smtp://user:password@host:port (STARTTLS where offered) or smtps://...
        email: receiver of the mail, also named as sender.
        secrets: values that must never appear in a text, e.g. the API key; the two addresses are added by themselves.
        clock: for the pauses between attempts.
        timeout_seconds: per attempt.
    """

    def __init__(
        self,
        webhook_url: SecretStr | str | None = None,
        smtp_url: SecretStr | str | None = None,
        email: str | None = None,
        *,
        secrets: Sequence[SecretStr | str] = (),
        clock: Clock | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._webhook = _checked_url("alert webhook", webhook_url, {"https", "http"})
        self._smtp = _checked_url("SMTP server", smtp_url, {"smtp", "smtps"})
        if self._smtp and not email:
            raise ConfigError(
                "alert mail", got="a server but no receiver", want="both", remedy="Set GOGOKU_ALERT_EMAIL."
            )
        self._email = email or ""
        self._secrets = _secret_texts(secrets, self._webhook, self._smtp)
        self._clock = clock or RealClock()
        self._timeout = timeout_seconds
        self._delivered: OrderedDict[tuple[str, str, str], None] = OrderedDict()

    def __repr__(self) -> str:
        return f"Notifier(webhook={self._webhook is not None}, mail={self._smtp is not None})"

    async def send(self, alert: Alert) -> Delivery:
        """Deliver an alert on every channel, with two retries each; never raises for a failed delivery.

        A channel that took the alert is not asked again for the same key, so a retry after a partial failure does
        not repeat it where it arrived.
        """
        text = redacted(f"[{alert.rule}] {alert.subject}: {alert.text}", self._secrets)
        subject = " ".join(redacted(f"[{alert.rule}] {alert.subject}", self._secrets).split())
        channels = [name for name, url in (("webhook", self._webhook), ("mail", self._smtp)) if url is not None]
        if not channels:
            _log.warning("alert without a channel: %s", text)
            return Delivery(True, "no channel is configured; logged")
        waiting = [name for name in channels if (*alert.key, name) not in self._delivered]
        if not waiting:
            return Delivery(True, "delivered before", is_repeat=True)
        outcomes = [await self._deliver(name, subject, text) for name in waiting]
        for name, problem in zip(waiting, outcomes, strict=True):
            if problem is None:
                self._remember((*alert.key, name))
        words = "; ".join(
            f"{n} {'delivered' if p is None else f'failed: {p}'}" for n, p in zip(waiting, outcomes, strict=True)
        )
        failed = any(problem is not None for problem in outcomes)
        _log.log(30 if failed else 20, "alert %s: %s", alert.key, words)
        return Delivery(not failed, words)

    def send_now(self, alert: Alert) -> Delivery:
        """`send` for callers without an event loop."""
        return asyncio.run(self.send(alert))

    async def _deliver(self, channel: str, subject: str, text: str) -> str | None:
        """Try up to three times; None when it arrived, else the last problem in words."""
        problem: str | None = None
        for attempt in range(RETRIES + 1):
            if attempt:
                await self._clock.sleep(0.5 * attempt)
            try:
                async with asyncio.timeout(self._timeout):
                    problem = await (self._post(text) if channel == "webhook" else self._mail(subject, text))
            except TimeoutError:
                problem = f"no answer within {self._timeout:g} s"
            except (aiohttp.ClientError, smtplib.SMTPException, OSError, ValueError) as failure:
                problem = type(failure).__name__  # its text may carry the address
            if problem is None:
                return None
        return problem

    async def _post(self, text: str) -> str | None:
        if self._webhook is None:
            return "no webhook"
        async with (
            aiohttp.ClientSession(trust_env=False) as session,
            session.post(self._webhook.geturl(), json={"text": text}, allow_redirects=False) as answer,
        ):
            return None if 200 <= answer.status < 300 else f"status {answer.status}"

    async def _mail(self, subject: str, text: str) -> str | None:
        if self._smtp is None:
            return "no SMTP server"
        message = EmailMessage()
        message["From"] = message["To"] = self._email
        message["Subject"] = subject
        message.set_content(text, cte="quoted-printable")  # plain ASCII on the wire, for any server
        await asyncio.to_thread(_deliver_mail, self._smtp, message, self._timeout)
        return None

    def _remember(self, key: tuple[str, str, str]) -> None:
        self._delivered[key] = None
        if len(self._delivered) > REMEMBERED:
            self._delivered.popitem(last=False)


def redacted(text: str, secrets: Sequence[str] = ()) -> str:
    """The text without these secrets, and without user names, passwords, queries and fragments in any URL in it."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return _URL.sub(lambda found: f"{found['scheme']}://{found['rest']}", text)


def _secret_texts(given: Sequence[SecretStr | str], *urls: SplitResult | None) -> tuple[str, ...]:
    """Everything to blank out, longest first: given values, whole addresses, their paths and passwords."""
    texts = [secret.get_secret_value() if isinstance(secret, SecretStr) else secret for secret in given]
    for url in urls:
        if url is not None:
            texts += [url.geturl(), url.path, url.query, url.password or "", unquote(url.password or "")]
    return tuple(sorted({text for text in texts if len(text) >= 4}, key=len, reverse=True))


def _deliver_mail(url: SplitResult, message: EmailMessage, timeout: float) -> None:
    context = ssl.create_default_context()
    host, port = url.hostname or "localhost", url.port
    if url.scheme == "smtps":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(host, port or 465, timeout=timeout, context=context)
    else:
        connection = smtplib.SMTP(host, port or 587, timeout=timeout)
    with connection as server:
        server.ehlo()
        if url.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
        elif url.scheme == "smtp" and url.password and host not in _LOOPBACK:
            raise smtplib.SMTPNotSupportedError("the server offers no encryption for the password")
        if url.username and url.password:
            server.login(unquote(url.username), unquote(url.password))
        server.send_message(message)


def _checked_url(what: str, url: SecretStr | str | None, schemes: set[str]) -> SplitResult | None:
    """The URL in parts; raises ConfigError without repeating it (it is a secret)."""
    text = url.get_secret_value() if isinstance(url, SecretStr) else url
    if not text:
        return None
    parts = urlsplit(text)
    if parts.scheme not in schemes or not parts.hostname:
        raise ConfigError(
            what,
            got="an address of another form",
            want=f"{' or '.join(sorted(schemes))}://host/...",
            remedy="Correct the variable; see `.env.example`.",
        )
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ConfigError(what, got="plain http", want="https", remedy="Plain http is accepted on this machine only.")
    return parts
