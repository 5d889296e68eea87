"""A small store with every table an export reads: features of all families, universe, labels, daily bars."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.dataset.labels import HORIZONS, LABELS
from gogoku_pipeline.features.family_tables import families
from gogoku_pipeline.graph.catalogue import family_table, registry
from gogoku_pipeline.schema import daily_bars
from gogoku_pipeline.store import CommitInfo
from gogoku_pipeline.tables.universe import UNIVERSE

SESSIONS = tse_calendar().between(date(2024, 4, 1), date(2024, 5, 31))
CODES = ("13010", "72030", "99840")
SPLIT = date(2024, 5, 8)
COMMIT = CommitInfo(run_id="test", code_version="1")


def keys(sessions=SESSIONS):
    days = [day for day in sessions for _ in CODES]
    return pl.DataFrame(
        {"session": days, "code": list(CODES) * len(sessions)}, schema={"session": pl.Date, "code": pl.String}
    ).with_columns(_at(time(16, 30), days).alias("available_at"))


def _at(hour, days):
    return pl.Series([datetime.combine(day, hour, JST) for day in days], dtype=pl.Datetime("us", "Asia/Tokyo"))


def family_rows(table, seed, sessions=SESSIONS):
    """Random values inside each column's bounds, some null."""
    rng = np.random.default_rng(seed)
    frame = keys(sessions)
    for column in table.columns[2:-1]:
        low = column.at_least if column.at_least is not None else -1.0
        high = column.at_most if column.at_most is not None else low + 2.0
        whole = column.unit in ("flag", "category", "count")
        values = np.round(rng.uniform(low, high, frame.height)) if whole else rng.uniform(low, high, frame.height)
        series = pl.Series(column.name, values.astype(np.float32))
        frame = frame.with_columns(series.set(pl.Series(rng.random(frame.height) < 0.1), None))
    return frame.select(table.polars_schema.names())


def universe_rows():
    filled = {
        "market_code": "0111",
        "sector17_code": "1",
        "sector33_code": "0050",
        "listed_sessions": 100,
        "median_turnover_20d_jpy": 1e8,
        "is_in_universe": True,
    }
    frame = keys().with_columns(**{name: pl.lit(value) for name, value in filled.items()})
    return frame.with_columns((pl.col("code") != "99840").alias("is_tradable")).cast(dict(UNIVERSE.polars_schema))


def label_rows():
    rows = [
        {
            "session": day,
            "code": code,
            "horizon_d": horizon,
            "ret_open": horizon / 100 + place / 1000,
            "available_at": datetime.combine(day + timedelta(days=2 * horizon), time(16, 30), JST),
        }
        for day in SESSIONS
        for place, code in enumerate(CODES)
        for horizon in HORIZONS
    ]
    return pl.DataFrame(rows, schema={n: t for n, t in LABELS.polars_schema.items() if n in rows[0]}).select(
        *(
            pl.col(name) if name in rows[0] else pl.lit(None, dtype=kind).alias(name)
            for name, kind in LABELS.polars_schema.items()
        )
    )


def bar_rows():
    """Prices that wander from the first session of the year on; one issue splits 1:2 inside the exported range."""
    rng = np.random.default_rng(5)
    frame = keys(tse_calendar().between(date(2024, 1, 4), SESSIONS[-1]))
    close = 1000 * np.exp(np.cumsum(rng.normal(0, 0.01, frame.height)))
    made = {
        "open_jpy": close * 0.99,
        "high_jpy": close * 1.02,
        "low_jpy": close * 0.97,
        "close_jpy": close,
        "volume_shares": np.full(frame.height, 1e5),
        "turnover_jpy": close * 1e5,
        "adjustment_factor": np.ones(frame.height),
    }
    table = daily_bars.TABLE
    frame = frame.with_columns(
        is_limit_up=False, is_limit_down=False, **{name: pl.Series(values) for name, values in made.items()}
    )
    missing = [c for c in table.columns if c.name not in frame.columns]
    whole = frame.with_columns(pl.lit(None, dtype=c.dtype).alias(c.name) for c in missing)
    split = (pl.col("code") == CODES[0]) & (pl.col("session") == SPLIT)
    after = (pl.col("code") == CODES[0]) & (pl.col("session") >= SPLIT)
    prices = ("open_jpy", "high_jpy", "low_jpy", "close_jpy")
    return whole.with_columns(
        pl.when(split).then(0.5).otherwise(1.0).alias("adjustment_factor"),
        pl.when(split).then(pl.lit("1")).alias("ex_rights_type"),
        *(pl.when(after).then(pl.col(name) / 2).otherwise(pl.col(name)).alias(name) for name in prices),
    ).select(table.polars_schema.names())


def fill(store, plan="Premium", label_sessions=SESSIONS):
    """Write everything; labels only of some sessions where asked."""
    for seed, name in enumerate(families(registry(plan))):
        table = family_table(name, plan)
        store.tables.write_sessions(table, family_rows(table, seed), SESSIONS, commit=COMMIT)
    store.tables.write_sessions(UNIVERSE, universe_rows(), SESSIONS, commit=COMMIT)
    labels = label_rows().filter(pl.col("session").is_in(list(label_sessions)))
    store.tables.write_sessions(LABELS, labels, label_sessions, commit=COMMIT)
