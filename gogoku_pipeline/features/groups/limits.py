"""Daily price limits: where the exchange's brake was touched, and how far tomorrow may go.

UL and LL are claims of the day, never prices. A close at the limit means that orders were left waiting: a fill on
that side must be refused. Limits stand in yen, so what reads their table uses prices as traded; the table is in force
since January 2010 and there is no answer before. A session without a trade says nothing, whatever its claims.
"""

from __future__ import annotations

from datetime import date
from importlib.resources import files

import numpy as np
import polars as pl

from gogoku_pipeline.core.fingerprints import sha256_json
from gogoku_pipeline.core.price_rules import limit_jpy
from gogoku_pipeline.features.declaration import per_stock
from gogoku_pipeline.features.expressions import (
    Expr,
    F,
    K,
    P,
    Values,
    constant,
    equal,
    greater,
    larger,
    only_where_present,
    pointwise,
    where,
)
from gogoku_pipeline.features.operators.touches import claim_age, held_run
from gogoku_pipeline.features.operators.windows import lag, total
from gogoku_pipeline.features.states.exchange_days import exchange_days

SINCE = date(2010, 1, 4)
"""First session under the table of limits."""

AGE_CAP = 60
SIDES = {
    "up": {
        "claim": "UL",
        "end": "H",
        "extreme": "high",
        "upper": "upper",
        "farthest": "highest",
        "waiting": "buyers",
        "and_so": ": one price all day",
    },
    "down": {
        "claim": "LL",
        "end": "L",
        "extreme": "low",
        "upper": "lower",
        "farthest": "lowest",
        "waiting": "sellers",
        "and_so": "",
    },
}
"""The two limits, with the published fields and the words of each."""

_TABLE = sha256_json([(files("gogoku_pipeline.core") / "daily_price_limits.csv").read_text()])[:8]
"""Fingerprint of the table, part of the operator's name and so of the registry's hash."""

_BEFORE = greater(int(exchange_days().on_or_after(pl.Series([SINCE])).item()), K("clock.number"))
"""1 on sessions before the table."""


def _limit_kernel(base: Values) -> Values:
    # A base that went through the factor and back must fall into the bracket of the price it stands for.
    return limit_jpy(np.round(base, 6))


def limit(base: Expr) -> Expr:
    """How far a price may travel from its base in one session, in yen; null before 2010."""
    width = pointwise(f"limit_jpy_{_TABLE}", _limit_kernel, base)
    return where(_BEFORE, constant(float("nan")), width)


def _claim(s: str) -> Expr:
    """The day's claim that a limit was touched."""
    return P.limit_up if s == "up" else P.limit_down


@per_stock(
    "lim_{s}_touch_flag",
    group="limits",
    unit="flag",
    sources=("bars.{claim}",),
    observes=("limit_{s}", "close"),
    choices={"s": SIDES},
)
def lim_touch_flag(s: str) -> Expr:
    """Whether the day's {farthest} possible price was traded: {claim} = '1'."""
    return only_where_present(_claim(s), P.close)


@per_stock(
    "lim_{s}_close_flag",
    group="limits",
    unit="flag",
    sources=("bars.{claim}", "bars.C", "bars.{end}"),
    observes=("limit_{s}", "close", "{extreme}"),
    choices={"s": SIDES},
)
def lim_close_flag(s: str) -> Expr:
    """Whether it closed at the {upper} limit, {waiting} left waiting: {claim} = '1' and C = {end}."""
    return _claim(s) * equal(P.close, P.high if s == "up" else P.low)


@per_stock(
    "lim_{s}_locked_flag",
    group="limits",
    unit="flag",
    sources=("bars.{claim}", "bars.H", "bars.L"),
    observes=("limit_{s}", "high", "low"),
    choices={"s": SIDES},
)
def lim_locked_flag(s: str) -> Expr:
    """Whether it traded at the {upper} limit only: {claim} = '1' and H = L{and_so}."""
    return _claim(s) * equal(P.high, P.low)


@per_stock(
    "lim_{s}_streak_sessions",
    group="limits",
    unit="sessions",
    window="X1",
    sources=("@lim_{s}_close_flag",),
    observes=("@lim_{s}_close_flag",),
    needs=("@lim_{s}_close_flag[t]",),
    choices={"s": SIDES},
    at_least=0.0,
)
def lim_streak_sessions(s: str) -> Expr:
    """Sessions in a row that closed at the limit: k = k[-1] + 1 if lim_{s}_close_flag = 1 else 0; null session: k held, output null."""  # noqa: E501
    return held_run(F(f"lim_{s}_close_flag"))


@per_stock(
    "lim_{s}_20d_count",
    group="limits",
    unit="count",
    window="S20",
    min_obs=15,
    sources=("@lim_{s}_touch_flag",),
    observes=("@lim_{s}_touch_flag",),
    choices={"s": SIDES},
    at_least=0.0,
    at_most=20.0,
)
def lim_20d_count(s: str) -> Expr:
    """How many of the last 20 sessions touched the limit: sum_20(lim_{s}_touch_flag)."""
    return total(F(f"lim_{s}_touch_flag"), 20)


@per_stock(
    "lim_age_sessions",
    group="limits",
    unit="sessions",
    window="P",
    sources=("@lim_up_touch_flag", "@lim_down_touch_flag"),
    needs=("@lim_up_touch_flag[t-59..t]", "@lim_down_touch_flag[t-59..t]"),
    at_least=0.0,
    at_most=float(AGE_CAP),
)
def lim_age_sessions() -> Expr:
    """How long no limit was touched: sessions since either flag was 1, capped at 60; 60 when none, null without a trade in 60 sessions."""  # noqa: E501
    either = larger(F("lim_up_touch_flag"), F("lim_down_touch_flag"))
    return only_where_present(claim_age(either, AGE_CAP), total(either, AGE_CAP))


@per_stock(
    "lim_band_pos",
    group="limits",
    unit="ratio",
    window="E2",
    min_obs=2,
    sources=("bars.C", "bars.AdjFactor"),
    needs=("close[t]", "mark[t-1]"),
    undefined=_BEFORE,
)
def lim_band_pos() -> Expr:
    """Where in the day's permitted band it closed: (C - base) / limit_jpy(base); beyond -1..1 only on days with a widened limit. base = m[t-1] on the basis of t."""  # noqa: E501
    base = lag(P.mark, 1) * P.factor
    return (P.raw_close - base) / limit(base)


@per_stock(
    "lim_width_next",
    group="limits",
    unit="ratio",
    sources=("bars.C",),
    observes=("raw_close",),
    undefined=_BEFORE,
    at_least=0.0,
)
def lim_width_next() -> Expr:
    """How far tomorrow may go from today's close: limit_jpy(C) / C: how far tomorrow may go."""
    return limit(P.raw_close) / P.raw_close
