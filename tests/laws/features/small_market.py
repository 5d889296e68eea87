"""A small market of our own: random walks with gaps, silent days, splits, a rights issue, listings and delistings.

Prices, index and listings are drawn here, because the laws need planted oddities; every other source is lent by the
simulator (`small_sources`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import OUTAGE, tse_calendar
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.states.listing import SCALES
from gogoku_pipeline.features.states.nikkei_etf import CODE as NIKKEI_ETF
from gogoku_pipeline.features.states.register import STATES
from gogoku_pipeline.schema import daily_bars, listed_issues, topix
from gogoku_pipeline.tables.prices import EXTRA_COLUMNS, factor_events, stage_prices
from gogoku_pipeline.tables.universe import UniverseConfig, build_universe
from tests.laws.features.small_sources import kept_sources

SESSIONS = tse_calendar(date(2020, 2, 3)).sessions[:330]
N_CODES = 42
NEWCOMER = "14000"
PRICES, SIDES = ("open", "high", "low", "close"), ("up", "down")
SECTORS = ("0050", "1050", "2050", "3050")
LOST_NIGHTS = SESSIONS[210:216]
"""Sessions whose derivatives never came."""

SPLITS = {"10000": (120, 0.5, "1"), "10010": (200, 0.2, "1"), "10020": (90, 10.0, "2"), "10030": (150, 0.8, "3")}


def market_bars(seed: int = 3) -> pl.DataFrame:
    """Raw bars as core_jquants__daily_bars has them."""
    drawn, silent = _drawn(seed)
    size = len(SESSIONS)
    frames = []
    for i in range(N_CODES):
        code = {40: NEWCOMER, 27: NIKKEI_ETF}.get(i, f"{1000 + i}0")
        first, last = {40: (180, size), 5: (60, size), 6: (0, 140), 7: (0, 200)}.get(i, (0, size))
        kept = np.arange(first, last)
        if i in (8, 9):
            kept = np.delete(kept, np.arange(100, 100 + 12 * (i - 7)))
        at, factor, kind = SPLITS.get(code, (size + 1, 1.0, None))
        basis = np.where(np.arange(size) >= at, factor, 1.0)
        of_shares = 1.0 if kind == "3" else basis
        columns = {name: np.where(silent[:, i], np.nan, values[:, i]) for name, values in drawn.items()}
        prices = {name: (values * basis)[kept] for name, values in columns.items() if name.split("_")[-2] in PRICES}
        claims = {name: values[kept] == 1.0 for name, values in columns.items() if "is_limit" in name}
        frames.append(
            pl.DataFrame(
                {
                    "session": [SESSIONS[t] for t in kept],
                    "code": [code] * kept.size,
                    **prices,
                    **claims,
                    "volume_shares": (columns["volume_shares"] / of_shares)[kept],
                    "turnover_jpy": columns["turnover_jpy"][kept],
                    "morning_turnover_jpy": columns["morning_turnover_jpy"][kept],
                    "adjustment_factor": np.where(kept == at, factor, 1.0),
                    "ex_rights_type": [kind if t == at else None for t in kept],
                }
            )
        )
    return _completed(pl.concat(frames))


def _drawn(seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Prices, amounts and claims on one basis by column of the bars, and where nothing traded; [sessions, codes]."""
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
    bars = {"open_jpy": opening, "high_jpy": high, "low_jpy": low, "close_jpy": close}
    bars |= _limits(stream(seed, "limits"), bars)
    bars |= _halves(stream(seed, "halves"), bars)
    bars |= {"volume_shares": volume, "turnover_jpy": volume * bars["close_jpy"]}
    share = stream(seed, "noon").uniform(0.3, 0.7, (size, n))
    return bars | {"morning_turnover_jpy": bars["turnover_jpy"] * share}, silent


