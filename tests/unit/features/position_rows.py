"""Weeks of investors, margin balances and watched issues written by hand, published when the source's rule says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.states.state import Known, State
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.tables.asof import cutoff_at
from tests.unit.features.short_rows import CUTOFF

CLASSES = (
    *("foreigners", "individuals", "trust_banks", "investment_trusts"),
    *("business_companies", "insurance_companies"),
)


def published(source: str, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Typed rows of a source, what nobody mentions null; `available_at` by the publication rule unless a row has it."""
    table = TABLE_OF[source]
    assert table.rule is not None
    full = [{name: row.get(name) for name in table.polars_schema} for row in rows]
    frame = pl.DataFrame(full, schema=table.polars_schema)
    return frame.with_columns(pl.coalesce("available_at", table.rule.available_at(frame)))


def session_after(day: date, n: int) -> date:
    """The session n places after the last one on or before a day."""
    calendar = tse_calendar()
    return calendar.shift(calendar.on_or_before(day), n)


def week(
    friday: date, frgn: float, total: float = 1000.0, *, section: str = "TokyoNagoya", **more: Any
) -> dict[str, Any]:
    """A week that ended on a Friday: foreigners' balance and all that traded; published on the Thursday after."""
    given = {
        "published_date": friday + timedelta(days=6),
        "week_start_date": friday - timedelta(days=4),
        "week_end_date": friday,
        "section": section,
        "total_total_kjpy": total,
        "foreigners_balance_kjpy": frgn,
        **{f"{name}_balance_kjpy": -frgn for name in CLASSES[1:]},
    }
    given |= more
    return given | {"session": tse_calendar().on_or_after(given["published_date"])}


def balance(applied: date, long: float, short: float = 100.0, *, code: str = "10000", **more: Any) -> dict[str, Any]:
    """A margin balance as filed on its application date."""
    return {
        "session": applied,
        "code": code,
        "application_date": applied,
        "issue_type": "2",
        "long_shares": long,
        "short_shares": short,
    } | more


def watched(applied: date, long: float, short: float = 100.0, *, code: str = "10000", **more: Any) -> dict[str, Any]:
    """An issue under daily publication: balances of one day, published on the next session unless told."""
    given = {
        "published_date": session_after(applied, 1),
        "code": code,
        "application_date": applied,
        "long_shares": long,
        "short_shares": short,
        "regulation_class": "001",
        "is_restricted": False,
        "is_restricted_by_jsf": False,
    } | more
    return given | {"session": tse_calendar().on_or_after(given["published_date"])}


def law_of_truncation(state: State, known: Known, source: str, cut: date, seed: int = 0) -> None:
    """What was staged up to a session is equal to the bit when rows unknown by then are scrambled or gone."""
    rows = known.tables[source]
    unknown = pl.col("available_at") >= cutoff_at(pl.lit(cut), CUTOFF)
    past, future = rows.filter(~unknown), rows.filter(unknown)
    assert past.height > 0 and future.height > 0
    rng = stream(seed, "garbled")
    numbers = [name for name, dtype in rows.schema.items() if dtype == pl.Float64]
    garbled = future.with_columns(pl.Series(name, rng.normal(0, 1e9, future.height)) for name in numbers)
    events = [name for name in ("week_end_date", "application_date") if name in rows.columns]
    earlier = garbled.with_columns(pl.col(name) - pl.duration(days=7) for name in events)

    def until_cut(table: pl.DataFrame) -> pl.DataFrame:
        other = Known({source: table}, known.prices, known.universe, known.sessions, known.cutoff)
        day = "known_session" if state.axis == "release" else "session"
        return state.frame(other).filter(pl.col(day) <= cut).sort(pl.all())

    gone = until_cut(past)
    assert gone.height > 0
    for table in (rows, pl.concat([past, garbled]), pl.concat([past, garbled, earlier]).sample(fraction=1, seed=seed)):
        assert until_cut(_single(table, state)).equals(gone)


def _single(table: pl.DataFrame, state: State) -> pl.DataFrame:
    """One row per key: what a table's store guarantees."""
    source = TABLE_OF[state.tables[0]]
    return table.sort("available_at").unique(list(source.key), keep="first", maintain_order=True)
