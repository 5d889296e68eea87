"""The 148 columns of the panel, each declared twice: as a formula of the house and as a Polars expression.

78 per stock (returns, means and distances, MACD, RSI, ADX, stochastics, bands, true range, volume, volatility, beta,
z-scores, highs and lows) and 70 across a session (z-score and rank of 30 columns, 10 against their sector).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from benchmarks.features import roll
from gogoku_pipeline.core.compilation import compiled
from gogoku_pipeline.features.expressions import (
    Expr,
    F,
    P,
    greater,
    larger,
    log,
    magnitude,
    only_where_present,
    sqrt,
    where,
)
from gogoku_pipeline.features.feature import Feature, Window
from gogoku_pipeline.features.operators.cross_section import group_squares, group_sums, members_mean, rank_0_1
from gogoku_pipeline.features.operators.range_volatility import parkinson, rogers_satchell
from gogoku_pipeline.features.operators.ranges import true_range
from gogoku_pipeline.features.operators.recursive import ema, recursion
from gogoku_pipeline.features.operators.regression import pair_regression
from gogoku_pipeline.features.operators.windows import deviation, highest, lag, lowest, mean, total
from gogoku_pipeline.features.registry import Registry

YEAR = math.sqrt(245)


class Column(NamedTuple):
    """One column, twice."""

    house: Expr
    peer: pl.Expr


@compiled
def balance_kernel(x, starts, begin, state):
    out = np.full(x.size, np.nan)
    for u in range(starts.size - 1):
        level = state[u, 0]
        for t in range(begin[u], starts[u + 1]):
            if x[t] == x[t]:
                level += x[t]
                out[t] = level
        state[u, 0] = level
    return out


@compiled
def score_kernel(x, first, group, groups):
    """Distance from the session's mean in standard deviations."""
    s, c = group_sums(x, first, group, groups)
    q = group_squares(x, first, group, groups, s / c)
    out = np.empty(x.size)
    for k in range(first.size - 1):
        mean, deviation = s[k] / c[k], np.sqrt(q[k] / (c[k] - 1.0)) if c[k] > 1.0 else np.nan
        for i in range(first[k], first[k + 1]):
            out[i] = (x[i] - mean) / deviation if group[i] >= 0 else np.nan
    return out


@compiled
def apart_kernel(x, first, group, groups):
    """Distance from the mean of the group."""
    s, c = group_sums(x, first, group, groups)
    out = np.empty(x.size)
    for k in range(first.size - 1):
        means = s[k * groups : (k + 1) * groups] / c[k * groups : (k + 1) * groups]
        for i in range(first[k], first[k + 1]):
            out[i] = x[i] - means[group[i]] if group[i] >= 0 else np.nan
    return out


def smooth(x: pl.Expr, n: int) -> pl.Expr:
    return x.ewm_mean(span=n, ignore_nulls=True).over("code")


def back(x: pl.Expr, n: int) -> pl.Expr:
    return x.shift(n).over("code")


