"""The tables an audit starts from, and what of them was known at an hour of decision."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time
from functools import partial

import polars as pl

from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.schema import daily_bars, listed_issues, topix
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.tables.asof import cutoff_at
from gogoku_pipeline.tables.prices import EXTRA_COLUMNS, factor_events, stage_prices
from gogoku_pipeline.tables.universe import UniverseConfig, build_universe

SOURCES: dict[str, Table] = {"bars": daily_bars.TABLE, "listed": listed_issues.SNAPSHOT, "topix": topix.TABLE}
"""Frame of the market to the table it holds."""

stage_whole = partial(stage_prices, extra=tuple(EXTRA_COLUMNS))
"""The house's way from raw bars to comparable prices, with every column a feature may read."""

LOOK_BACK, LOOK_AHEAD = 260, 25
"""Sessions recomputed before a sampled one (more than the longest window), and later ones that might leak into it."""


@dataclass(frozen=True)
class AuditedMarket:
    """Core rows of a span, from the first stored session on, and the labels made from them.

    Attributes:
        bars, listed, topix: rows of the core tables, with `available_at`.
        labels: rows of `data__labels`.
        universe: how the cross-section is chosen.
        cutoff: hour of decision in JST.
        tables: rows of the other core tables by source name, as far as features read them.
        stage: how raw bars become comparable prices; the house's way unless a test plants a defect.
        switched_off: sources without rows because the plan lacks them; the others are audited.
    """

    bars: pl.DataFrame
    listed: pl.DataFrame
    topix: pl.DataFrame
    labels: pl.DataFrame
    universe: UniverseConfig
    cutoff: time
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    stage: Callable[[pl.DataFrame], pl.DataFrame] = stage_whole
    switched_off: frozenset[str] = frozenset()

    @property
    def sessions(self) -> list[date]:
        """Sessions with listed issues, ascending."""
        return sorted(self.listed["session"].unique())

    def known_at(self, session: date) -> AuditedMarket:
        """Only the core rows that were available strictly before the session's cutoff."""
        hour = pl.select(cutoff_at(pl.lit(session), self.cutoff)).item()
        in_time = pl.col("available_at") < hour
        known = {name: getattr(self, name).filter(in_time) for name in SOURCES}
        return replace(self, **known, tables={name: frame.filter(in_time) for name, frame in self.tables.items()})

    def inputs(self) -> FeatureInputs:
        """What the feature engine reads, made from these rows alone."""
        universe = build_universe(self.bars, self.listed, self.sessions, self.universe)
        return FeatureInputs(
            prices=self.stage(self.bars),
            universe=universe,
            topix=self.topix,
            tables=self.tables,
            cutoff=self.cutoff,
            factors=factor_events(self.bars),
        )

    def moments(self, at: Sequence[date]) -> Iterator[Moment]:
        """Each sampled session seen twice, one after the other so that only one is in memory."""
        days = self.sessions
        whole = self.inputs()
        for session in at:
            place = days.index(session)
            first = days[max(0, place - LOOK_BACK)]
            until = days[min(place + LOOK_AHEAD, len(days) - 1)]
            yield Moment(session, first, self.known_at(session).inputs(), whole.until(until))


@dataclass(frozen=True)
class Moment:
    """One session as it looked at its cutoff, and as it looks today.

    Attributes:
        session: the sampled session.
        first: session from which values are recomputed and compared.
        then: inputs made from the rows known at the cutoff.
        now: inputs made from everything stored, up to some sessions later.
    """

    session: date
    first: date
    then: FeatureInputs
    now: FeatureInputs

    def recent(self) -> FeatureInputs:
        """The inputs known at the cutoff, without prices of the sessions before `first`."""
        keep = pl.col("session") >= self.first
        return replace(self.then, prices=self.then.prices.filter(keep), universe=self.then.universe.filter(keep))
