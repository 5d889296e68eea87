"""What a refusal means: status and message of the service turned into one error of ours.

A 403 is about the key, the plan or the path, never about dates; dates outside the plan are a 400 with the window in
its message. Source: J-Quants V2 response-status page and messages observed by its users.
"""

from __future__ import annotations

import re

from pydantic_core import from_json

from gogoku_pipeline.core.errors import (
    ApiError,
    CoverageError,
    CredentialsError,
    NotAvailableError,
    PlanError,
    RateLimitError,
    RequestError,
    ServerError,
)
from gogoku_pipeline.jquants.plans import parse_window

_LONGEST = 200
_SHORTEST_SECRET = 6
_KEY_REMEDY = "Set JQUANTS_API_KEY to a key from the J-Quants dashboard."


def refusal(thing: str, status: int, body: bytes, secret: str) -> ApiError:
    """The error for an answer other than 200.

    Args:
        thing: what was asked, e.g. ``daily_bars date=2024-05-08``.
        status: HTTP status.
        body: body of the answer, JSON or not.
        secret: text that must not appear in the error.
    """
    message = _message(body, secret)
    said = f"HTTP {status} {message!r}" if message else f"HTTP {status} without a message"
    if status == 210:
        return NotAvailableError(
            thing,
            got=f"not available now ({said})",
            want="an answer inside its serving hours",
            remedy="Ask again at the hour at which the source is served.",
            status=status,
        )
    if status == 400:
        return _bad_request(thing, said, message)
    if status in (401, 403):
        return _forbidden(thing, said, message, status)
    if status == 429:
        return RateLimitError(
            thing,
            got=said,
            want="an answer",
            remedy="Another process may use the key; wait five minutes and run one at a time.",
            status=status,
        )
    if status >= 500:
        return ServerError(thing, got=said, want="an answer", remedy="Try again later.", status=status)
    remedy = "Report it with this message; the service answered in a way its specification does not describe."
    return RequestError(thing, got=said, want="HTTP 200", remedy=remedy, status=status)


def _bad_request(thing: str, said: str, message: str) -> ApiError:
    if "subscription covers" not in message.lower():
        return RequestError(thing, got=said, want="a valid query", remedy="Correct the parameters.", status=400)
    error = CoverageError(
        thing, got=said, want="dates the plan covers", remedy="Ask for covered dates or change the plan.", status=400
    )
    error.covered_from, error.covered_to = parse_window(message)
    return error


def _forbidden(thing: str, said: str, message: str, status: int) -> ApiError:
    text = message.lower()
    if "not available on your subscription" in text:
        remedy = "Leave this source out or change the plan."
        error = PlanError(thing, got=said, want="a plan with this endpoint", remedy=remedy, status=status)
        error.message = message
        return error
    if "does not exist" in text:
        return RequestError(thing, got=said, want="a known path", remedy="Check GOGOKU_API_URL.", status=status)
    return CredentialsError(thing, got=said, want="a valid API key", remedy=_KEY_REMEDY, status=status)


def _message(body: bytes, secret: str) -> str:
    """The service's words, made safe: no key, no URL query, one line, not too long."""
    try:
        document = from_json(body)
        text = str(document.get("message", "")) if isinstance(document, dict) else ""
    except ValueError:
        text = "an answer that is not JSON" if body else ""
    if len(secret) >= _SHORTEST_SECRET:
        text = text.replace(secret, "[api key]")
    text = re.sub(r"(https?://[^\s?]+)\?\S*", r"\1", " ".join(text.split()))
    return text[:_LONGEST]
