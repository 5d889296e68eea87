"""What the engine is given: staged prices, universe, index and sources, as far back as the features need.

Belongs here: which rows of which tables some features of a range are made of.
Does not belong here: reading a table (`reading`), anything that changes a value.
"""

from collections.abc import Sequence
from datetime import date, time

import polars as pl

from assets.price_basis import factors
from assets.reading import history, sessions_before, source_rows
from gogoku_pipeline.features.availability import published_sources, state_tables
from gogoku_pipeline.features.engine import warmup_sessions
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.price_columns import price_columns
from gogoku_pipeline.features.registry import house
from gogoku_pipeline.schema import daily_bars, topix
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.prices import MARK_SESSIONS, stage_prices
from gogoku_pipeline.tables.universe import UNIVERSE


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
