"""The same inputs in another world: later rows gone or garbled, other stocks gone, rows shuffled, codes dealt anew.

Belongs here: inputs that must not change a value, for the laws. Does not belong here: what may differ (`laws`).

A row is later than a session when it was not available strictly before that session's hour of decision; prices,
universe and index are known in the evening of their session.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.core.sessions import tse_calendar
from gogoku_pipeline.features.inputs import FeatureInputs
from gogoku_pipeline.features.states.nikkei_etf import CODE as NIKKEI_ETF
from gogoku_pipeline.schema.register import TABLE_OF
from gogoku_pipeline.tables.asof import cutoff_at

NAMED_ISSUES = (NIKKEI_ETF,)
"""Issues that market series name; whoever else is gone or renamed, they stay."""

_STAGED = ("open", "high", "low", "close", "mark")


def known_at(inputs: FeatureInputs, session: date) -> FeatureInputs:
    """Only what was known at the hour of decision of a session."""
    factors = None if inputs.factors is None else inputs.factors.filter(pl.col("session") <= session)
    tables = {name: frame.filter(~_later(session, inputs)) for name, frame in inputs.tables.items()}
    return replace(inputs.until(session), tables=tables, factors=factors)


def garbled_after(inputs: FeatureInputs, session: date) -> FeatureInputs:
    """The same rows, with everything later replaced by something else; keys and instants stay."""
    rng = stream(0, "laws", str(session))
    later = pl.col("session") > session
    claim = pl.when(later).then(~pl.col("is_in_universe")).otherwise(pl.col("is_in_universe"))
    return replace(
        inputs,
        prices=_garbled(inputs.prices, later, ("session", "code"), rng),
        universe=inputs.universe.with_columns(claim.alias("is_in_universe")),
        topix=_garbled(inputs.topix, later, ("session",), rng),
        factors=None if inputs.factors is None else _garbled(inputs.factors, later, ("session", "code"), rng),
        tables={
            name: _garbled(frame, _later(session, inputs), TABLE_OF[name].key, rng)
            for name, frame in inputs.tables.items()
        },
    )


def of_one_stock(inputs: FeatureInputs, code: str, *, other_tables: str = "gone") -> FeatureInputs:
    """Every other stock is gone; its rows in other sources are `gone` as well, or `garbled`."""
    own = pl.col("code").is_in([code, *NAMED_ISSUES])
    if other_tables == "gone":
        return _with_codes(inputs, lambda frame: frame.filter(own), is_universe_kept=True)
    rng = stream(0, "laws", code)
    tables = {
        name: _garbled(frame, ~own, TABLE_OF[name].key, rng) if "code" in frame.columns else frame
        for name, frame in inputs.tables.items()
    }
    return replace(of_one_stock(inputs, code), tables=tables)


def without_stock(inputs: FeatureInputs, code: str) -> FeatureInputs:
    """One stock was never listed."""
    return _with_codes(inputs, lambda frame: frame.filter(pl.col("code") != code))


def renamed(inputs: FeatureInputs) -> tuple[FeatureInputs, pl.Expr]:
    """Codes dealt out in reverse order, and the expression that deals them back."""
    codes = [code for code in inputs.prices["code"].unique().sort() if code not in NAMED_ISSUES]
    swap = pl.col("code").replace(dict(zip(codes, reversed(codes), strict=True)))
    listed = pl.col("code").is_in([*codes, *NAMED_ISSUES])
    return _with_codes(inputs, lambda frame: frame.filter(listed).with_columns(swap)), swap


def shuffled(inputs: FeatureInputs, seed: int) -> FeatureInputs:
    """Rows of every table in another order."""
    seeds = iter(np.random.SeedSequence(seed).generate_state(3 + len(inputs.tables)).tolist())

    def mix(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.sample(fraction=1.0, shuffle=True, seed=next(seeds))

    return replace(
        inputs,
        prices=mix(inputs.prices),
        universe=mix(inputs.universe),
        topix=mix(inputs.topix),
        tables={name: mix(frame) for name, frame in inputs.tables.items()},
    )


def rebased(inputs: FeatureInputs, by: float) -> FeatureInputs:
    """Every adjusted history multiplied by a number: as if an ex-date had come before everything that is known."""
    below = [name for name in ("volume", "factor", "volume_factor") if name in inputs.prices.columns]
    prices = inputs.prices.with_columns(pl.col(_STAGED) * by, pl.col(below) / by)
    factors = inputs.factors
    if factors is not None:
        long_ago = pl.lit(tse_calendar().first, pl.Date).alias("session")
        start = factors.select(long_ago, "code", factor=1.0 / by, volume_factor=1.0 / by).unique("code")
        factors = pl.concat([start, factors])
    return replace(inputs, prices=prices, factors=factors)


def only_from(inputs: FeatureInputs, first: date, begins: Mapping[str, date]) -> FeatureInputs:
    """A part of the history: prices from a session on, some other sources from sessions of their own."""
    keep = pl.col("session") >= first
    tables = {
        name: frame.filter(pl.col("session") >= begins[name])
        if name in begins and "session" in frame.columns
        else frame
        for name, frame in inputs.tables.items()
    }
    return replace(
        inputs,
        prices=inputs.prices.filter(keep),
        universe=inputs.universe.filter(keep),
        topix=inputs.topix.filter(keep),
        given=None if inputs.given is None else inputs.given.filter(keep),
        tables=tables,
    )


def _later(session: date, inputs: FeatureInputs) -> pl.Expr:
    return pl.col("available_at") >= cutoff_at(pl.lit(session, pl.Date), inputs.cutoff)


def _with_codes(
    inputs: FeatureInputs, change: Callable[[pl.DataFrame], pl.DataFrame], *, is_universe_kept: bool = False
) -> FeatureInputs:
    """The same change to every frame that has issues."""
    return replace(
        inputs,
        prices=change(inputs.prices),
        universe=inputs.universe if is_universe_kept else change(inputs.universe),
        given=None if inputs.given is None else change(inputs.given),
        factors=None if inputs.factors is None else change(inputs.factors),
        tables={name: change(frame) if "code" in frame.columns else frame for name, frame in inputs.tables.items()},
    )


def _garbled(frame: pl.DataFrame, hit: pl.Expr, key: Sequence[str], rng: np.random.Generator) -> pl.DataFrame:
    """Rows hit: numbers times noise, claims turned round, everything else dealt out among these rows anew."""
    kept = {*key, "session", "code", "available_at"}
    chosen = frame.select(hit.alias("hit"))["hit"].fill_null(False)
    rows = frame.filter(chosen)
    if rows.is_empty():
        return frame
    noise = pl.Series(rng.uniform(0.2, 5.0, rows.height))
    dealt = rng.permutation(rows.height)
    changed = [_other(rows[name], noise, dealt) for name in rows.columns if name not in kept]
    return pl.concat([frame.filter(~chosen), rows.with_columns(changed)])


def _other(column: pl.Series, noise: pl.Series, dealt: np.ndarray) -> pl.Series:
    if column.dtype == pl.Float64:
        return (column * noise).alias(column.name)
    if column.dtype == pl.Boolean:
        return ~column
    return column.gather(dealt)
