"""Windowed features of one stock against the catalogue's formula written once more with numpy, gaps included."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.seeds import stream
from gogoku_pipeline.features.engine import compute
from tests.spec.features.test_golden import CALENDAR, SOME, staged

ROWS = 300
YEAR = math.sqrt(245)
Bars = dict[str, np.ndarray]


def stock() -> Bars:
    """A walk with sessions without a trade, single-price sessions and repeated closes."""
    rng = stream(3, "plain words")
    close = 800 * np.exp(np.cumsum(rng.normal(0, 0.02, ROWS)))
    close[50] = close[49]
    opening = close * np.exp(rng.normal(0, 0.01, ROWS))
    opening[70] = close[70]
    high = np.maximum(close, opening) * np.exp(np.abs(rng.normal(0, 0.006, ROWS)))
    low = np.minimum(close, opening) * np.exp(-np.abs(rng.normal(0, 0.006, ROWS)))
    high[70] = low[70] = close[70]
    bars = {"open": opening, "high": high, "low": low, "close": close, "volume": rng.uniform(1e3, 1e5, ROWS)}
    silent = rng.random(ROWS) < 0.06
    for values in bars.values():
        values[silent] = np.nan
    mark = close.copy()
    for t in range(1, ROWS):
        mark[t] = mark[t - 1] if math.isnan(mark[t]) else mark[t]
    return {**bars, "mark": mark, "turnover_jpy": bars["volume"] * (high + low) / 2}


BARS = stock()
BEFORE = np.append(np.nan, BARS["close"][:-1])
RET = BARS["close"] / BEFORE - 1
R = np.log1p(RET)
NIGHT = BARS["open"] / BEFORE - 1
RANGE = (BARS["high"] - BARS["low"]) / BEFORE


def present(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)]


def rolled(what: Callable[[np.ndarray], float], values: np.ndarray, n: int, least: int) -> np.ndarray:
    """`what` of the values present in each window that has enough of them."""
    out = np.full(ROWS, np.nan)
    for t in range(ROWS):
        window = values[max(0, t - n + 1) : t + 1]
        if present(window).size >= least:
            out[t] = what(window)
    return out


def sd(values: np.ndarray, n: int, least: int) -> np.ndarray:
    return rolled(lambda w: float(np.nanstd(w, ddof=1)), values, n, least) * YEAR


def moment(w: np.ndarray, power: int) -> float:
    d = present(w) - np.nanmean(w)
    return float((d**power).mean() / (d**2).mean() ** (power / 2))


def jumps(w: np.ndarray) -> float:
    j = present(w).size
    bipower = math.pi / 2 * j / (j - 1) * np.nansum(np.abs(w[1:]) * np.abs(w[:-1]))
    return float(1 - min(1.0, bipower / np.nansum(w * w)))


def yang_zhang(n: int, least: int) -> np.ndarray:
    o, h, low, c = (BARS[name] for name in ("open", "high", "low", "close"))
    valid = ~np.isnan(o * h * low * c * BEFORE)
    gap, day = np.log(o / BEFORE), np.log(c / o)
    inside = np.log(h / c) * np.log(h / o) + np.log(low / c) * np.log(low / o)
    out = np.full(ROWS, np.nan)
    for t in range(ROWS):
        rows = np.flatnonzero(valid[max(0, t - n + 1) : t + 1]) + max(0, t - n + 1)
        j = rows.size
        if j >= least:
            k = 0.34 / (1.34 + (j + 1) / (j - 1))
            daily = np.var(gap[rows], ddof=1) + k * np.var(day[rows], ddof=1) + (1 - k) * inside[rows].mean()
            out[t] = math.sqrt(245 * daily)
    return out


def extreme(values: np.ndarray, n: int, least: int, best: Callable[[np.ndarray], float]) -> np.ndarray:
    return rolled(best, values, n, least)


VOL_20, VOL_60 = sd(R, 20, 15), sd(R, 60, 45)
FALLS = np.where(np.isnan(R), np.nan, np.minimum(R, 0) ** 2)
EXPECTED = {
    "ret_overnight_sum_20d": rolled(lambda w: float(np.nansum(w)), np.log1p(NIGHT), 20, 15),
    "range_ratio_20d": rolled(lambda w: w[-1] / float(np.nanmean(w[:-1])), RANGE, 21, 16),
    "dist_high_250d": BARS["mark"] / extreme(BARS["high"], 250, 120, lambda w: float(np.nanmax(w))) - 1,
    "dist_low_250d": BARS["mark"] / extreme(BARS["low"], 250, 120, lambda w: float(np.nanmin(w))) - 1,
    "ret_discreteness_250d": np.where(np.arange(ROWS) < 250, np.nan, 1.0)
    * np.sign(BARS["mark"] / np.append(np.full(250, np.nan), BARS["mark"][:-250]) - 1)
    * rolled(lambda w: float((present(w) < 0).mean() - (present(w) > 0).mean()), RET, 250, 180),
    "sma_gap_5d": BARS["mark"] / rolled(lambda w: float(np.nanmean(w)), BARS["close"], 5, 4) - 1,
    "sma_gap_250d": BARS["mark"] / rolled(lambda w: float(np.nanmean(w)), BARS["close"], 250, 188) - 1,
    "vol_250d": sd(R, 250, 187),
    "vol_yz_20d": yang_zhang(20, 15),
    "vol_yz_60d": yang_zhang(60, 45),
    "vol_ratio_5_60": sd(R, 5, 4) / VOL_60,
    "vov_60d": rolled(lambda w: float(np.nanstd(w, ddof=1) / np.nanmean(w)), VOL_20, 60, 45),
    "semivol_down_60d": rolled(lambda w: math.sqrt(245 * float(np.nanmean(w))), FALLS, 60, 45),
    "down_var_share_60d": rolled(lambda w: float(np.nansum(np.minimum(w, 0) ** 2) / np.nansum(w**2)), R, 60, 45),
    "skew_60d": rolled(lambda w: moment(w, 3), R, 60, 45),
    "kurt_60d": rolled(lambda w: moment(w, 4) - 3, R, 60, 45),
    "max_ret_20d": rolled(lambda w: float(np.sort(present(w))[-3:].mean()), RET, 20, 15),
    "jump_share_60d": rolled(jumps, R, 60, 45),
    "ret_shock_1d": R * YEAR / np.append(np.nan, VOL_20[:-1]),
}


@pytest.fixture(scope="module")
def found() -> pl.DataFrame:
    rows = [
        {"session": CALENDAR.sessions[t], **{name: None if math.isnan(x[t]) else x[t] for name, x in BARS.items()}}
        for t in range(ROWS)
    ]
    return compute(list(EXPECTED), staged(rows), **SOME)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_feature_is_its_formula(found, name):
    values = found[name].cast(pl.Float64).to_numpy()
    expected = EXPECTED[name]
    assert np.isfinite(expected).sum() >= 40
    np.testing.assert_allclose(values, expected, rtol=2e-6, atol=1e-7)
