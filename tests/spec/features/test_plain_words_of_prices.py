"""Returns, means and amounts of one stock against the catalogue's formula written once more with numpy."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.features.engine import compute
from tests.spec.features.test_formulas_in_plain_words import (
    BARS,
    BEFORE,
    CALENDAR,
    NIGHT,
    RANGE,
    RET,
    ROWS,
    SOME,
    R,
    rolled,
    sd,
    staged,
)

MARK, VOLUME, MONEY = BARS["mark"], BARS["volume"], BARS["turnover_jpy"]


def ago(values: np.ndarray, n: int) -> np.ndarray:
    """The values n sessions earlier."""
    return np.append(np.full(n, np.nan), values[:-n])


def average(values: np.ndarray, n: int, least: int) -> np.ndarray:
    return rolled(lambda w: float(np.nanmean(w)), values, n, least)


def every_session(values: np.ndarray, n: int, least: int) -> np.ndarray:
    """Sum over n sessions by the number of them, those without a value included."""
    out = np.full(ROWS, np.nan)
    for t in range(least - 1, ROWS):
        window = values[max(0, t - n + 1) : t + 1]
        out[t] = np.nansum(window) / window.size
    return out


EXPECTED = {
    "ret_1d": RET,
    **{f"ret_{n}d": MARK / ago(MARK, n) - 1 for n in (5, 10, 20, 60, 120, 250)},
    "ret_250d_skip20": ago(MARK, 20) / ago(MARK, 250) - 1,
    "ret_season_20d": ago(MARK, 230) / ago(MARK, 250) - 1,
    "ret_overnight": NIGHT,
    "ret_intraday": BARS["close"] / BARS["open"] - 1,
    "range_1d": RANGE,
    "close_location": (BARS["close"] - BARS["low"]) / np.where(RANGE * BEFORE == 0, np.nan, RANGE * BEFORE),
    "sma_gap_20d": MARK / average(BARS["close"], 20, 15) - 1,
    "sma_gap_60d": MARK / average(BARS["close"], 60, 45) - 1,
    "vol_20d": sd(R, 20, 15),
    "vol_60d": sd(R, 60, 45),
    "log10_adv_20d_jpy": np.log10(every_session(MONEY, 20, 15)),
    "volume_ratio_5_60": average(VOLUME, 5, 1) / average(VOLUME, 60, 45),
    "amihud_20d_per_bnjpy": average(np.abs(RET) / (MONEY / 1e9), 20, 15),
}

FROM_THE_CLOSE_BEFORE = ("close_location",)
"""Expected values that lack the sessions after one without a close, because the range is told against it here."""


@pytest.fixture(scope="module")
def found() -> pl.DataFrame:
    rows = [
        {"session": CALENDAR.sessions[t], **{name: None if np.isnan(x[t]) else x[t] for name, x in BARS.items()}}
        for t in range(ROWS)
    ]
    return compute(list(EXPECTED), staged(rows), **SOME)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_feature_of_prices_is_its_formula(found, name):
    values, expected = found[name].cast(pl.Float64).to_numpy(), EXPECTED[name]
    assert np.isfinite(expected).sum() >= 40
    if name in FROM_THE_CLOSE_BEFORE:
        values = np.where(np.isnan(BEFORE), np.nan, values)
    np.testing.assert_allclose(values, expected, rtol=2e-6, atol=1e-7)
