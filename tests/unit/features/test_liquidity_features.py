"""Liquidity: turnover, spreads, ages and attention against plain recomputations."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from tests.unit.features.given_features import computed, house_given, inputs, panel

NAN = math.nan
SIZE = 150


def bars(stocks: int = 4, silent: float = 0.1) -> dict[str, np.ndarray]:
    """Highs, lows, closes, volumes and yen with sessions without a trade, the first and the last stock silent today."""
    rng = np.random.default_rng(21)
    close = 800 * np.exp(np.cumsum(rng.normal(0, 0.02, (SIZE, stocks)), axis=0))
    high, low = close * np.exp(rng.exponential(0.01, close.shape)), close * np.exp(-rng.exponential(0.01, close.shape))
    volume = np.round(rng.uniform(1e3, 1e5, close.shape))
    made = {"high": high, "low": low, "close": close, "volume": volume, "turnover_jpy": volume * close}
    hidden = rng.random(close.shape) < silent
    hidden[-1, [0, -1]] = True
    return {name: np.where(hidden, NAN, values) for name, values in made.items()}


BARS = bars()
MADE = inputs(panel(BARS, outside=(3,)))


def frame(name: str) -> pd.DataFrame:
    return pd.DataFrame(BARS[name])


def close_to(found: np.ndarray, expected: pd.DataFrame | np.ndarray, rtol: float = 1e-5) -> None:
    assert (~np.isnan(found)).sum() > SIZE
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-7)


def test_volume_of_a_day_against_the_month_before_it():
    volume = frame("volume")
    enough = volume.rolling(21, min_periods=16).count() >= 16
    expected = (volume / volume.shift(1).rolling(20, min_periods=1).mean()).where(enough)
    close_to(computed("volume_ratio_1_20", MADE), expected)


def test_the_share_of_the_company_that_changes_hands():
    rng = np.random.default_rng(2)
    mcap = rng.uniform(1e9, 1e13, BARS["close"].shape)
    mcap[rng.random(mcap.shape) < 0.05] = NAN
    made = inputs(panel({**BARS, "log10_mcap_jpy": np.log10(mcap)}), ("log10_mcap_jpy",))
    money = frame("turnover_jpy")
    day = computed("turnover_rate_1d", made, house_given(["turnover_rate_1d"], ["log10_mcap_jpy"]))
    close_to(day, money / mcap)
    month = computed("turnover_rate_20d", made, house_given(["turnover_rate_20d"], ["log10_mcap_jpy"]))
    listed = np.minimum(np.arange(SIZE) + 1, 20)[:, None]
    average = money.rolling(20, min_periods=1).sum() / listed
    close_to(month, np.where(listed >= 15, average / mcap, NAN))


def test_the_age_of_the_last_trade_is_capped_and_null_before_the_first():
    volume = np.full((100, 3), NAN)
    volume[10, 0], volume[12, 0], volume[12, 1], volume[:, 2] = 5.0, 0.0, 7.0, 1.0
    found = computed("trade_age_sessions", inputs(panel({"volume": volume})))
    assert np.isnan(found[:10, 0]).all()
    assert found[[10, 11, 12, 13], 0].tolist() == [0, 1, 2, 3]
    assert found[[11, 12], 1].tolist()[1] == 0
    assert math.isnan(found[11, 1])
    assert found[[70, 71, 99], 0].tolist() == [60, 60, 60]
    assert (found[:, 2] == 0).all()


def test_roll_keeps_the_sign_of_the_covariance():
    ret = frame("close").pct_change(fill_method=None)
    found = computed("roll_spread_60d", MADE)
    for t in (70, 120, 149):
        for stock in range(4):
            part = ret[stock].iloc[t - 59 : t + 1].to_numpy()
            pairs = np.column_stack([part[1:], part[:-1]])
            pairs = pairs[~np.isnan(pairs).any(axis=1)]
            g = np.cov(pairs.T)[0, 1]
            enough = (~np.isnan(part)).sum() >= 45
            expected = -math.copysign(2 * math.sqrt(abs(g)), g) if enough else NAN
            assert found[t, stock] == pytest.approx(expected, rel=1e-5, nan_ok=True)
    assert np.nanmin(found) < 0 < np.nanmax(found)


def corwin_schultz(h: float, low: float, h1: float, low1: float, c1: float) -> float:
    """One pair of sessions as the paper has it."""
    gap = low - c1 if c1 < low else h - c1 if c1 > h else 0.0
    h, low = h - gap, low - gap
    b = math.log(h / low) ** 2 + math.log(h1 / low1) ** 2
    g = math.log(max(h, h1) / min(low, low1)) ** 2
    root = 3 - 2 * math.sqrt(2)
    a = (math.sqrt(2 * b) - math.sqrt(b)) / root - math.sqrt(g / root)
    return max(0.0, 2 * (math.exp(a) - 1) / (1 + math.exp(a)))


def test_corwin_schultz_moves_a_range_that_left_the_previous_close():
    high, low, close = BARS["high"], BARS["low"], BARS["close"]
    pairs = np.full(close.shape, NAN)
    moved = 0
    for t in range(1, SIZE):
        for i in range(close.shape[1]):
            if not np.isnan([close[t, i], close[t - 1, i]]).any():
                pairs[t, i] = corwin_schultz(high[t, i], low[t, i], high[t - 1, i], low[t - 1, i], close[t - 1, i])
                moved += not low[t, i] <= close[t - 1, i] <= high[t, i]
    enough = frame("close").rolling(21, min_periods=1).count() >= 15
    expected = pd.DataFrame(pairs).rolling(20, min_periods=1).mean().where(enough)
    close_to(computed("cs_spread_20d", MADE), expected, rtol=1e-4)
    assert moved > 50
    assert (np.nan_to_num(pairs) > 0).any()


def test_corwin_schultz_gives_back_the_spread_of_a_quoted_price():
    rng = np.random.default_rng(4)
    ticks = np.cumsum(rng.normal(0, 0.02 / 20, (120, 400)).ravel()).reshape(120, 400)
    traded = ticks + 0.01 * rng.choice([-1.0, 1.0], ticks.shape)
    price = 1000 * np.exp(traded)
    made = {"high": price.max(axis=1), "low": price.min(axis=1), "close": price[:, -1]}
    found = computed("cs_spread_20d", inputs(panel({name: values[:, None] for name, values in made.items()})))[:, 0]
    assert np.nanmean(found) == pytest.approx(0.02, rel=0.25)


def test_a_lot_costs_a_hundred_times_the_raw_price():
    close = np.array([[500.0, NAN]])
    found = computed("log10_lot_jpy", inputs(panel({"close": close * 7, "close_raw_jpy": close})))
    assert found[0, 0] == pytest.approx(math.log10(50_000))
    assert math.isnan(found[0, 1])


def test_attention_is_the_share_of_the_universe_against_its_own_quarter():
    money = frame("turnover_jpy")
    share = money.div(money[[0, 1, 2]].sum(axis=1), axis=0)
    expected = share.rolling(5, min_periods=1).mean() / share.rolling(60, min_periods=45).mean() - 1
    close_to(computed("attention_5_60", MADE), expected)
    again = computed("attention_5_60", inputs(panel({**BARS, "turnover_jpy": BARS["turnover_jpy"] * 2}, outside=(3,))))
    np.testing.assert_array_equal(again, computed("attention_5_60", MADE))


def test_price_impact_leaves_out_sessions_without_money():
    ret = frame("close").pct_change(fill_method=None).abs()
    made = BARS["turnover_jpy"].copy()
    made[60, 1] = 0.0
    impact = ret / (pd.DataFrame(made).where(made > 0) / 1e9)
    expected = impact.rolling(20, min_periods=15).mean()
    close_to(computed("amihud_20d_per_bnjpy", inputs(panel({**BARS, "turnover_jpy": made}))), expected)
