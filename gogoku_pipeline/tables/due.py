"""By the publication clock: which session of a source must be there by now, and how far a table lags behind it."""

from __future__ import annotations

from datetime import date, datetime

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.schema.availability import PublicationRule

_LONGEST_PAUSE = 30
"""Sessions looked back for one with event days: weekly sets pause a week or two around holidays."""


def newest_due(rule: PublicationRule, now: datetime) -> date | None:
    """The newest session all of whose event days are published completely by now.

    Args:
        rule: of the source.
        now: aware instant.

    Returns:
        None for what has no event days (whole tables, captures of the present).
    """
    if rule.events == "none":
        return None
    calendar = tse_calendar()
    today = calendar.on_or_after(now.astimezone(JST).date())
    for back in range(_LONGEST_PAUSE):
        session = calendar.shift(today, -back)
        days = rule.days_of(session)
        if days and all(rule.final_at(day) <= now for day in days):
            return session
    return None


def sessions_behind(rule: PublicationRule, newest: date | None, now: datetime) -> int | None:
    """How many sessions with event days are due after the newest one held.

    Args:
        rule: of the source.
        newest: newest session held; None for an empty table.
        now: aware instant.

    Returns:
        0 for a table that is up to date; None where nothing is ever due, or nothing is held.
    """
    due = newest_due(rule, now)
    if due is None or newest is None:
        return None
    calendar = tse_calendar()
    return sum(1 for session in calendar.between(newest, due) if session > newest and rule.days_of(session))
