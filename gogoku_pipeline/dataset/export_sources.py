"""Where an exported set's values come from: the feature tables, or prices for the set outside the registry.

Belongs here: which tables are read and how their rows become one frame. Does not belong here: the file (`export`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import polars as pl

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.alpha158.frame import alpha158
from gogoku_pipeline.features.feature import Feature
from gogoku_pipeline.features.outside import ALPHA158, LOOK_BACK, RULE
from gogoku_pipeline.features.sets import RULES
from gogoku_pipeline.graph.catalogue import Catalogue, catalogue, family_table
from gogoku_pipeline.graph.config import GraphConfig
from gogoku_pipeline.schema import daily_bars
from gogoku_pipeline.schema.availability import AFTER_CLOSE
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.store import Store
from gogoku_pipeline.tables.prices import MARK_SESSIONS, factor_events, stage_prices

KEY = ["session", "code"]
FACTORS = ("session", "code", "adjustment_factor", "ex_rights_type")

Read = Callable[[Store, Sequence[date], Mapping[str, int]], pl.DataFrame]


@dataclass(frozen=True)
class Source:
    """A set's values.

    Attributes:
        features: what the columns mean, in order.
        hash: content hash of the set; rule: what belongs to it.
        tables: read for it, at pinned versions.
        read: store, sessions, versions -> [session, code, available_at, features...].
        sessions_per_piece: sessions held in memory at once.
    """

    features: tuple[Feature, ...]
    hash: str
    rule: str
    tables: tuple[Table, ...]
    read: Read
    sessions_per_piece: int = 20


def source_of(set_name: str, plan: str, graph: GraphConfig) -> Source:
    """The source of a set on a plan; raises FeatureError for an unknown set or one above the plan."""
    book = catalogue(graph, plan, set_name)
    if set_name == ALPHA158:
        return Source(book.features, book.hash, RULE, (daily_bars.TABLE,), alpha158_rows, 120)
    tables = tuple(family_table(name, plan) for name in book.families)
    return Source(book.features, book.hash, RULES[book.set_name], tables, partial(_family_rows, book, tables))


def _family_rows(
    book: Catalogue, tables: Sequence[Table], store: Store, days: Sequence[date], versions: Mapping[str, int]
) -> pl.DataFrame:
    """The families side by side; a row is known when the last of them is."""
    joined: pl.DataFrame | None = None
    for table in tables:
        stored = store.tables.scan(table, start=days[0], end=days[-1], version=versions[table.name], ordered=False)
        part = stored.select(*KEY, *book.families[table.name], pl.col("available_at").alias(f"{table.name}:at"))
        frame = part.collect()
        joined = frame if joined is None else joined.join(frame, on=KEY, how="full", coalesce=True, validate="1:1")
    whole = pl.DataFrame(schema={"session": pl.Date, "code": pl.String}) if joined is None else joined
    instants = [name for name in whole.columns if name.endswith(":at")]
    return whole.with_columns(pl.max_horizontal(instants).alias("available_at")).drop(instants)


def alpha158_rows(store: Store, days: Sequence[date], versions: Mapping[str, int]) -> pl.DataFrame:
    """[session, code, 158 columns, available_at] of a range of sessions, from the bars up to it."""
    calendar, table = tse_calendar(), daily_bars.TABLE
    start = calendar.sessions[max(calendar.index(days[0]) - LOOK_BACK - MARK_SESSIONS, 0)]
    version = versions.get(table.name)
    bars = store.tables.scan(table, start=start, end=days[-1], version=version).collect()
    events = factor_events(store.tables.scan(table, end=days[-1], version=version).select(FACTORS).collect())
    made = alpha158(stage_prices(bars, events)).filter(pl.col("session") >= days[0])
    return made.with_columns(AFTER_CLOSE.instant(pl.col("session")))
