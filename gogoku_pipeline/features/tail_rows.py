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
    kept = pl.col("session") >= first
    return replace(
        inputs,
        prices=inputs.prices.filter(kept),
        universe=inputs.universe.filter(kept),
        topix=inputs.topix.filter(kept),
        given=None if inputs.given is None else inputs.given.filter(kept),
    )


def awake(inputs: FeatureInputs, since: date) -> pl.Series:
    """Codes with a bar on `since` or later, ascending."""
    recent = inputs.prices.filter((pl.col("session") >= since) & ~pl.col("is_gap"))
    return recent["code"].unique().sort()


def dense(inputs: FeatureInputs, codes: pl.Series, *, is_tail: bool) -> FeatureInputs:
    """Inputs in which these codes have a row on every session up to the end.

    Args:
        inputs: as the engine takes them.
        codes: which issues; others keep their rows.
        is_tail: whether an issue listed before the first session gets rows from there on.
    """
    prices = inputs.prices
    days = inputs.known.sessions
    ends = prices.group_by("code").agg(
        pl.col("session").min().alias("first"),
        pl.col("session").max().alias("last"),
        (_listed(prices) > 1).alias("is_older"),
    )
    ends = ends.filter(pl.col("code").is_in(codes.implode()))
    lacks = pl.col("last") < days[-1]
    if is_tail:
        lacks |= pl.col("is_older") & (pl.col("first") > days[0])
    short = ends.filter(lacks)
    if short.is_empty():
        return inputs
    grid = short.join(pl.DataFrame({"session": days}).with_row_index("place"), how="cross")
    before = (pl.col("session") < pl.col("first")) & pl.col("is_older") & pl.lit(value=is_tail)
    absent = grid.filter((pl.col("session") > pl.col("last")) | before).select(*_KEY, is_gap=pl.lit(value=True))
    own = prices.filter(pl.col("code").is_in(short["code"].implode()))
    filled = _filled(pl.concat([own, absent], how="diagonal"), inputs, days).select(prices.columns)
    others = prices.filter(~pl.col("code").is_in(short["code"].implode()))
    return replace(inputs, prices=pl.concat([others, filled.cast(prices.schema)]).sort("session", "code"))


def _listed(prices: pl.DataFrame) -> pl.Expr:
    """Listing age of an issue's first row; 1 where prices do not carry it."""
    return pl.col("listed_sessions").min() if "listed_sessions" in prices.columns else pl.lit(1)


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
