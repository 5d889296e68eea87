"""What a source says at the hour of decision: the declaration of a state, and what its staging function is given.

Belongs here: `State`, `Known` and the rules of time every staging function shares. Does not belong here: what any
one source means (its own module), formulas (`groups/`), values on arrays (`staged`).

The law of every staging function: the value of session t uses only rows with `available_at` strictly before the
cut-off of t. Source: features.md 1.1 and 1.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time
from functools import cached_property
from typing import Literal

import polars as pl

from gogoku_pipeline.core.errors import FeatureError, PartitionMissingError
from gogoku_pipeline.features.states.exchange_days import exchange_days, known_within
from gogoku_pipeline.tables.asof import cutoff_at

StateAxis = Literal["stock", "market", "sector33", "release"]


@dataclass(frozen=True)
class Known:
    """Everything a staging function may look at.

    Attributes:
        tables: source name to rows of its typed table, in any order.
        prices: staged prices, one row per issue and session; universe: `core__universe`.
        sessions: every session of the range, ascending (Date).
        cutoff: hour of decision in Tokyo.
        events: `tables.prices.factor_events` of the whole history; None where `prices` themselves are the whole.
    """

    tables: Mapping[str, pl.DataFrame]
    prices: pl.DataFrame
    universe: pl.DataFrame
    sessions: pl.Series
    cutoff: time
    events: pl.DataFrame | None = None

    def table(self, source: str) -> pl.DataFrame:
        """Rows of a source; raises PartitionMissingError where it was not handed in."""
        if source not in self.tables:
            raise PartitionMissingError(
                f"features that read {source}",
                got=f"tables {sorted(self.tables)}",
                want=f"the rows of core_jquants__{source}",
                remedy="Fetch the source, or choose the feature set of a plan without it.",
            )
        return self.tables[source]

    @cached_property
    def cutoffs(self) -> pl.DataFrame:
        """[known_session, cutoff_at, place]: each session, its hour of decision, and its number."""
        frame = pl.DataFrame({"known_session": self.sessions}).with_row_index("place")
        return frame.with_columns(cutoff_at(pl.col("known_session"), self.cutoff), pl.col("place").cast(pl.Int32))

    @cached_property
    def factors(self) -> pl.DataFrame:
        """[session, code, factor, volume_factor]: each issue's basis from its first stored row and from every ex-date.

        Products since the first stored row, as in staged prices, but over the whole history even where prices are
        only a part of it. Shares of day s stand on the forward basis when multiplied by the volume_factor in force on
        s; yen per share when divided by the factor. Sorted by (session, code).
        """
        if self.events is not None:
            steps = self.events.sort("code", "session").with_columns(
                pl.col("factor", "volume_factor").cum_prod().over("code")
            )
        else:
            rows = self.prices.select("session", "code", "factor", "volume_factor").sort("code", "session")
            same = pl.all_horizontal(
                pl.col(name).eq_missing(pl.col(name).shift(1).over("code")) for name in ("factor", "volume_factor")
            )
            steps = rows.filter(~same)
        return steps.select("session", "code", "factor", "volume_factor").sort("session", "code")

    def known_session(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add `known_session`, the first session whose cut-off is after `available_at`; null where none of these is."""
        number = exchange_days().known(frame["available_at"], self.cutoff)
        return frame.with_columns(known_within(number, self.sessions).alias("known_session"))

    def rows_of_session(self, source: str) -> pl.DataFrame:
        """Rows of a source that were known at the cut-off of their own session."""
        return self.table(source).filter(pl.col("available_at") < cutoff_at(pl.col("session"), self.cutoff))

    def place(self, sessions: pl.Series) -> pl.Series:
        """Number of each session in `sessions` of this range (Int32), null for a day that is none of them."""
        asked = pl.DataFrame({"known_session": sessions})
        return asked.join(self.cutoffs, on="known_session", how="left", maintain_order="left")["place"]


@dataclass(frozen=True)
class State:
    """One source as formulas see it.

    Attributes:
        alias: prefix of its leaves: `K("margin.long_shares")`.
        axis: what a row of the staged frame is: `stock` (session, code), `market` (session), `sector33` (session,
            sector33_code), `release` (unit, release, known_session).
        tables: sources it reads.
        columns: leaf to its meaning and unit, one line each; values are Float64.
        stage: makes the frame.
        unit: of a release state: `code`, or empty for the whole market.
        expires_sessions: of a release state: sessions after `known_session` beyond which it says nothing; None: never.
        history_sessions: sessions before the first one of a range whose rows it needs; None: all there are.
        price_sessions: sessions of staged prices before the first one of a range that its staging looks at, apart from
            `Known.factors`, which always hold everything; None: all there are.
        sessions_per_release: of a release state: sessions between two releases, at most, in plain running.
    """

    alias: str
    axis: StateAxis
    tables: tuple[str, ...]
    columns: Mapping[str, str]
    stage: Callable[[Known], pl.DataFrame] = field(repr=False)
    unit: str = ""
    expires_sessions: int | None = None
    history_sessions: int | None = None
    price_sessions: int | None = 0
    sessions_per_release: int = 6

    @property
    def key(self) -> tuple[str, ...]:
        """Columns that name a row of the staged frame."""
        if self.axis == "release":
            return (*((self.unit,) if self.unit else ()), "release")
        return {"stock": ("session", "code"), "market": ("session",), "sector33": ("session", "sector33_code")}[
            self.axis
        ]

    def frame(self, known: Known) -> pl.DataFrame:
        """The staged frame, checked: declared columns, unique keys; raises FeatureError otherwise."""
        made = self.stage(known)
        wanted = [*self.key, *(("known_session",) if self.axis == "release" else ()), *self.columns]
        missing = [name for name in wanted if name not in made.columns]
        if missing or made.select(self.key).is_duplicated().any():
            raise FeatureError(
                f"state {self.alias}",
                got=f"no columns {missing}" if missing else f"several rows with one {', '.join(self.key)}",
                want=f"{', '.join(wanted)} with unique keys",
                remedy="Correct the state's staging function.",
            )
        return made.select(wanted)
