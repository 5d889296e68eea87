"""The tables an audit starts from, and what of them was known at an hour of decision."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from functools import partial

import polars as pl

from gogoku_pipeline.audit.revisions import later_than, of_codes, unrevised
from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.what_if import NAMED_ISSUES
from gogoku_pipeline.schema import daily_bars, listed_issues, topix
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.tables.asof import cutoff_at
from gogoku_pipeline.tables.corrections import CORRECTIONS
from gogoku_pipeline.tables.prices import EXTRA_COLUMNS, factor_events, stage_prices
from gogoku_pipeline.tables.universe import UniverseConfig, build_universe

SOURCES: dict[str, Table] = {"bars": daily_bars.TABLE, "listed": listed_issues.SNAPSHOT, "topix": topix.TABLE}
"""Frame of the market to the table it holds."""

stage_whole = partial(stage_prices, extra=tuple(EXTRA_COLUMNS))
"""The house's way from raw bars to comparable prices, with every column a feature may read."""

Stage = Callable[[pl.DataFrame], pl.DataFrame]
Choose = Callable[[pl.DataFrame, pl.DataFrame, Sequence[date], UniverseConfig], pl.DataFrame]

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
        choose: how bars and listings become the universe; likewise.
        switched_off: sources without rows because the plan lacks them; the others are audited.
        is_whole: no issue was left out, so that cross-sections are those of the stored panel.
        revisions: rows of `core__corrections` for these tables: what the publisher changed afterwards.
    """

    bars: pl.DataFrame
    listed: pl.DataFrame
    topix: pl.DataFrame
    labels: pl.DataFrame
    universe: UniverseConfig
    cutoff: time
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    stage: Stage = stage_whole
    choose: Choose = build_universe
    switched_off: frozenset[str] = frozenset()
    is_whole: bool = True
    revisions: pl.DataFrame = field(default_factory=CORRECTIONS.empty)

    @property
    def sessions(self) -> list[date]:
        """Sessions with listed issues, ascending."""
        return sorted(self.listed["session"].unique())

    def of_stocks(self, count: int, seed: int) -> AuditedMarket:
        """The market of `count` issues drawn among those listed at the end, as if there were no others; 0 keeps all.

        Every law but that of the stored panel holds for any part of the issues, so a sample is enough to audit.
        """
        newest = self.listed.filter(pl.col("session") == self.sessions[-1])["code"]
        codes = drawn_codes(newest, count, seed)
        return self.of_codes(codes) if codes else self

    def of_codes(self, codes: Sequence[str]) -> AuditedMarket:
        """The market of these issues alone."""
        own = pl.col("code").is_in(list(codes))
        kept = {name: frame.filter(own) if "code" in frame.columns else frame for name, frame in self.tables.items()}
        bars, listed, labels = (frame.filter(own) for frame in (self.bars, self.listed, self.labels))
        noted = of_codes(self.revisions, codes)
        return replace(self, bars=bars, listed=listed, labels=labels, tables=kept, is_whole=False, revisions=noted)

    def labels_at(self, session: date) -> pl.DataFrame:
        """Labels whose outcome was known before the session's cutoff."""
        return self.labels.filter(pl.col("available_at") < self.hour(session))

    def hour(self, session: date) -> datetime:
        """The instant at which a session is decided."""
        instant: datetime = pl.select(cutoff_at(pl.lit(session), self.cutoff)).item()
        return instant

    def is_revised(self, session: date) -> bool:
        """Whether anything was corrected after the session's cutoff."""
        return not later_than(self.revisions, self.hour(session)).is_empty()

    def unrevised(self, session: date) -> AuditedMarket:
        """All rows, but with the versions that stood at the session's cutoff where they were corrected after it."""
        later = later_than(self.revisions, self.hour(session))
        if later.is_empty():
            return self
        bars, listed, index = (unrevised(table, getattr(self, name), later) for name, table in SOURCES.items())
        tables = {name: unrevised(TABLE_OF[name], frame, later) for name, frame in self.tables.items()}
        return replace(self, bars=bars, listed=listed, topix=index, tables=tables, revisions=CORRECTIONS.empty())

    def known_at(self, session: date) -> AuditedMarket:
        """Only the rows that were available strictly before the session's cutoff, as they stood then."""
        market, in_time = self.unrevised(session), pl.col("available_at") < self.hour(session)
        bars, listed, index = (getattr(market, name).filter(in_time) for name in SOURCES)
        tables = {name: frame.filter(in_time) for name, frame in market.tables.items()}
        return replace(market, bars=bars, listed=listed, topix=index, tables=tables)

    def inputs(self) -> FeatureInputs:
        """What the feature engine reads, made from these rows alone."""
        universe = self.choose(self.bars, self.listed, self.sessions, self.universe)
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
            today = self.unrevised(session).inputs() if self.is_revised(session) else whole
            yield Moment(session, first, self.known_at(session).inputs(), today.until(until))


def drawn_codes(listed: pl.Series, count: int, seed: int) -> list[str]:
    """`count` of the listed codes and the issues market series name; empty when that would be all of them, or for 0."""
    codes = listed.unique().sort()
    if not 0 < count < codes.len():
        return []
    drawn = stream(seed, "audited issues").choice(codes.len(), size=count, replace=False)
    return [*codes.gather(sorted(drawn)), *NAMED_ISSUES]


@dataclass(frozen=True)
class Moment:
    """One session as it looked at its cutoff, and as it looks today.

    Attributes:
        session: the sampled session.
        first: session from which values are recomputed and compared.
        then: inputs made from the rows known at the cutoff.
        now: inputs made from everything stored, up to some sessions later, corrections noted since undone.
    """

    session: date
    first: date
    then: FeatureInputs
    now: FeatureInputs

    def recent(self) -> FeatureInputs:
        """The inputs known at the cutoff, without prices of the sessions before `first`."""
        keep = pl.col("session") >= self.first
        return replace(self.then, prices=self.then.prices.filter(keep), universe=self.then.universe.filter(keep))
