"""What domain functions are given: tables with the history they need, holes named before anything is computed.

Belongs here: reading the store for asset bodies.
Does not belong here: anything that changes a value.
"""

from collections.abc import Sequence
from datetime import date, time

import polars as pl

from gogoku_pipeline.core.errors import PartitionMissingError
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.availability import published_sources, state_tables
from gogoku_pipeline.features.engine import warmup_sessions
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.price_columns import price_columns
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.schema import daily_bars, topix
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.prices import MARK_SESSIONS, factor_events, stage_prices
from gogoku_pipeline.tables.universe import UNIVERSE

FACTOR_COLUMNS = ("session", "code", "adjustment_factor", "ex_rights_type")


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
    stored = store.tables.sessions(table)
    first = max(start, stored[0]) if start and stored else start or (stored[0] if stored else end)
    store.tables.require(table, tse_calendar().between(min(first, end), end))
    return store.tables.scan(table, start=first, end=end)


def factors(store: Store, end: date) -> pl.DataFrame:
    """Every first row and ex-date up to a session: what a chunk needs to stand on the whole history's basis."""
    return factor_events(history(store, daily_bars.TABLE, end).select(FACTOR_COLUMNS).collect())


def feature_inputs(store: Store, sessions: Sequence[date], names: Sequence[str], cutoff: time) -> FeatureInputs:
    """Everything some features of a range are made of.

    Args:
        store: where the tables lie.
        sessions: the range, ascending.
        names: the features.
        cutoff: JST hour of decision.

    Raises:
        PartitionMissingError: prices, universe or index have holes, or a source the features read has no table.
    """
    return inputs_after(warmup_sessions(names), store, sessions, names, cutoff)


def inputs_after(
    before: int | None, store: Store, sessions: Sequence[date], names: Sequence[str], cutoff: time
) -> FeatureInputs:
    """As `feature_inputs`, with this many sessions before the first one; None for all there are."""
    start = None if before is None else sessions_before(sessions[0], before + MARK_SESSIONS)
    bars = history(store, daily_bars.TABLE, sessions[-1], start).collect()
    known = factors(store, sessions[-1])
    return FeatureInputs(
        prices=stage_prices(bars, None if before is None else known, extra=price_columns(names)),
        universe=history(store, UNIVERSE, sessions[-1], start).collect(),
        topix=_index(store, sessions[-1], start, names),
        tables={
            source: source_rows(store, TABLE_OF[source], sessions[-1], _first_read(start, back))
            for source, back in state_tables(names).items()
        },
        cutoff=cutoff,
        factors=known,
    )


def _index(store: Store, end: date, start: date | None, names: Sequence[str]) -> pl.DataFrame:
    """TOPIX of the range; no rows where no feature reads it, as on a plan without it."""
    reads = any("topix" in published_sources(house().feature(name)) for name in names)
    return history(store, topix.TABLE, end, start).collect() if reads else topix.TABLE.empty()


def _first_read(start: date | None, back: int | None) -> date | None:
    """First session of a source's rows that states of a range beginning at `start` ask for; None for everything."""
    return None if start is None or back is None else sessions_before(start, back)


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
