"""One line per source about its data: how much there is, how new, how whole, what was refused and corrected."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time

import polars as pl

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.schema import daily_bars, listed_issues
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.corrections import CORRECTIONS
from gogoku_pipeline.tables.counting import SWITCHED_OFF
from gogoku_pipeline.tables.due import newest_due, sessions_behind
from gogoku_pipeline.tables.landings import complete_walks, is_switched_off
from gogoku_pipeline.tables.ledger import LEDGER
from gogoku_pipeline.tables.rejects import REJECTS
from gogoku_pipeline.tables.source_quality import expected_codes
from gogoku_pipeline.tables.typed import source_and_table
from gogoku_pipeline.tables.versions import publication_rule

SUMMARY = pl.Schema(
    {
        "source": pl.String,
        "rows": pl.Int64,
        "newest_session": pl.Date,
        "sessions_behind": pl.Int64,
        "coverage": pl.Float64,
        "rejected": pl.Int64,
        "corrections": pl.Int64,
        "missing_reason": pl.String,
    }
)
"""Columns of a data summary, in order."""

CROSS_SECTIONS = ("daily_bars", "valuation", "breakdown")
"""Sources that speak of every (traded) listed issue on every session."""


def data_summary(store: Store, sources: Sequence[str], session: date, *, now: datetime | None = None) -> pl.DataFrame:
    """What the tables of these sources hold, for people; reads counts, not rows.

    Args:
        store: tables and index.
        sources: our names of the sources, in the order of the lines.
        session: the session reported on; nothing later counts.
        now: the publication clock; None for 19:00 JST of the session.

    Returns:
        SUMMARY: `coverage` is the share of the listed (for the breakdown: traded) codes on the newest session, null
        where a source does not speak of all; `missing_reason` says why there are no rows, and is empty where there
        are some.
    """
    at = now or datetime.combine(session, time(19), tzinfo=JST)
    rejected = _by(store, REJECTS, "source")
    corrected = _by(store, CORRECTIONS, "table")
    typed = store.tables.scan(LEDGER, ordered=False).filter(pl.col("session") <= session)
    newest_typed = dict(typed.group_by("source").agg(pl.col("session").max()).collect().iter_rows())
    lines = []
    for name in sources:
        _, table = source_and_table(name)
        rows, newest = _held(store, table, session)
        newest = max((day for day in (newest, newest_typed.get(name)) if day), default=None)
        lines.append(
            {
                "source": name,
                "rows": rows,
                "newest_session": newest,
                "sessions_behind": sessions_behind(publication_rule(table), _asked_until(store, name, newest), at),
                "coverage": _coverage(store, name, table, newest) if rows and newest else None,
                "rejected": rejected.get(name, 0),
                "corrections": corrected.get(table.name, 0),
                "missing_reason": "" if rows else _missing_reason(store, name, newest),
            }
        )
    return pl.DataFrame(lines, schema=SUMMARY)


def _asked_until(store: Store, name: str, newest: date | None) -> date | None:
    """The newest session a table can speak of: a range that may pause is current as far as it was asked."""
    source, table = source_and_table(name)
    if source.axis != "range" or source.empty != "may" or newest is None:
        return newest
    asked = max((walk.fetched_at for walk in complete_walks(store.raw.requests(name))), default=None)
    due = None if asked is None else newest_due(publication_rule(table), asked)
    return newest if due is None else max(newest, due)


def _held(store: Store, table: Table, session: date) -> tuple[int, date | None]:
    rows = store.tables.scan(table, end=session if table.partitioned else None, ordered=False)
    newest = pl.col("session").max() if table.partitioned else pl.lit(None, dtype=pl.Date)
    count, day = rows.select(pl.len(), newest.alias("newest")).collect().row(0)
    return int(count), day


def _by(store: Store, table: Table, column: str) -> dict[str, int]:
    rows = store.tables.scan(table, ordered=False)
    return dict(rows.group_by(column).agg(pl.len()).collect().iter_rows())


def _coverage(store: Store, name: str, table: Table, newest: date) -> float | None:
    """Share of the codes that are expected on the newest session."""
    if name not in CROSS_SECTIONS:
        return None
    listed = store.tables.scan(listed_issues.SNAPSHOT, start=newest, end=newest).collect()
    bars = store.tables.scan(daily_bars.TABLE, start=newest, end=newest).collect() if name == "breakdown" else None
    expected = expected_codes(name, listed, bars)
    if expected.is_empty():
        return None
    held = store.tables.scan(table, start=newest, end=newest).select("session", "code").collect()
    return expected.join(held, on=["session", "code"], how="semi").height / expected.height


def _missing_reason(store: Store, name: str, newest: date | None) -> str:
    requests = store.raw.requests(name)
    if is_switched_off(requests):
        return SWITCHED_OFF.format(name).partition(": ")[2]
    if requests.is_empty():
        return "never fetched"
    return "fetched, never typed" if newest is None else "nothing published"
