"""Typed tables of options, futures and indices: from rows in the publisher's keys, hand-made or of the simulator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import polars as pl

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.states.state import Known
from gogoku_pipeline.schema import futures, index_options, topix
from gogoku_pipeline.schema.tables import Table
from gogoku_pipeline.simulator.books import futures as futures_book
from gogoku_pipeline.simulator.books import index_options as options_book
from gogoku_pipeline.simulator.market import Market

LONG_AFTER = datetime(2100, 1, 1, tzinfo=JST)


def typed(table: Table, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows in the publisher's keys as the core table holds them; keys a row does not have are null."""
    keys = {column.source: column.name for column in table.columns if column.source}
    frame = pl.DataFrame({name: [_none(row.get(key)) for row in rows] for key, name in keys.items()}, strict=False)
    frame = frame.with_columns(
        pl.col(name).cast(pl.String).str.to_date()
        for name, dtype in table.polars_schema.items()
        if dtype == pl.Date and name in frame.columns
    ).with_columns(
        (pl.col(name).cast(pl.String) == "1").alias(name)
        for name, dtype in table.polars_schema.items()
        if dtype == pl.Boolean and name in frame.columns
    )
    frame = frame.with_columns(pl.Series("session", [row["Date"] for row in rows], dtype=pl.String).str.to_date())
    frame = frame.with_columns(available_at=table.rule.instant(pl.col("session")))
    return frame.select(table.polars_schema.names()).cast(table.polars_schema)


def simulated(market: Market, places: Iterable[int]) -> dict[str, pl.DataFrame]:
    """Tables `index_options`, `futures` and `topix` of some sessions of a market."""
    days = [market.sessions[place] for place in places]
    found = {
        "index_options": typed(
            index_options.TABLE, [row for day in days for row in options_book.day_rows(market, day, LONG_AFTER)]
        ),
        "futures": typed(
            futures.TABLE, [row for day in days for row in futures_book.day_rows(market, day, LONG_AFTER)]
        ),
        "topix": topix_table(days, market.history.topix[list(places), 3]),
    }
    return found


def topix_table(days: Sequence[date], closes: Sequence[float] | np.ndarray) -> pl.DataFrame:
    """`core_jquants__topix` of some sessions."""
    prices = {f"{name}_points": list(closes) for name in ("open", "high", "low", "close")}
    session = pl.Series("session", days, dtype=pl.Date)
    frame = pl.DataFrame({"session": session, **prices, "is_market_halt": [False] * len(days)})
    frame = frame.with_columns(available_at=topix.TABLE.rule.instant(pl.col("session")))
    return frame.cast(topix.TABLE.polars_schema)


def known(tables: Mapping[str, pl.DataFrame], sessions: Sequence[date], cutoff: time = time(19)) -> Known:
    """What staging functions may look at, for market-wide states."""
    nothing = pl.DataFrame()
    return Known(tables, nothing, nothing, pl.Series("session", sessions, dtype=pl.Date), cutoff)


def inputs(tables: Mapping[str, pl.DataFrame], sessions: Sequence[date], cutoff: time = time(19)) -> FeatureInputs:
    """What the engine is given: the tables, and one stock that trades on every session."""
    prices = pl.DataFrame({"session": sessions, "code": ["10000"] * len(sessions)}).with_columns(
        *(pl.lit(100.0).alias(name) for name in ("open", "high", "low", "close", "volume", "turnover_jpy", "mark")),
        is_market_halt=False,
        is_gap=False,
    )
    universe = prices.select(
        "session", "code", is_in_universe=True, sector33_code=pl.lit("0050"), sector17_code=pl.lit("1")
    )
    index = pl.DataFrame({"session": sessions, "close_points": [1.0] * len(sessions)}).with_columns(
        is_market_halt=False
    )
    return FeatureInputs(prices, universe, index, tables=tables, cutoff=cutoff)


def option(day: date, settled: date, strike: float, side: str, iv: float | None, **more: Any) -> dict[str, Any]:
    """One row of options/225: `side` P or C, `iv` in percent."""
    month = f"{settled.year}-{settled.month:02d}"
    return {
        "Date": day.isoformat(),
        "Code": f"1{'3' if side == 'P' else '4'}{settled:%y%m%d}{strike:.0f}",
        "EmMrgnTrgDiv": "002",
        "CM": month,
        "Strike": strike,
        "PCDiv": "1" if side == "P" else "2",
        "SQD": settled.isoformat(),
        "LTD": (settled - timedelta(days=1)).isoformat(),
        "Vo": 1.0,
        "OI": 1.0,
        "UnderPx": 38_100.0,
        "IV": iv,
        "IR": 0.5,
        **more,
    }


def contract(day: date, month: str, settle: float, **more: Any) -> dict[str, Any]:
    """One row of futures; the special quotation is the 10th of the contract month."""
    return {
        "Date": day.isoformat(),
        "Code": f"16{month}",
        "ProdCat": "TOPIXF",
        "EmMrgnTrgDiv": "002",
        "CM": month,
        "SQD": f"{month}-10",
        "LTD": f"{month}-09",
        "Settle": settle,
        "EC": settle,
        "AC": settle,
        "Vo": 1.0,
        "OI": 1.0,
        "CCMFlag": "0",
        **more,
    }


def _none(value: Any) -> Any:
    return None if value == "" else value
