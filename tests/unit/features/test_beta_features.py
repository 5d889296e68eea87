"""Betas and what is left of a return without them, against statsmodels, pandas and scipy over complete pairs."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from tests.unit.features.given_features import computed, house_given, inputs, panel

SIZE, STOCKS = 420, 3
GIVEN = ("ret_1d",)


def market() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Index closes with a halt, its returns, and returns of stocks with nulls."""
    rng = np.random.default_rng(11)
    index = 1500 * np.exp(np.cumsum(rng.normal(0, 0.01, SIZE)))
    index[333] = math.nan
    moves = pd.Series(index).pct_change(fill_method=None).to_numpy()
    own = np.nan_to_num(moves)[:, None] * [0.4, 1.0, 1.6] + rng.normal(0, 0.02, (SIZE, STOCKS))
    own[rng.random(own.shape) < 0.08] = math.nan
    own[330:333, 1] = math.nan
    return index, moves, own


INDEX, MOVES, OWN = market()
MADE = inputs(panel({"ret_1d": OWN}), GIVEN, INDEX)


def found(name: str) -> np.ndarray:
    return computed(name, MADE, house_given([name], list(GIVEN)))


def pairs(t: int, stock: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = OWN[t - n + 1 : t + 1, stock], MOVES[t - n + 1 : t + 1]
    good = ~np.isnan(y) & ~np.isnan(x)
    return y[good], x[good]


CELLS = [(t, stock) for t in (250, 333, 334, 392, 419) for stock in range(STOCKS)]


@pytest.mark.parametrize("n", [60, 120, 250])
def test_one_regression_over_complete_pairs(n):
    beta, alpha, idio = found(f"beta_{n}d"), found(f"alpha_{n}d"), found(f"idio_vol_{n}d")
    for t, stock in CELLS:
        y, x = pairs(t, stock, n)
        fit = sm.OLS(y, sm.add_constant(x)).fit()
        assert beta[t, stock] == pytest.approx(fit.params[1], rel=1e-6)
        assert alpha[t, stock] == pytest.approx(245 * fit.params[0], rel=1e-5, abs=1e-7)
        assert idio[t, stock] == pytest.approx(math.sqrt(245 * fit.scale), rel=1e-6)
        if n != 120:
            assert found(f"r2_{n}d")[t, stock] == pytest.approx(fit.rsquared, rel=1e-5)


def test_the_beta_of_falling_markets_counts_those_pairs_only():
    down = found("beta_down_250d")
    for t, stock in CELLS:
        y, x = pairs(t, stock, 250)
        fit = sm.OLS(y[x < 0], sm.add_constant(x[x < 0])).fit()
        assert down[t, stock] == pytest.approx(fit.params[1], rel=1e-6)
    falls = np.array([(pairs(t, 0, min(t + 1, 250))[1] < 0).sum() for t in range(SIZE)])
    assert np.array_equal(np.isnan(down[:, 0]), falls < 60)
    assert (falls == 59).any()


def test_the_dimson_beta_adds_the_slope_on_the_market_of_the_day_before():
    dimson = found("beta_dimson_60d")
    before = np.append(math.nan, MOVES[:-1])
    for t, stock in CELLS:
        y, x, w = (series[t - 59 : t + 1] for series in (OWN[:, stock], MOVES, before))
        good = ~np.isnan(y) & ~np.isnan(x) & ~np.isnan(w)
        fit = sm.OLS(y[good], sm.add_constant(np.column_stack([x, w])[good])).fit()
        assert dimson[t, stock] == pytest.approx(fit.params[1] + fit.params[2], rel=1e-6)


def test_what_is_left_of_a_return_uses_the_beta_of_the_day_before():
    beta, rest = found("beta_60d"), found("resid_ret_1d")
    expected = OWN[1:] - beta[:-1] * MOVES[1:, None]
    np.testing.assert_allclose(rest[1:], expected, rtol=1e-5, atol=1e-8)
    assert np.isnan(rest[333]).all()
    assert np.isnan(rest[334]).all()


def test_statistics_of_what_is_left():
    rest = pd.DataFrame(found("resid_ret_1d"))
    beta = pd.DataFrame(found("beta_60d"))
    for name, expected in {
        "resid_ret_5d": rest.rolling(5, min_periods=4).sum(),
        "resid_ret_20d": rest.rolling(20, min_periods=15).sum(),
        "beta_stability_250d": beta.rolling(250, min_periods=120).std(),
    }.items():
        np.testing.assert_allclose(found(name), expected, rtol=2e-5, atol=1e-7, err_msg=name)


def test_residual_momentum_skips_a_month_and_counts_only_what_it_uses():
    rest = pd.DataFrame(found("resid_ret_1d"))
    window = rest.rolling(230, min_periods=170)
    expected = (window.sum() / (window.std() * np.sqrt(window.count()))).shift(20)
    np.testing.assert_allclose(found("resid_mom_250d"), expected, rtol=1e-4, atol=1e-5)


def test_the_skewness_of_what_is_left_is_a_population_moment():
    rest, skew = found("resid_ret_1d"), found("idio_skew_250d")
    for t, stock in CELLS[-3:]:
        part = rest[t - 249 : t + 1, stock]
        assert skew[t, stock] == pytest.approx(stats.skew(part[~np.isnan(part)]), rel=1e-4)


def test_a_market_that_stands_still_has_no_beta():
    made = inputs(panel({"ret_1d": OWN}), GIVEN, np.full(SIZE, 1500.0))
    for name in ("beta_60d", "alpha_60d", "r2_60d", "beta_dimson_60d"):
        assert np.isnan(computed(name, made, house_given([name], list(GIVEN)))).all(), name