def first_step() -> dict[str, Column]:
    """Columns of bars alone."""
    o, h, low, c, v = (pl.col(name) for name in ("open", "high", "low", "close", "volume"))
    out = {f"ret_{n}": Column(P.close / lag(P.close, n) - 1, c / back(c, n) - 1) for n in (1, 2, 3, 5, 10, 20, 60, 120)}
    out["log_ret"] = Column(log(P.close / lag(P.close, 1)), (c / back(c, 1)).log())
    for n in (5, 10, 20, 40, 60):
        out[f"sma_{n}"] = Column(mean(P.close, n), roll(c, "mean", n))
        out[f"ema_{n}"] = Column(ema(P.close, n), smooth(c, n))
    dc, c1 = c - back(c, 1), back(c, 1)
    step = P.close - lag(P.close, 1)
    out["_up"], out["_down"] = (
        Column(larger(step, 0.0), dc.clip(lower_bound=0)),
        Column(larger(-step, 0.0), (-dc).clip(lower_bound=0)),
    )
    rise, fall = h - back(h, 1), back(low, 1) - low
    our_rise, our_fall = P.high - lag(P.high, 1), lag(P.low, 1) - P.low
    for side, gain, loss, our_gain, our_loss in (
        ("_plus", rise, fall, our_rise, our_fall),
        ("_minus", fall, rise, our_fall, our_rise),
    ):
        moved = pl.when((gain > loss) & (gain > 0)).then(gain).when(gain.is_not_null()).then(0.0)
        out[side] = Column(where(greater(our_gain, larger(our_loss, 0.0)), our_gain, 0.0), moved)
    reach = pl.max_horizontal(h - low, (h - c1).abs(), (low - c1).abs())
    out["_tr"] = Column(true_range(P.high, P.low, P.close), pl.when(c1.is_not_null() & h.is_not_null()).then(reach))
    out["macd"] = Column(ema(P.close, 12) - ema(P.close, 26), smooth(c, 12) - smooth(c, 26))
    bottom, top = roll(low, "min", 14), roll(h, "max", 14)
    out["stoch_k"] = Column(
        (P.close - lowest(P.low, 14)) / (highest(P.high, 14) - lowest(P.low, 14)), (c - bottom) / (top - bottom)
    )
    up, down = mean(P.close, 20) + 2 * deviation(P.close, 20), mean(P.close, 20) - 2 * deviation(P.close, 20)
    peer_up, peer_down = (roll(c, "mean", 20) + sign * 2 * roll(c, "std", 20) for sign in (1, -1))
    out["band_up"], out["band_down"] = Column(up, peer_up), Column(down, peer_down)
    out["band_place"] = Column((P.close - down) / (up - down), (c - peer_down) / (peer_up - peer_down))
    out["band_width"] = Column((up - down) / mean(P.close, 20), (peer_up - peer_down) / roll(c, "mean", 20))
    sign = dc.sign()
    out["obv"] = Column(
        recursion("balance", balance_kernel, _sign(step) * P.volume, size=1), (sign * v).cum_sum().over("code")
    )
    out["_flow"] = Column(
        (2 * P.close - P.high - P.low) / (P.high - P.low) * P.volume, (2 * c - h - low) / (h - low) * v
    )
    width, day = (h / low).log(), (h / c).log() * (h / o).log() + (low / c).log() * (low / o).log()
    out["_width"], out["_inside"] = Column(log(P.high / P.low), width), Column(log(P.close / P.open), day)
    out["_gap"], out["_day"] = (
        Column(log(P.open / lag(P.close, 1)), (o / c1).log()),
        Column(log(P.close / P.open), (c / o).log()),
    )
    for n in (20, 60):
        out[f"dist_high_{n}"] = Column(P.close / highest(P.high, n) - 1, c / roll(h, "max", n) - 1)
        out[f"dist_low_{n}"] = Column(P.close / lowest(P.low, n) - 1, c / roll(low, "min", n) - 1)
    for n in (5, 20, 60):
        out[f"volume_ratio_{n}"] = Column(P.volume / mean(P.volume, n), v / roll(v, "mean", n))
    turnover = pl.col("turnover_jpy")
    out["adv_20"] = Column(mean(P.turnover, 20), roll(turnover, "mean", 20))
    for name, ours, theirs in (("close", P.close, c), ("volume", P.volume, v), ("turnover", P.turnover, turnover)):
        for n in (20, 60):
            score = (theirs - roll(theirs, "mean", n)) / roll(theirs, "std", n)
            out[f"z_{name}_{n}"] = Column((ours - mean(ours, n)) / deviation(ours, n), score)
    return out


def _sign(x: Expr) -> Expr:
    return Expr("direction", "pointwise", (x,), (), np.sign)


def second_step() -> dict[str, Column]:
    """Columns of columns."""
    o, h, low, c = P.open, P.high, P.low, P.close
    out = {}
    for kind in ("sma", "ema"):
        for n in (5, 10, 20, 40, 60):
            out[f"{kind}_gap_{n}"] = Column(c / F(f"{kind}_{n}") - 1, pl.col("close") / pl.col(f"{kind}_{n}") - 1)
    out["macd_signal"] = Column(ema(F("macd"), 9), smooth(pl.col("macd"), 9))
    for n in (2, 14):
        up, down = (smooth(pl.col(name), 2 * n - 1) for name in ("_up", "_down"))
        ours_up, ours_down = (ema(F(name), 2 * n - 1) for name in ("_up", "_down"))
        out[f"rsi_{n}"] = Column(100 * ours_up / (ours_up + ours_down), 100 * up / (up + down))
    for side in ("plus", "minus"):
        out[f"di_{side}"] = Column(
            100 * ema(F(f"_{side}"), 27) / ema(F("_tr"), 27),
            100 * smooth(pl.col(f"_{side}"), 27) / smooth(pl.col("_tr"), 27),
        )
    out["stoch_d"] = Column(mean(F("stoch_k"), 3), roll(pl.col("stoch_k"), "mean", 3))
    out["atr"] = Column(ema(F("_tr"), 27), smooth(pl.col("_tr"), 27))
    volume = pl.col("volume")
    out["cmf"] = Column(
        total(F("_flow"), 20) / total(P.volume, 20), roll(pl.col("_flow"), "sum", 20) / roll(volume, "sum", 20)
    )
    r, ours = pl.col("log_ret"), F("log_ret")
    for n in (5, 10, 20, 60):
        out[f"vol_{n}"] = Column(deviation(ours, n) * YEAR, roll(r, "std", n) * YEAR)
    illiq = pl.col("ret_1").abs() / pl.col("turnover_jpy") * 1e9
    gap, day = pl.col("_gap"), pl.col("_day")
    for n in (20, 60):
        k = 0.34 / (1.34 + (n + 1) / (n - 1))
        inside = roll(pl.col("_inside"), "mean", n)
        out[f"parkinson_{n}"] = Column(
            sqrt(245 * parkinson(h, low, n)), (245 * roll(pl.col("_width") ** 2, "mean", n) / (4 * math.log(2))).sqrt()
        )
        out[f"rogers_{n}"] = Column(sqrt(245 * rogers_satchell(o, h, low, c, n)), (245 * inside).sqrt())
        yz = deviation(F("_gap"), n) * deviation(F("_gap"), n) + k * (deviation(F("_day"), n) * deviation(F("_day"), n))
        out[f"yang_{n}"] = Column(
            sqrt(245 * (yz + (1 - k) * rogers_satchell(o, h, low, c, n))),
            (245 * (roll(gap, "var", n) + k * roll(day, "var", n) + (1 - k) * inside)).sqrt(),
        )
        out[f"amihud_{n}"] = Column(mean(magnitude(F("ret_1")) / P.turnover * 1e9, n), roll(illiq, "mean", n))
        out[f"z_ret_{n}"] = Column(
            (F("ret_1") - mean(F("ret_1"), n)) / deviation(F("ret_1"), n),
            (pl.col("ret_1") - roll(pl.col("ret_1"), "mean", n)) / roll(pl.col("ret_1"), "std", n),
        )
    out["_market"] = Column(members_mean(F("ret_1")), pl.col("ret_1").mean().over("session"))
    return out