def _limits(rng: np.random.Generator, bars: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Claims of touched limits; on some of those days it closed there, on a few nothing else was traded."""
    opening, high, low, close = (bars[f"{name}_jpy"] for name in PRICES)
    up, down = high > 1.022 * opening, low < opening / 1.022
    to_end, all_day = rng.random(close.shape) < 0.5, rng.random(close.shape) < 0.05
    close = np.where(up & to_end, high, np.where(down & ~up & to_end, low, close))
    locked = (up | down) & all_day
    moved = {
        f"{name}_jpy": np.where(locked, close, values)
        for name, values in zip(PRICES, (opening, high, low, close), strict=True)
    }
    down &= ~(locked & up)
    return {**moved, "is_limit_up": up.astype(float), "is_limit_down": down.astype(float)}


def _halves(rng: np.random.Generator, bars: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A morning and an afternoon inside the day's range."""
    opening, high, low, close = (bars[f"{name}_jpy"] for name in PRICES)
    noon, again, top, bottom = (low + rng.random(close.shape) * (high - low) for _ in range(4))
    highest, lowest = (pick.reduce((opening, noon, found)) for pick, found in ((np.maximum, top), (np.minimum, bottom)))
    morning = {"morning_open_jpy": opening, "morning_close_jpy": noon}
    morning |= {"morning_high_jpy": highest, "morning_low_jpy": lowest}
    claims = {f"morning_is_limit_{side}": bars[f"is_limit_{side}"] * (rng.random(close.shape) < 0.4) for side in SIDES}
    return {**morning, **claims, "afternoon_open_jpy": again, "afternoon_close_jpy": close}


def _completed(bars: pl.DataFrame) -> pl.DataFrame:
    table = daily_bars.TABLE
    absent = [name for name in table.polars_schema if name not in (*bars.columns, "available_at")]
    return (
        bars.with_columns(
            pl.col(pl.Float64).fill_nan(None),
            *(pl.lit(None).alias(name) for name in absent),
            available_at=daily_bars.TABLE.rule.instant(pl.col("session")),
        )
        .select(table.polars_schema.names())
        .cast(table.polars_schema)
        .sort("session", "code")
    )


def with_split(bars: pl.DataFrame, code: str, at: date, factor: float) -> pl.DataFrame:
    """The same history as if the issue had split: raw prices and shares from the ex-date on are on a new basis."""
    hit = (pl.col("code") == code) & (pl.col("session") >= at)
    prices = [name for name in bars.columns if name.endswith("_jpy") and name.split("_")[-2] in PRICES]
    return bars.with_columns(
        *(pl.when(hit).then(pl.col(name) * factor).otherwise(pl.col(name)).alias(name) for name in prices),
        pl.when(hit).then(pl.col("volume_shares") / factor).otherwise(pl.col("volume_shares")).alias("volume_shares"),
        pl.when(hit & (pl.col("session") == at))
        .then(pl.col("adjustment_factor") * factor)
        .otherwise(pl.col("adjustment_factor"))
        .alias("adjustment_factor"),
    )


def inputs_of(bars: pl.DataFrame, tables: Mapping[str, pl.DataFrame]) -> FeatureInputs:
    """Staged prices, universe and index of raw bars, by the production code, beside tables of the other sources."""
    days = bars["session"].unique().sort().to_list()
    universe = build_universe(bars, listing_rows(bars), days, UniverseConfig(min_listed_sessions=30))
    prices = stage_prices(bars, extra=tuple(EXTRA_COLUMNS))
    return FeatureInputs(prices, universe, index_rows(days), tables=tables, factors=factor_events(bars))


def small_tables(bars: pl.DataFrame, folder: Path) -> dict[str, pl.DataFrame]:
    """Tables of every source that a registered state reads; what the simulator lends is kept in a folder."""
    own = {"listed_issues": listing_rows(bars), "topix": index_rows(list(SESSIONS)), "daily_bars": bars}
    wanted = {source for state in STATES.values() for source in state.tables}
    ends = bars.group_by("code").agg(pl.col("session").min().alias("first"), pl.col("session").max().alias("last"))
    spans = {code: (first, last) for code, first, last in ends.sort("code").iter_rows()}
    lent = kept_sources(folder, sorted(wanted - set(own)), spans, SESSIONS[-1])
    for name in ("futures", "index_options"):
        lent[name] = lent[name].filter(~pl.col("session").is_in(LOST_NIGHTS))
    return {name: frame for name, frame in (own | lent).items() if name in wanted}


def listing_rows(bars: pl.DataFrame) -> pl.DataFrame:
    """The morning's listing of every code with a bar; one issue in thirteen is a fund, one moves up a section."""
    number = pl.col("code").str.slice(0, 4).cast(pl.Int32)
    moved = pl.when(pl.col("session") < SESSIONS[100]).then(pl.lit("0102")).otherwise(pl.lit("0101"))
    is_fund = (number % 13 == 0) | (pl.col("code") == NIKKEI_ETF)
    return bars.select(
        "session",
        "code",
        name=pl.col("code"),
        name_english=pl.col("code"),
        sector17_code=(number % 2 + 1).cast(pl.String),
        sector33_code=(number % 4).replace_strict(dict(enumerate(SECTORS)), return_dtype=pl.String),
        scale_category=(number % 6).replace_strict(dict(enumerate(SCALES)), return_dtype=pl.String),
        market_code=pl.when(is_fund)
        .then(pl.lit("0109"))
        .when(number % 5 == 0)
        .then(moved)
        .otherwise((number % 3).replace_strict({0: "0101", 1: "0102", 2: "0104"}, return_dtype=pl.String)),
        margin_class=(number % 3 + 1).cast(pl.String),
        product_category=None,
        available_at=listed_issues.SNAPSHOT.rule.instant(pl.col("session")),
    ).cast(listed_issues.SNAPSHOT.polars_schema)


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
