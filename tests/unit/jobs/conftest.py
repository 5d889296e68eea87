"""A small market, shared by the tests of jobs."""

import pytest

from gogoku_pipeline.simulator.config import MarketConfig
from gogoku_pipeline.simulator.market import generate_market


@pytest.fixture(scope="session")
def market():
    return generate_market(MarketConfig(n_issues=24, n_sessions=30))
