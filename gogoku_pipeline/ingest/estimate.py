"""What a fetch will cost, said before it starts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from gogoku_pipeline.ingest.publication import event_days
from gogoku_pipeline.jquants import Plan, endpoint
from gogoku_pipeline.jquants.plans import plan_named


@dataclass(frozen=True)
class Estimate:
    """What a fetch costs at most.

    Attributes:
        calls: requests, one page each (a session of daily bars fits one page).
        minutes: time at the plan's rate, budgets side by side; the transport is hidden behind it.
    """

    calls: int
    minutes: float


def estimate_calls(
    plan: Plan | str,
    sources: Iterable[str],
    sessions: Iterable[date],
    *,
    today: date | None = None,
    bulk: bool = False,
) -> Estimate:
    """Calls and minutes needed to fetch sources over sessions from nothing.

    Args:
        plan: the subscription or its name; sources it does not include cost nothing.
        sources: names of sources.
        sessions: days wanted.
        today: leave out days outside the plan's window as of this day; None counts all.
        bulk: count closed months as one file each where the plan and the endpoint allow it (needs `today`).

    Raises:
        ConfigError: an unknown plan.
        RequestError: an unknown source.
    """
    chosen = plan_named(plan) if isinstance(plan, str) else plan
    wanted = sorted(set(sessions))
    calls: dict[str, int] = defaultdict(int)
    for name in sources:
        asked = endpoint(name)
        if not wanted or not chosen.covers(asked.source.lowest_plan):
            continue
        if asked.source.axis != "day":
            calls[asked.budget] += 1
            continue
        days = _inside(chosen, event_days(name, wanted)[0], today)
        if bulk and asked.has_bulk and chosen.covers("light") and today is not None:
            by_file, days = _by_file(days, today)
            calls["plan"] += by_file
        calls[asked.budget] += len(days)
    minutes = max((n / chosen.rate(budget) for budget, n in calls.items()), default=0.0)
    return Estimate(sum(calls.values()), minutes)


def _inside(plan: Plan, days: list[date], today: date | None) -> list[date]:
    if today is None:
        return days
    first, last = plan.window(today)
    return [day for day in days if first <= day <= (last or today)]


def _by_file(days: list[date], today: date) -> tuple[int, list[date]]:
    """Calls for whole closed months (a list and a file each), and the days that are left."""
    closed = {(day.year, day.month) for day in days} - {(today.year, today.month)}
    left = [day for day in days if (day.year, day.month) not in closed]
    return (len(closed) + 1 if closed else 0), left
