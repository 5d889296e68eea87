"""Reports and rows of other sources written by hand, and staged prices of a stock or two to read them on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any

import polars as pl

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.states.state import Known
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.tables.prices import EXTRA_COLUMNS, stage_prices

CUTOFF = time(19, 0)


def typed(source: str, *rows: Mapping[str, Any]) -> pl.DataFrame:
    """Rows of a source of the session, what nobody mentions null, `available_at` by the source's publication rule."""
    table = TABLE_OF[source]
    assert table.rule is not None
    frame = pl.DataFrame([{name: row.get(name) for name in table.polars_schema} for row in rows], table.polars_schema)
    return frame.with_columns(pl.coalesce("available_at", table.rule.instant(pl.col("session"))))


def report(
    holder: str, calculated: date, disclosed: date, ratio: float, *, code: str = "10000", **more: Any
) -> dict[str, Any]:
    """A report of a short position in shares of a company with a million of them."""
    given = {
        "session": tse_calendar().on_or_after(disclosed),
        "code": code,
        "disclosed_date": disclosed,
        "calculated_date": calculated,
        "seller_name": holder,
        "contractor_name": "",
        "fund_name": "",
        "short_to_outstanding": ratio,
        "short_shares": round(ratio * 1e6),
    }
    return given | more


def positions(*reports: Mapping[str, Any]) -> pl.DataFrame:
    """Typed reports, delivered at 17:30 of their disclosure date unless they say otherwise."""
    table = TABLE_OF["short_positions"]
    assert table.rule is not None
    rows = [{name: row.get(name) for name in table.polars_schema} for row in reports]
    frame = pl.DataFrame(rows, schema=table.polars_schema)
    return frame.with_columns(pl.coalesce("available_at", table.rule.instant(pl.col("disclosed_date"))))


def bars(days: Sequence[date], **columns: Sequence[Any]) -> pl.DataFrame:
    """Raw bars of stock 10000: close 100 and 1,000 shares a session unless columns say otherwise."""
    table = TABLE_OF["daily_bars"]
    size = len(days)
    given = {
        "session": days,
        "code": ["10000"] * size,
        "close_jpy": [100.0] * size,
        "volume_shares": [1000.0] * size,
        "adjustment_factor": [1.0] * size,
        "is_limit_up": [False] * size,
        "is_limit_down": [False] * size,
    } | columns
    for name in ("open_jpy", "high_jpy", "low_jpy"):
        given.setdefault(name, given["close_jpy"])
    if "turnover_jpy" not in given:
        shares = zip(given["close_jpy"], given["volume_shares"], strict=True)
        given["turnover_jpy"] = [None if c is None or v is None else c * v for c, v in shares]
    given = {name: given.get(name, [None] * size) for name in table.polars_schema}
    return pl.DataFrame(given, schema=table.polars_schema, strict=False)


def staged(*frames: pl.DataFrame) -> pl.DataFrame:
    """Staged prices with every optional column."""
    return stage_prices(pl.concat(frames), extra=tuple(EXTRA_COLUMNS))


def known(prices: pl.DataFrame, cutoff: time = CUTOFF, **tables: pl.DataFrame) -> Known:
    """What a staging function is given."""
    return Known(tables, prices, pl.DataFrame(), prices["session"].unique().sort(), cutoff)


def inputs(prices: pl.DataFrame, sectors: Mapping[str, str] | None = None, **tables: pl.DataFrame) -> FeatureInputs:
    """Inputs of the engine: every stock a member of the universe, in sector 0050 unless told."""
    universe = prices.select(
        "session",
        "code",
        is_in_universe=~pl.col("is_gap"),
        sector33_code=pl.col("code").replace_strict(dict(sectors or {}), default="0050"),
        sector17_code=pl.lit("1"),
    )
    days = prices["session"].unique().sort()
    topix = pl.DataFrame({"session": days}).with_columns(close_points=1000.0, is_market_halt=False)
    return FeatureInputs(prices, universe, topix, tables=tables)