def third_step() -> dict[str, Column]:
    """Columns of those: the signal's distance, ADX, the range over the close, and the market model."""
    close, own, market = pl.col("close"), pl.col("ret_1"), pl.col("_market")
    plus, minus = pl.col("di_plus"), pl.col("di_minus")
    out = {"macd_hist": Column(F("macd") - F("macd_signal"), pl.col("macd") - pl.col("macd_signal"))}
    apart = magnitude(F("di_plus") - F("di_minus")) / (F("di_plus") + F("di_minus"))
    peer_apart = ((plus - minus).abs() / (plus + minus)).fill_nan(None)
    out["adx"] = Column(ema(100 * apart, 27), smooth(100 * peer_apart, 27))
    out["atr_share"] = Column(F("atr") / P.close, pl.col("atr") / close)
    pairs = pair_regression(F("ret_1"), F("_market"), 60)
    x, y = only_where_present(F("_market"), F("ret_1")), F("ret_1")
    held = pl.when(own.is_not_null()).then(market)
    cov = roll(own * held, "mean", 60) - roll(own, "mean", 60) * roll(held, "mean", 60)
    vx, vy = roll(held, "var", 60, ddof=0), roll(own, "var", 60, ddof=0)
    out["beta"] = Column(pairs.slope, cov / vx)
    out["alpha"] = Column(
        mean(y, 60) - pairs.slope * mean(x, 60), roll(own, "mean", 60) - cov / vx * roll(held, "mean", 60)
    )
    out["r2"] = Column(pairs.r2, cov**2 / (vx * vy))
    return out


STEPS = (first_step(), second_step(), third_step())
PER_STOCK = tuple(name for step in STEPS for name in step if not name.startswith("_"))
LEVELS = ("sma_", "ema_", "band_up", "band_down", "obv", "adv", "macd")
ALIKE = ("z_close", "z_volume", "z_turnover", "rsi", "band_place")
"""Columns in which many stocks hold one value but for its rounding (two observations are 0.7 deviations apart)."""
COMPARED = tuple(name for name in PER_STOCK if not name.startswith((*LEVELS, *ALIKE)))[:30]
AGAINST_SECTOR = COMPARED[:10]
ACROSS = (
    *(f"cs_z_{n}" for n in COMPARED),
    *(f"cs_rank_{n}" for n in COMPARED),
    *(f"cs_sec_{n}" for n in AGAINST_SECTOR),
)


def feature(name: str, expr: Expr, axis: Any = "stock") -> Feature:
    """A column as the engine takes it: no observations asked for, so that both sides use what is there."""
    return Feature(
        name=name, group="returns", family="feat__prices", axis=axis, role="stock", unit="ratio", plan="Free",
        window=Window.parse("X1"), min_obs=1, sources=(), summary=name, formula=expr.key, expr=expr,
    )  # fmt: skip


def declared() -> Registry:
    """A registry of its own with the 148 columns."""
    registry = Registry("panel")
    for step in STEPS:
        for name, column in step.items():
            registry.add(feature(name, column.house, "market" if name == "_market" else "stock"))
    for name in COMPARED:
        registry.add(feature(f"cs_z_{name}", Expr("score", "cross", (F(name),), ("session",), score_kernel), "day"))
        registry.add(feature(f"cs_rank_{name}", rank_0_1(F(name)), "day"))
    for name in AGAINST_SECTOR:
        registry.add(feature(f"cs_sec_{name}", Expr("apart", "cross", (F(name),), ("sector33",), apart_kernel), "day"))
    return registry
