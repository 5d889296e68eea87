"""What a fetch will cost, how it goes, and what it brought."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from gogoku_pipeline.jquants import Plan, Utilisation, endpoint
from gogoku_pipeline.jquants.plans import plan_named


class Progress(Protocol):
    """Somebody who watches."""

    def advance(self, n: int, text: str) -> None:
        """`n` more requests are done; `text` says what the last one was."""
        ...


@dataclass(frozen=True)
class FetchReport:
    """What a fetch did.

    Attributes:
        source: our name of the endpoint.
        requested: sessions asked for (range calls: 1).
        fetched_pages: pages landed now.
        resumed: requests continued at a later page than the first.
        skipped_complete: sessions left out because they had landed completely before.
        skipped_uncovered: sessions outside the plan's window.
        rows: rows landed now.
        empty: days without rows on which none are due.
        utilisation: what became of the allowed rate.
        not_in_plan: the plan lacks the source; the refusal itself was landed.
    """

    source: str
    requested: int
    fetched_pages: int = 0
    resumed: int = 0
    skipped_complete: int = 0
    skipped_uncovered: list[date] = field(default_factory=list)
    rows: int = 0
    empty: list[date] = field(default_factory=list)
    utilisation: Utilisation = field(default_factory=lambda: Utilisation(0, 0.0, 0.0, 0.0, 0))
    not_in_plan: bool = False


@dataclass(frozen=True)
class Estimate:
    """What a fetch costs at most.

    Attributes:
        calls: requests, one page each (a session of daily bars fits one page).
        minutes: time at the plan's rate; the transport is hidden behind it.
    """

    calls: int
    minutes: float


def estimate_calls(
    plan: Plan | str, sources: Iterable[str], sessions: Iterable[date], *, today: date | None = None
) -> Estimate:
    """Calls and minutes needed to fetch sources over sessions from nothing.

    Args:
        plan: the subscription or its name; sources it does not include cost nothing.
        sources: names of sources.
        sessions: days wanted.
        today: leave out sessions outside the plan's window as of this day; None counts all.

    Raises:
        ConfigError: an unknown plan.
        RequestError: an unknown source.
    """
    chosen = plan_named(plan) if isinstance(plan, str) else plan
    days = set(sessions)
    if today is not None:
        first, last = chosen.window(today)
        days = {day for day in days if first <= day <= (last or today)}
    calls = 0
    for name in sources:
        asked = endpoint(name)
        if days and chosen.covers(asked.lowest_plan):
            calls += len(days) if asked.axis == "date" else 1
    return Estimate(calls, calls / chosen.requests_per_minute)
