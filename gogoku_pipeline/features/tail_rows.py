"""The rows an appended session stands on: the last sessions of the inputs, every issue with a row on each of them.

Belongs here: cutting inputs to a tail, and rows of nulls for sessions on which a known issue has no bar. Does not
belong here: values.

Staging fills the sessions between an issue's first and last bar (`is_gap`). While sessions are appended nobody knows
yet whether an issue will return, so rows of the same kind are added up to the end: recursions pass over them as they
will in a rebuild after its return, and they are never put out. The same is done in front, where an issue listed
before the tail has its first bar only inside it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl

from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.tables.prices import MARK_SESSIONS

_KEY = ["code", "session"]
_FACTORS = ("factor", "volume_factor")


def from_session(inputs: FeatureInputs, first: date) -> FeatureInputs:
    """Prices, universe, index and given values without rows before a session; other sources as they are."""
    return replace(
        inputs,
        prices=_since(inputs.prices, first),
        universe=_since(inputs.universe, first),
        topix=_since(inputs.topix, first),
        given=None if inputs.given is None else _since(inputs.given, first),
    )


def _since(frame: pl.DataFrame, first: date) -> pl.DataFrame:
    days = frame["session"]
    if days.is_sorted():
        return frame.slice(int(days.search_sorted(first, side="left")))
    return frame.filter(pl.col("session") >= first)


def spans(prices: pl.DataFrame) -> pl.DataFrame:
    """[code, first, last, last_bar, is_older]: sessions of each issue's rows and of its newest bar, ascending by code.

    `is_older` says that the listing began before the first row.
    """
    listed = pl.col("listed_sessions").min() if "listed_sessions" in prices.columns else pl.lit(1)
    session = pl.col("session")
    ends = prices.group_by("code").agg(
        session.min().alias("first"),
        session.max().alias("last"),
        session.filter(~pl.col("is_gap")).max().alias("last_bar"),
        (listed > 1).alias("is_older"),
    )
    return ends.sort("code")


def dense(inputs: FeatureInputs, ends: pl.DataFrame, *, is_tail: bool) -> FeatureInputs:
    """Inputs in which some issues have a row on every session up to the end.

    Args:
        inputs: as the engine takes them.
        ends: rows of `spans` of these issues; others keep their rows.
        is_tail: whether an issue listed before the first session gets rows from there on.
    """
    days = inputs.known.sessions
    lacks = pl.col("last") < days[-1]
    if is_tail:
        lacks |= pl.col("is_older") & (pl.col("first") > days[0])
    short = ends.filter(lacks)
    if short.is_empty():
        return inputs
    grid = short.join(pl.DataFrame({"session": days}), how="cross")
    before = (pl.col("session") < pl.col("first")) & pl.col("is_older") & pl.lit(value=is_tail)
    absent = grid.filter((pl.col("session") > pl.col("last")) | before).select(*_KEY, is_gap=pl.lit(value=True))
    own = inputs.prices.filter(pl.col("code").is_in(short["code"].implode()))
    rows = pl.concat([own.with_columns(is_added=False), absent.with_columns(is_added=True)], how="diagonal")
    filled = _filled(rows, inputs, days).filter("is_added").select(inputs.prices.columns)
    return replace(inputs, prices=pl.concat([inputs.prices, filled.cast(inputs.prices.schema)]))


def _filled(rows: pl.DataFrame, inputs: FeatureInputs, days: pl.Series) -> pl.DataFrame:
    """What staging writes into a row without a bar: basis, age, halt and mark."""
    halts = inputs.prices.group_by("session").agg(pl.col("is_market_halt").any().alias("halt"))
    place = pl.DataFrame({"session": days}).with_row_index("place").cast({"place": pl.Int32})
    rows = rows.join(halts, on="session", how="left").join(place, on="session", how="left").sort(_KEY)
    present = [name for name in _FACTORS if name in rows.columns]
    if present:
        steps = inputs.known.factors.sort("session").rename({name: f"{name}:then" for name in _FACTORS})
        rows = rows.sort("session").join_asof(steps, on="session", by="code", check_sortedness=False).sort(_KEY)
        rows = rows.with_columns(pl.coalesce(name, f"{name}:then").alias(name) for name in present)
    if "listed_sessions" in rows.columns:
        age = (pl.col("listed_sessions") - pl.col("place")).max().over("code") + pl.col("place")
        rows = rows.with_columns(age.alias("listed_sessions"))
    last = pl.col("close").forward_fill(limit=MARK_SESSIONS - 1).over("code")
    return rows.with_columns(
        pl.coalesce("is_market_halt", "halt").fill_null(value=False).alias("is_market_halt"),
        pl.coalesce("mark", last).alias("mark"),
    )
