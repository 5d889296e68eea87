"""A small market of our own: random walks with gaps, silent days, splits, a rights issue, listings and delistings."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import OUTAGE, tse_calendar
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.schema import daily_bars, listed_issues, topix
from gogoku_pipeline.tables.prices import stage_prices
from gogoku_pipeline.tables.universe import UniverseConfig, build_universe

SESSIONS = tse_calendar(date(2020, 2, 3)).sessions[:330]
N_CODES = 42
NEWCOMER = "14000"
SPLITS = {"10000": (120, 0.5, "1"), "10010": (200, 0.2, "1"), "10020": (90, 10.0, "2"), "10030": (150, 0.8, "3")}


def market_bars(seed: int = 3) -> pl.DataFrame:
    """Raw bars as core_jquants__daily_bars has them."""
    rng = stream(seed, "bars")
    size, n = len(SESSIONS), N_CODES
    market = rng.normal(0, 0.01, size)
    market[np.array(SESSIONS) == OUTAGE] = 0.0
    close = 900 * np.exp(np.cumsum(market[:, None] * rng.uniform(0.3, 1.7, n) + rng.normal(0, 0.02, (size, n)), axis=0))
    opening = close * np.exp(rng.normal(0, 0.008, (size, n)))
    high = np.maximum(close, opening) * np.exp(np.abs(rng.normal(0, 0.006, (size, n))))
    low = np.minimum(close, opening) * np.exp(-np.abs(rng.normal(0, 0.006, (size, n))))
    volume = np.round(np.exp(rng.normal(11, 1, (size, n)))) * 100
    silent = rng.random((size, n)) < np.where(np.arange(n) % 7 == 3, 0.25, 0.01)
    silent |= (np.array(SESSIONS) == OUTAGE)[:, None]
    frames = []
    for i in range(n):
        code = NEWCOMER if i == 40 else f"{1000 + i}0"
        first, last = {40: (180, size), 5: (60, size), 6: (0, 140), 7: (0, 200)}.get(i, (0, size))
        kept = np.arange(first, last)
        if i in (8, 9):
            kept = np.delete(kept, np.arange(100, 100 + 12 * (i - 7)))
        at, factor, kind = SPLITS.get(code, (size + 1, 1.0, None))
        basis = np.where(np.arange(size) >= at, factor, 1.0)
        columns = {"open_jpy": opening, "high_jpy": high, "low_jpy": low, "close_jpy": close}
        raw = {name: np.where(silent[:, i], np.nan, values[:, i] * basis)[kept] for name, values in columns.items()}
        shares = np.where(silent[:, i], np.nan, volume[:, i] / (1.0 if kind == "3" else basis))
        frames.append(
            pl.DataFrame(
                {
                    "session": [SESSIONS[t] for t in kept],
                    "code": [code] * kept.size,
                    **raw,
                    "volume_shares": shares[kept],
                    "turnover_jpy": np.where(silent[:, i], np.nan, volume[:, i] * close[:, i])[kept],
                    "adjustment_factor": np.where(kept == at, factor, 1.0),
                    "ex_rights_type": [kind if t == at else None for t in kept],
                }
            )
        )
    return _completed(pl.concat(frames))


def _completed(bars: pl.DataFrame) -> pl.DataFrame:
    table = daily_bars.TABLE
    halves = [name for name in table.polars_schema if name.startswith(("morning_", "afternoon_"))]
    return (
        bars.with_columns(
            pl.col(pl.Float64).fill_nan(None),
            *(pl.lit(None).alias(name) for name in halves),
            is_limit_up=False,
            is_limit_down=False,
            served_adjusted_close_jpy=None,
            market_cap_mjpy=None,
            available_at=daily_bars.TABLE.rule.instant(pl.col("session")),
        )
        .select(table.polars_schema.names())
        .cast(table.polars_schema)
        .sort("session", "code")
    )


def with_split(bars: pl.DataFrame, code: str, at: date, factor: float) -> pl.DataFrame:
    """The same history as if the issue had split: raw prices and shares from the ex-date on are on a new basis."""
    hit = (pl.col("code") == code) & (pl.col("session") >= at)
    prices = ("open_jpy", "high_jpy", "low_jpy", "close_jpy")
    return bars.with_columns(
        *(pl.when(hit).then(pl.col(name) * factor).otherwise(pl.col(name)).alias(name) for name in prices),
        pl.when(hit).then(pl.col("volume_shares") / factor).otherwise(pl.col("volume_shares")).alias("volume_shares"),
        pl.when(hit & (pl.col("session") == at))
        .then(pl.col("adjustment_factor") * factor)
        .otherwise(pl.col("adjustment_factor"))
        .alias("adjustment_factor"),
    )


def inputs_of(bars: pl.DataFrame) -> FeatureInputs:
    """Staged prices, universe and index of raw bars, by the production code."""
    days = bars["session"].unique().sort().to_list()
    codes = bars.select("session", "code")
    number = pl.col("code").str.slice(0, 4).cast(pl.Int32)
    listed = codes.with_columns(
        name=pl.col("code"),
        name_english=pl.col("code"),
        sector17_code=(number % 2 + 1).cast(pl.String),
        sector33_code=(50 * (number % 4 + 1)).cast(pl.String).str.zfill(4),
        scale_category=pl.lit("-"),
        market_code=pl.when(number % 13 == 0).then(pl.lit("0109")).otherwise(pl.lit("0111")),
        margin_class=pl.lit("1"),
        product_category=None,
        available_at=listed_issues.SNAPSHOT.rule.instant(pl.col("session")),
    ).cast(listed_issues.SNAPSHOT.polars_schema)
    universe = build_universe(bars, listed, days, UniverseConfig(min_listed_sessions=30))
    return FeatureInputs(stage_prices(bars), universe, index_rows(days))


def index_rows(days: list[date], seed: int = 3) -> pl.DataFrame:
    """TOPIX whose moves are the market factor of the bars; on the outage the previous close is repeated."""
    moves = stream(seed, "bars").normal(0, 0.01, len(SESSIONS))
    moves[np.array(SESSIONS) == OUTAGE] = 0.0
    level = dict(zip(SESSIONS, 1700 * np.exp(np.cumsum(moves)), strict=True))
    close = [level[day] for day in days]
    instant = [datetime(day.year, day.month, day.day, 16, 30, tzinfo=ZoneInfo("Asia/Tokyo")) for day in days]
    prices = {f"{name}_points": close for name in ("open", "high", "low", "close")}
    halted = [day == OUTAGE for day in days]
    return pl.DataFrame({"session": days, **prices, "is_market_halt": halted, "available_at": instant}).cast(
        topix.TABLE.polars_schema
    )
