"""The tide: the index grows as an index does, whatever is planted, and nothing relative knows of it."""

from __future__ import annotations

import numpy as np
import pytest

from gogoku_pipeline.core.sessions import SESSIONS_PER_YEAR
from gogoku_pipeline.simulator.config import Dials, MarketConfig
from gogoku_pipeline.simulator.exposures import make_exposures
from gogoku_pipeline.simulator.factors import NoiseSource, expected_variance
from gogoku_pipeline.simulator.listings import make_listings
from gogoku_pipeline.simulator.market import generate_market
from gogoku_pipeline.simulator.tide import HEAVIEST, YEARLY_GROWTH, Tide, index_weights


def test_index_weights_are_market_values_with_a_cap():
    value = np.array([700.0, 100.0, 0.0, *[10.0] * 40])
    weight = index_weights(value)
    assert weight.sum() == pytest.approx(1.0) and weight.max() == pytest.approx(HEAVIEST)
    assert weight[2] == 0.0 and weight[3:] == pytest.approx((1 - 2 * HEAVIEST) / 40)
    even = index_weights(np.full(100, 3.0))
    assert even == pytest.approx(0.01)
    assert index_weights(np.zeros(4)).sum() == 0.0


def test_where_the_cap_cannot_hold_the_weights_still_sum_to_one():
    assert index_weights(np.array([8.0, 1.0, 1.0])).sum() == pytest.approx(1.0)


def test_an_issue_that_idles_gains_as_much_by_the_tide_as_any_other():
    listings = make_listings(config := MarketConfig.preset("tiny"))
    exposures = make_exposures(config.seed, listings)
    planted = np.random.default_rng(0).normal(0, 1e-3, len(listings.codes))
    night, day = Tide(listings, exposures).moves(0, listings.shares * exposures.start_price, planted)
    gained = ((night + day) * (1 - exposures.idle))[listings.is_stock]
    assert exposures.idle.max() > 0.05
    assert gained == pytest.approx(gained[0])


def test_expected_variance_is_the_noise_long_run():
    """The market's volatility remembers for weeks: of 6,000 sessions about 100 count, hence the tolerance."""
    listings = make_listings(config := MarketConfig.preset("tiny"))
    exposures = make_exposures(config.seed, listings)
    noise = NoiseSource(config.seed, listings, exposures)
    total = np.zeros(len(listings.codes))
    for _ in range(6000):
        night, day = noise.step()
        total += night**2 + day**2
    ratio = total / 6000 / expected_variance(listings, exposures)
    assert np.mean(ratio) == pytest.approx(1.0, abs=0.10)
    assert (np.abs(ratio - 1.0) < 0.4).all()


@pytest.mark.parametrize("dials", [Dials(), Dials.zero()], ids=["planted", "silent"])
def test_the_index_grows_by_a_plausible_amount_a_year(dials):
    """Mean of 16 markets of a year, whose logarithm has a standard deviation of about 0.2; 0.02 are half its square."""
    growth = []
    for seed in range(1, 17):
        close = generate_market(MarketConfig(60, 245, seed=seed, dials=dials)).history.topix[:, 3]
        growth.append(np.log(close[-1] / close[0]) * SESSIONS_PER_YEAR / len(close))
    error = np.std(growth, ddof=1) / np.sqrt(len(growth))
    assert abs(np.mean(growth) - np.log1p(YEARLY_GROWTH) + 0.02) < 3.0 * error < 0.2


@pytest.mark.parametrize("size", ["tiny", "small"])
def test_a_year_of_a_house_market_lies_where_years_lie(size):
    close = generate_market(MarketConfig.preset(size)).history.topix[:, 3]
    year = min(SESSIONS_PER_YEAR, len(close) - 1)
    yearly = (close[year:] / close[:-year]) ** (SESSIONS_PER_YEAR / year) - 1
    assert -0.15 < np.median(yearly) < 0.26
