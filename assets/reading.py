"""Tables with the history somebody needs, holes named before anything is computed.

Belongs here: reading the store for asset bodies.
Does not belong here: anything that changes a value.
"""

from datetime import date

import polars as pl

from gogoku_pipeline.core.errors import PartitionMissingError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import Store


def history(store: Store, table: Table, end: date, start: date | None = None) -> pl.LazyFrame:
    """Rows of a table up to a session, without holes.

    Args:
        store: where the table lies.
        table: partitioned by session.
        end: last session.
        start: first session needed; None for the first stored one. Sessions before the first stored one do not
            count as missing: that is where history begins.

    Raises:
        PartitionMissingError: names the sessions between that were never written.
    """
    stored = store.tables.first_session(table)
    first = max(start, stored) if start and stored else start or stored or end
    store.tables.require(table, tse_calendar().between(min(first, end), end))
    return store.tables.scan(table, start=first, end=end)


def source_rows(store: Store, table: Table, end: date, start: date | None = None) -> pl.DataFrame:
    """Rows of a source published between two sessions; an event log may have sessions without rows.

    Args:
        store: where the table lies.
        table: of the source; one without sessions (the calendar) is read whole.
        end: last session.
        start: first session; None for everything.

    Raises:
        PartitionMissingError: the table was never written.
    """
    if not store.tables.exists(table):
        raise PartitionMissingError(
            table.name,
            got="no table",
            want="the source typed up to the last session",
            remedy=f"Materialise {table.name}, or set GOGOKU_PLAN to a plan without it.",
        )
    if "session" not in table.polars_schema:
        return store.tables.scan(table).collect()
    return store.tables.scan(table, start=start, end=end).collect()


def sessions_before(session: date, n: int) -> date:
    """The session n places before, or the first one the calendar knows."""
    calendar = tse_calendar()
    return calendar.sessions[max(calendar.index(session) - n, 0)]
