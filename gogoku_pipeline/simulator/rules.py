"""The service's rules: plans and their windows, request parameters, and the words of its refusals.

Source: J-Quants API V2 pages on plans, parameters and response status (see the API reference, 2.0, 3.3 and 3.4).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

SITE = "https://jpx-jquants.com/"
ORDER = ("free", "light", "standard", "premium")
FREE_DELAY = timedelta(weeks=12)
NOT_AVAILABLE = 210
"""Status of an endpoint that has nothing to tell at this hour."""


@dataclass(frozen=True)
class Plan:
    """A subscription: requests per minute and years of history."""

    name: str
    requests_per_minute: int
    years: int

    def window(self, today: date) -> tuple[date, date | None]:
        """First and last day the plan covers; None for no end."""
        if self.name == "free":
            end = today - FREE_DELAY
            return _years_before(end, self.years), end
        return _years_before(today, self.years), None


PLANS = {
    plan.name: plan
    for plan in (Plan("free", 5, 2), Plan("light", 60, 5), Plan("standard", 120, 10), Plan("premium", 500, 20))
}

LOWEST_PLAN = {
    "/markets/calendar": "free",
    "/equities/master": "free",
    "/equities/bars/daily": "free",
    "/equities/valuation": "free",
    "/equities/earnings-calendar": "free",
    "/fins/earnings-date": "free",
    "/fins/summary": "free",
    "/bulk/list": "free",
    "/bulk/get": "free",
    "/equities/investor-types": "light",
    "/indices/bars/daily/topix": "light",
    "/indices/bars/daily": "standard",
    "/markets/short-ratio": "standard",
    "/markets/short-sale-report": "standard",
    "/markets/margin-interest": "standard",
    "/markets/margin-alert": "standard",
    "/derivatives/bars/daily/options/225": "standard",
    "/equities/bars/daily/am": "premium",
    "/fins/details": "premium",
    "/fins/dividend": "premium",
    "/markets/breakdown": "premium",
    "/derivatives/bars/daily/futures": "premium",
    "/derivatives/bars/daily/options": "premium",
}
"""Every endpoint on offer, with the plan from which it is included."""

OWN_BUDGET = {"/fins/summary": 60, "/fins/details": 60}
"""Endpoints with a rate of their own: requests per minute, or the plan's if that is less."""


class Refusal(Exception):  # noqa: N818 - an answer of the service, not an error of ours
    """An answer other than 200: status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def includes(plan: Plan, path: str) -> bool:
    """Whether a plan includes an endpoint."""
    return ORDER.index(plan.name) >= ORDER.index(LOWEST_PLAN[path])


def no_key() -> Refusal:
    """403: the header is missing."""
    return Refusal(403, "The api key is required.")


def bad_key() -> Refusal:
    """403: the key is unknown."""
    return Refusal(403, "The incoming api key is invalid or expired.")


def unknown_path() -> Refusal:
    """403, not 404: no such endpoint."""
    return Refusal(403, "The requested endpoint does not exist. Please check the URL and the HTTP method.")


def not_in_plan() -> Refusal:
    """403: the subscription lacks the endpoint."""
    return Refusal(
        403, f"This API is not available on your subscription. If you want more data, please check other plans: {SITE}"
    )


def not_covered(window: tuple[date, date | None]) -> Refusal:
    """400: the subscription lacks the dates."""
    start, end = window
    span = f"{start.isoformat()} ~ {end.isoformat() if end else ''}"
    return Refusal(
        400,
        f"Your subscription covers the following dates: {span}. "
        f"If you want more data, please check other plans: {SITE}",
    )


def too_many() -> Refusal:
    """429, without Retry-After."""
    return Refusal(429, "Rate limit exceeded. Please try again later.")


def bad_pagination_key() -> Refusal:
    """400: a pagination_key that does not belong to the query."""
    return Refusal(400, "The pagination_key is invalid.")


def server_error() -> Refusal:
    """500."""
    return Refusal(500, "Unexpected error. Please try again later.")


def need_one_of(*names: str, is_quoted: bool = False) -> Refusal:
    """400: none of the required parameters was given; some endpoints put the names in quotes."""
    listed = ",".join(f"'{name}'" for name in names) + "." if is_quoted else ", ".join(names)
    return Refusal(400, f"This API requires at least 1 parameter as follows; {listed}")


def not_together(*names: str) -> Refusal:
    """400: parameters that exclude each other."""
    return Refusal(400, f"The following parameters cannot be used together; {', '.join(names)}")


def not_available() -> Refusal:
    """210 with an empty body: nothing to tell at this hour."""
    return Refusal(NOT_AVAILABLE, "")


def read_date(params: Mapping[str, str], name: str) -> date | None:
    """A date parameter, YYYYMMDD or YYYY-MM-DD; None if absent. Refuses anything else with 400."""
    text = params.get(name, "")
    if not text:
        return None
    match = re.fullmatch(r"(\d{4})-?(\d{2})-?(\d{2})", text)
    if match and text.count("-") in (0, 2):
        try:
            return date(*(int(part) for part in match.groups()))
        except ValueError:
            pass
    raise Refusal(400, f"'{name}' must be a valid date in YYYYMMDD or YYYY-MM-DD.")


def read_month_or_day(params: Mapping[str, str], name: str) -> tuple[date, bool] | None:
    """A day, or the first day of a month (YYYY-MM, YYYYMM) with False for "not a day"; None if absent."""
    text = params.get(name, "")
    match = re.fullmatch(r"(\d{4})-?(\d{2})", text)
    if match is None:
        day = read_date(params, name)
        return None if day is None else (day, True)
    try:
        return date(int(match[1]), int(match[2]), 1), False
    except ValueError:
        raise Refusal(400, f"'{name}' must be a valid date or month.") from None


def read_code(params: Mapping[str, str]) -> str | None:
    """The `code` parameter as five characters: four mean the ordinary share. None if absent; 400 if malformed."""
    text = params.get("code", "").upper()
    if not text:
        return None
    if not re.fullmatch(r"[0-9A-Z]{4,5}", text):
        raise Refusal(400, "'code' must be 4 or 5 digits.")
    return text if len(text) == 5 else text + "0"


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
