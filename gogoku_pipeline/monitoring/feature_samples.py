"""Which stored rows of a feature family are looked at: a few sessions of the newest month and of the year before it.

Belongs here: choosing and reading sessions. Does not belong here: judging (`feature_health`).

Samples keep an evening cheap: 18 sessions of all columns, and every session of the columns that need them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import Store

YEAR, MONTH = 250, 20
ENOUGH = 120
"""Stored sessions of the trailing year without which nothing is compared with it."""

REFERENCE_STEP, CURRENT_STEP = 20, 4


@dataclass(frozen=True)
class Sampled:
    """Rows of a family around a newest session.

    Attributes:
        reference: sampled sessions of the year before the newest month; current: of that month.
        year: every stored session of the trailing year, flags alone.
        reference_sessions: how many of that year are stored.
    """

    reference: pl.DataFrame
    current: pl.DataFrame
    year: pl.DataFrame
    reference_sessions: int

    @property
    def is_enough(self) -> bool:
        """Whether there is a year to compare with."""
        return self.reference_sessions >= ENOUGH


def sampled(store: Store, table: Table, features: Sequence[Feature], newest: date) -> Sampled:
    """Read the samples up to a session; frames are empty where nothing is stored."""
    stored = [day for day in store.tables.sessions(table) if day <= newest][-(YEAR + MONTH) :]
    before, month = stored[:-MONTH], stored[-MONTH:]
    names = [feature.name for feature in features]
    flags = [feature.name for feature in features if feature.unit == "flag"]
    return Sampled(
        reference=rows_of(store, table, before[::-REFERENCE_STEP], names),
        current=rows_of(store, table, month[::-CURRENT_STEP], names),
        year=rows_of(store, table, stored[-YEAR:], flags),
        reference_sessions=len(before),
    )


def rows_of(store: Store, table: Table, sessions: Sequence[date], names: Sequence[str]) -> pl.DataFrame:
    """[session, code, names...] of some sessions."""
    if not sessions:
        return table.empty().select("session", "code", *names)
    rows = store.tables.scan(table, start=min(sessions), end=max(sessions), ordered=False)
    return rows.filter(pl.col("session").is_in(list(sessions))).select("session", "code", *names).collect()


def days_to_compare(store: Store, table: Table, sessions: Sequence[date], most: int = 12) -> list[tuple[date, date]]:
    """(session, the one before it) for at most some sessions of a run, the newest among them; both are stored."""
    stored = set(store.tables.sessions(table))
    calendar = tse_calendar()
    step = -(-len(sessions) // most)
    chosen = sorted(sessions)[::-1][:: max(step, 1)]
    pairs = [(day, calendar.sessions[calendar.index(day) - 1]) for day in chosen if calendar.index(day)]
    return sorted(pair for pair in pairs if pair[1] in stored)
