"""What domain functions are given: tables with the history they need, holes named before anything is computed.

Belongs here: reading the store for asset bodies.
Does not belong here: anything that changes a value.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.schema import daily_bars, topix
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


def price_inputs(
    store: Store, sessions: Sequence[date], warmup: int | None, extra: Sequence[str] = ()
) -> FeatureInputs:
    """Staged prices, universe and index for the features of a range.

    Args:
        store: where the tables lie.
        sessions: the range, ascending.
        warmup: sessions needed before the first one; None for the whole history.
        extra: optional columns of staged prices, from `features.price_columns`.
    """
    start = None if warmup is None else sessions_before(sessions[0], warmup + MARK_SESSIONS)
    bars = history(store, daily_bars.TABLE, sessions[-1], start).collect()
    known = None if warmup is None else factors(store, sessions[-1])
    return FeatureInputs(
        prices=stage_prices(bars, known, extra=extra),
        universe=history(store, UNIVERSE, sessions[-1], start).collect(),
        topix=history(store, topix.TABLE, sessions[-1], start).collect(),
    )


def sessions_before(session: date, n: int) -> date:
    """The session n places before, or the first one the calendar knows."""
    calendar = tse_calendar()
    return calendar.sessions[max(calendar.index(session) - n, 0)]
