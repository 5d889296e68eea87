"""Subscriptions: how many requests a minute, how much history. Source: J-Quants rate-limit page, 2026."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from gogoku_pipeline.core.errors import ConfigError

_WINDOW = re.compile(r"(\d{4}-\d{2}-\d{2})\s*~\s*(\d{4}-\d{2}-\d{2})?")
DAYS_PER_YEAR = 365.25
DISCLOSURE_RATE = 60
"""Requests a minute of fins/summary and of fins/details, each for itself, whatever the plan."""


@dataclass(frozen=True)
class Plan:
    """One subscription.

    Attributes:
        name: free, light, standard or premium.
        requests_per_minute: calls allowed per minute, pages included.
        history: years served, counted back from the newest date.
        delay_days: how far behind today the newest date is.
    """

    name: str
    requests_per_minute: int
    history: int
    delay_days: int = 0

    def window(self, today: date) -> tuple[date, date | None]:
        """First and last date served; the last is None where the plan has no end. An estimate: the service decides."""
        newest = today - timedelta(days=self.delay_days)
        first = newest - timedelta(days=round(self.history * DAYS_PER_YEAR))
        return first, newest if self.delay_days else None

    def rate(self, budget: str) -> int:
        """Requests a minute of a budget: the plan's own, or at most 60 of the two that disclosures have."""
        return self.requests_per_minute if budget == "plan" else min(self.requests_per_minute, DISCLOSURE_RATE)

    def covers(self, endpoint_plan: str) -> bool:
        """Whether this plan includes what starts at another one."""
        return list(PLANS).index(self.name) >= list(PLANS).index(endpoint_plan)


PLANS: dict[str, Plan] = {
    "free": Plan("free", 5, 2, delay_days=84),
    "light": Plan("light", 60, 5),
    "standard": Plan("standard", 120, 10),
    "premium": Plan("premium", 500, 20),
}


def plan_named(name: str) -> Plan:
    """A plan by name; raises ConfigError."""
    try:
        return PLANS[name]
    except KeyError:
        raise ConfigError(
            "GOGOKU_PLAN", got=repr(name), want=f"one of {list(PLANS)}", remedy="Leave it empty to detect the plan."
        ) from None


def parse_window(message: str) -> tuple[date | None, date | None]:
    """First and last covered date in a coverage message such as ``... dates: 2016-09-21 ~ . If you want``."""
    found = _WINDOW.search(message)
    if not found:
        return None, None
    first, last = found.groups()
    try:
        return date.fromisoformat(first), date.fromisoformat(last) if last else None
    except ValueError:
        return None, None


def plan_of_window(first: date, last: date | None, today: date) -> Plan:
    """The plan whose history fits a covered window best; only Free has an end."""
    if last is not None:
        return PLANS["free"]
    years = (today - first).days / DAYS_PER_YEAR
    open_ended = [plan for plan in PLANS.values() if not plan.delay_days]
    return min(open_ended, key=lambda plan: abs(plan.history - years))
