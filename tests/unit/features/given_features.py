"""A part of the house registry whose lower features are handed in, and inputs of a few stocks made by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.engine import compute
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.registry import Registry, house

SESSIONS = tse_calendar(date(2021, 1, 4), date(2023, 12, 29)).sessions
PRICES = ("open", "high", "low", "close", "volume", "turnover_jpy", "mark", "close_raw_jpy")
FLAGS = ("is_limit_up", "is_limit_down")


def house_given(names: list[str], given: list[str]) -> Registry:
    """The features asked for and what they are made of, those in `given` as values from outside."""
    part = Registry("part of the house")

    def take(name: str) -> None:
        if name in part:
            return
        feature = house().feature(name)
        if name in given:
            outside = {"axis": "external", "role": "stock", "expr": None, "undefined": None}
            part.add(replace(feature, **outside, observes=(), needs=(), sources=("bars.C",)))
            return
        for needed in feature.depends_on:
            take(needed)
        part.add(feature)

    for name in names:
        take(name)
    return part.freeze()


def panel(columns: dict[str, np.ndarray], sectors: list[str] | None = None, outside: tuple[int, ...] = ()):
    """[session, code, columns] of arrays [sessions, stocks] with NaN for null; sector and membership per stock."""
    sessions, stocks = next(iter(columns.values())).shape
    codes = [f"{1000 + i}0" for i in range(stocks)]
    keys = {
        "session": [day for day in SESSIONS[:sessions] for _ in range(stocks)],
        "code": codes * sessions,
        "sector33_code": (sectors or ["0050"] * stocks) * sessions,
        "is_in_universe": [i not in outside for i in range(stocks)] * sessions,
    }
    frame = pl.DataFrame({**keys, **{name: values.astype(float).ravel() for name, values in columns.items()}})
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def inputs(frame: pl.DataFrame, given: tuple[str, ...] = (), index: np.ndarray | None = None) -> FeatureInputs:
    """Inputs of a panel; columns it does not have are null, `given` become values from outside, marks are closes."""
    blank = [pl.lit(None, dtype=pl.Float64).alias(name) for name in (*PRICES, *FLAGS) if name not in frame.columns]
    full = frame.with_columns(*blank)
    if "mark" not in frame.columns:
        full = full.with_columns(mark=pl.col("close"))
    full = full.with_columns(is_gap=pl.lit(False), is_market_halt=pl.lit(False), sector17_code=pl.lit("1"))
    days = full["session"].unique().sort()
    close = pl.Series("close_points", index if index is not None else np.full(len(days), 1500.0))
    return FeatureInputs(
        full.select("session", "code", *PRICES, *FLAGS, "is_gap", "is_market_halt"),
        full.select("session", "code", "is_in_universe", "sector33_code", "sector17_code"),
        pl.DataFrame({"session": days, "close_points": close.fill_nan(None), "is_market_halt": close.is_nan()}),
        full.select("session", "code", *given) if given else None,
    )


def computed(name: str, made: FeatureInputs, registry: Registry | None = None) -> np.ndarray:
    """[sessions, stocks] of a feature, NaN for null; every stock is listed on every session."""
    frame = compute([name], made, start=SESSIONS[0], end=SESSIONS[-1], registry=registry)
    values = frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return values.reshape(frame["session"].n_unique(), -1)
