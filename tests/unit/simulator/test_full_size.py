"""The full market fits into memory and is served as small ones are."""

from __future__ import annotations

import resource

import numpy as np
import pytest

from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market


@pytest.mark.slow
def test_a_full_market_needs_less_than_three_gibibytes_and_serves_a_day_in_one_page(serve, ask, clock_at):
    market = generate_market(MarketConfig.preset("full"))
    server = serve(clock_at(market.sessions[-1]), of=market)
    listed = int(market.listings.listed(len(market.sessions) - 1).sum())
    page = ask(server, "/equities/bars/daily", date=market.sessions[-1].isoformat())
    assert len(page.rows) == listed > 3_000 and "pagination_key" not in page.body
    assert 1_000_000 < len(page.raw) < 3_200_000
    traded = market.traded()
    prices = np.concatenate([market.history.low[traded], market.history.high[traded]]) / 10.0
    assert prices.min() >= 1.0 and prices.max() < 500_000.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 3 * 1024**2
