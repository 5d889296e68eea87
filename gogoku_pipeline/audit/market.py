"""The tables an audit starts from, and what of them was known at an hour of decision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, time

import polars as pl

from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.schema import daily_bars, listed_issues, topix
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.tables.asof import cutoff_at
from gogoku_pipeline.tables.prices import stage_prices
from gogoku_pipeline.tables.universe import UniverseConfig, build_universe

SOURCES: dict[str, Table] = {"bars": daily_bars.TABLE, "listed": listed_issues.SNAPSHOT, "topix": topix.TABLE}
"""Frame of the market to the table it holds."""


@dataclass(frozen=True)
class AuditedMarket:
    """Core rows of a span, from the first stored session on.

    Attributes:
        bars, listed, topix: rows of the core tables, with `available_at`.
        universe: how the cross-section is chosen.
        cutoff: hour of decision in JST.
    """

    bars: pl.DataFrame
    listed: pl.DataFrame
    topix: pl.DataFrame
    universe: UniverseConfig
    cutoff: time

    def known_at(self, session: date) -> AuditedMarket:
        """Only the rows that were available strictly before the session's cutoff."""
        hour = pl.select(cutoff_at(pl.lit(session), self.cutoff)).item()
        known = {name: getattr(self, name).filter(pl.col("available_at") < hour) for name in SOURCES}
        return replace(self, **known)

    def inputs(self, sessions: list[date]) -> FeatureInputs:
        """What the feature engine reads, with the universe of the given sessions."""
        universe = build_universe(self.bars, self.listed, sessions, self.universe)
        return FeatureInputs(prices=stage_prices(self.bars), universe=universe, topix=self.topix)

    @property
    def sessions(self) -> list[date]:
        """Sessions with listed issues, ascending."""
        return sorted(self.listed["session"].unique())
