"""Market state, breadth and dispersion against plain recomputations on arrays [sessions, stocks]."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats

from gogoku_pipeline.features.states.nikkei_etf import CODE
from gogoku_pipeline.schema import indices
from tests.unit.features.given_features import SESSIONS, computed, house_given, inputs, panel

SIZE = 300
HALT = 280
NAN = math.nan


def drawn(stocks: int, seed: int = 5, silent: float = 0.05) -> np.ndarray:
    """Closes that share a factor, with sessions without a trade."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, 0.01, (SIZE, 1)) + rng.normal(0, 0.02, (SIZE, stocks))
    close = 1000 * np.exp(np.cumsum(moves, axis=0))
    close[rng.random(close.shape) < silent] = NAN
    return close


def index_made() -> np.ndarray:
    index = 1500 * np.exp(np.cumsum(np.random.default_rng(8).normal(0, 0.01, SIZE)))
    index[HALT] = NAN
    return index


INDEX = index_made()
ON_INDEX = inputs(panel({"close": drawn(1)}), index=INDEX)
M = pd.Series(INDEX)
CARRIED = M.ffill(limit=1)
LOG_MOVES = np.log(M / M.shift(1))
VOL = LOG_MOVES.rolling(20, min_periods=15).std() * math.sqrt(245)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mkt_ret_1d", M / M.shift(1) - 1),
        ("mkt_ret_5d", CARRIED / CARRIED.shift(5) - 1),
        ("mkt_ret_60d", CARRIED / CARRIED.shift(60) - 1),
        ("mkt_ret_250d", CARRIED / CARRIED.shift(250) - 1),
        ("mkt_sma_gap_200d", CARRIED / M.rolling(200, min_periods=150).mean() - 1),
        ("mkt_drawdown_250d", CARRIED / M.rolling(250, min_periods=180).max() - 1),
        ("mkt_vol_20d", VOL),
        ("mkt_vol_ratio_20_250", VOL / (LOG_MOVES.rolling(250, min_periods=180).std() * math.sqrt(245))),
        (
            "mkt_vol_z250",
            (VOL - VOL.rolling(250, min_periods=180).mean()) / VOL.rolling(250, min_periods=180).std(),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_state_of_the_index(name, expected):
    found = computed(name, ON_INDEX)[:, 0]
    np.testing.assert_allclose(found, expected, rtol=3e-5, atol=1e-6)
    assert (~np.isnan(found)).sum() > 40


def test_the_trend_of_the_index_is_the_t_statistic_of_a_line_without_the_halt():
    found = computed("mkt_trend_tstat_60d", ON_INDEX)[:, 0]
    for t in (60, HALT, 299):
        part = INDEX[t - 59 : t + 1]
        place = np.flatnonzero(~np.isnan(part))
        line = stats.linregress(place, np.log(part[place]))
        assert found[t] == pytest.approx(line.slope / line.stderr, rel=1e-5)


def test_the_nikkei_is_seen_through_its_fund_which_is_no_member():
    close = drawn(3)
    frame = panel({"close": close}, outside=(1,)).with_columns(
        pl.col("code").replace({"10010": CODE}), mark=pl.col("close").forward_fill().over("code")
    )
    made = inputs(frame.sort("session", "code"), index=INDEX)
    mark = pd.Series(close[:, 1]).ffill()
    expected = (mark / mark.shift(20) - 1).to_numpy()
    for stock in range(3):
        np.testing.assert_allclose(computed("nk_ret_20d", made)[:, stock], expected, rtol=1e-5, atol=1e-7)
    gap = expected - (CARRIED / CARRIED.shift(20) - 1)
    np.testing.assert_allclose(computed("nk_topix_gap_20d", made)[:, 0], gap, rtol=1e-4, atol=1e-6)
    without = inputs(panel({"close": close}), index=INDEX)
    assert np.isnan(computed("nk_ret_20d", without)).all()


def test_styles_are_held_against_their_base():
    rng = np.random.default_rng(3)
    codes = ("0070", "0000", "002D", "0028", "8100", "8200")
    close = {code: 100 * np.exp(np.cumsum(rng.normal(0, 0.01, 40))) for code in codes}
    rows = pl.DataFrame(
        {
            "session": [day for day in SESSIONS[:40] for _ in codes],
            "session_date": [day for day in SESSIONS[:40] for _ in codes],
            "index_code": list(codes) * 40,
            **dict.fromkeys(("open_points", "high_points", "low_points")),
            "close_points": np.array([close[code] for code in codes]).T.ravel(),
        }
    ).with_columns(available_at=indices.TABLE.rule.instant(pl.col("session")))
    table = rows.select(indices.TABLE.polars_schema.names()).cast(indices.TABLE.polars_schema)
    made = replace(inputs(panel({"close": drawn(2)[:40]})), tables={"indices": table})
    for style, own, base in (("growth", "0070", "0000"), ("small", "002D", "0028"), ("value", "8100", "8200")):
        found = computed(f"idx_{style}_rel_20d", made)[:, 1]
        expected = close[own][20:] / close[own][:-20] - close[base][20:] / close[base][:-20]
        assert np.isnan(found[:20]).all()
        np.testing.assert_allclose(found[20:], expected, rtol=1e-4, atol=1e-6)


def test_breadth_counts_members_that_have_the_input():
    close = drawn(12)
    turnover = np.where(np.isnan(close), NAN, np.random.default_rng(1).uniform(1e6, 1e9, close.shape))
    made = inputs(panel({"close": close, "turnover_jpy": turnover}, outside=(0, 1)))
    ret = (close[1:] / close[:-1] - 1)[:, 2:]
    there, rose = ~np.isnan(ret), ret > 0
    np.testing.assert_allclose(computed("brd_adv_share", made)[1:, 0], rose.sum(1) / there.sum(1), rtol=1e-6)
    money = turnover[1:, 2:]
    share = np.where(rose, money, 0).sum(1) / np.where(there & (ret != 0), money, 0).sum(1)
    np.testing.assert_allclose(computed("brd_up_value_share", made)[1:, 5], share, rtol=1e-6)
    total = pd.Series(np.nansum(turnover[:, 2:], axis=1))
    ratio = total / total.shift(1).rolling(20, min_periods=15).mean()
    np.testing.assert_allclose(computed("xs_value_ratio_20", made)[:, 3], ratio, rtol=1e-5)


def test_money_stands_still_on_a_halt_and_the_halt_is_no_observation():
    close, turnover = drawn(4, silent=0.0), np.full((SIZE, 4), 1e8)
    close[100], turnover[100] = NAN, NAN
    made = inputs(panel({"close": close, "turnover_jpy": turnover}))
    found = computed("xs_value_ratio_20", made)[:, 0]
    assert np.isnan(found[100])
    assert found[101] == found[99] == 1.0


def test_a_stock_at_its_high_counts_once_it_has_180_closes():
    rising, falling = np.linspace(100, 200, SIZE), np.linspace(200, 100, SIZE)
    middle = 150 + 10 * np.sin(np.arange(SIZE) * 0.7)
    close = np.column_stack([rising, rising * 3, falling, middle])
    found = computed("brd_high_low_250d", inputs(panel({"close": close})))[:, 0]
    assert np.isnan(found[:179]).all()
    assert found[185] == pytest.approx(0.25)
    tied = np.column_stack([np.full(SIZE, 100.0), rising])
    assert computed("brd_high_low_250d", inputs(panel({"close": tied})))[200, 0] == pytest.approx(0.5)


def test_the_share_above_the_mean_of_a_quarter():
    gap = np.array([[0.1, -0.2, NAN, 0.0, 0.3]])
    made = inputs(panel({"sma_gap_60d": gap}, outside=(4,)), ("sma_gap_60d",))
    registry = house_given(["brd_above_sma60_share"], ["sma_gap_60d"])
    assert computed("brd_above_sma60_share", made, registry)[0, 0] == pytest.approx(1 / 3)


def test_touched_limits_count_over_members_that_traded():
    close = np.array([[100.0, 100, 100, 100, NAN, 100]])
    up, down = np.array([[1, 1, 0, 0, 0, 1]]), np.array([[0, 1, 1, 1, 0, 0]])
    frame = panel({"close": close, "is_limit_up": up, "is_limit_down": down}, outside=(5,))
    assert computed("xs_limit_net_share", inputs(frame))[0, 0] == pytest.approx((1 - 2) / 4)


def test_the_average_correlation_is_the_weighted_mean_of_all_pairs():
    close = drawn(8, silent=0.0)
    found = computed("xs_avg_corr_60d", inputs(panel({"close": close})))[:, 0]
    ret = close[1:] / close[:-1] - 1
    for t in (60, 150, 299):
        part = ret[t - 60 : t]
        covariance, own = np.cov(part.T), part.std(axis=0, ddof=1)
        weights = np.outer(own, own) - np.diag(own * own)
        expected = (covariance - np.diag(np.diag(covariance))).sum() / weights.sum()
        assert found[t] == pytest.approx(expected, rel=1e-5)
    assert np.isnan(found[:45]).all()
    assert not np.isnan(found[45:]).any()
    assert np.isnan(computed("xs_avg_corr_60d", inputs(panel({"close": close[:, :1]})))).all()


def test_dispersion_and_the_gap_between_small_and_large():
    close = drawn(10)
    made = inputs(panel({"close": close}, outside=(9,)), index=INDEX)
    ret = pd.DataFrame(close[:, :9]).pct_change(fill_method=None)
    spread = ret.std(axis=1).rolling(20, min_periods=15).mean()
    np.testing.assert_allclose(computed("xs_disp_20d", made)[:, 0], spread, rtol=1e-5)
    average = ret.mean(axis=1)
    np.testing.assert_allclose(computed("xs_ret_1d", made)[:, 9], average, rtol=1e-4, atol=1e-8)
    grown = (1 + average).rolling(20, min_periods=15).apply(np.nanprod) - 1
    expected = grown - (CARRIED / CARRIED.shift(20) - 1)
    np.testing.assert_allclose(computed("xs_ew_cw_gap_20d", made)[:, 0], expected, rtol=1e-3, atol=1e-6)
