"""What the engine is given: tables of the floor below, the hour of decision, and values another room computed.

Belongs here: the bundle and its checks. Does not belong here: reading tables (assets do), adjusting prices (`tables`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, time
from functools import cached_property

import polars as pl

from gogoku_pipeline.core.errors import SchemaError
from gogoku_pipeline.features.states.state import Known

PRICE_COLUMNS = (
    "session",
    "code",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "turnover_jpy",
    "mark",
    "is_market_halt",
    "is_gap",
)
UNIVERSE_COLUMNS = ("session", "code", "is_in_universe", "sector33_code", "sector17_code")
TOPIX_COLUMNS = ("session", "close_points", "is_market_halt")

CUTOFF = time(19, 0)
"""Hour of decision by default: evening data and preliminary statements are in, the night's are not."""


@dataclass(frozen=True)
class FeatureInputs:
    """Staged prices, universe and index, in any row order.

    Attributes:
        prices: `tables.stage_prices`: one row per listed session and code, gaps as rows of nulls with `is_gap`.
        universe: `core__universe`: membership and sectors per session and code.
        topix: `core_jquants__topix`: one row per session.
        given: (session, code, names...) features computed by another room, usable by name; None for none.
        tables: source name to rows of its typed table, for the states that features name.
        factors: `tables.prices.factor_events` of the whole history, where `prices` are only a part of it.
        cutoff: hour of decision in Tokyo: a row of a table is usable at t when it was available before it.
    """

    prices: pl.DataFrame
    universe: pl.DataFrame
    topix: pl.DataFrame
    given: pl.DataFrame | None = None
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    cutoff: time = CUTOFF
    factors: pl.DataFrame | None = None

    def __post_init__(self) -> None:
        """Refuse frames without the columns the engine reads; raises SchemaError."""
        for name, frame, wanted in (
            ("prices", self.prices, PRICE_COLUMNS),
            ("universe", self.universe, UNIVERSE_COLUMNS),
            ("topix", self.topix, TOPIX_COLUMNS),
        ):
            if missing := [column for column in wanted if column not in frame.columns]:
                raise SchemaError(
                    f"feature input `{name}`",
                    got=f"no columns {missing}",
                    want=f"{', '.join(wanted)}",
                    remedy="Hand in the frames of tables.stage_prices, core__universe and core_jquants__topix.",
                )

    def until(self, end: date) -> FeatureInputs:
        """The same without rows after `end`."""
        given = None if self.given is None else _until(self.given, end)
        return replace(
            self,
            prices=_until(self.prices, end),
            universe=_until(self.universe, end),
            topix=_until(self.topix, end),
            given=given,
        )

    @cached_property
    def known(self) -> Known:
        """What staging functions may look at."""
        days = pl.concat([self.prices["session"].unique(), self.topix["session"].unique()]).unique().sort()
        return Known(self.tables, self.prices, self.universe, days, self.cutoff, self.factors)


def _until(frame: pl.DataFrame, end: date) -> pl.DataFrame:
    newest = frame["session"].max()
    return frame.filter(pl.col("session") <= end) if isinstance(newest, date) and newest > end else frame
