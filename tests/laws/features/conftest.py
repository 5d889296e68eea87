"""The small market, raw and staged, built once."""

from __future__ import annotations

import polars as pl
import pytest

from gogoku_pipeline.features.inputs import FeatureInputs
from tests.laws.features.small_market import inputs_of, market_bars, small_tables


@pytest.fixture(scope="session")
def bars() -> pl.DataFrame:
    return market_bars()


@pytest.fixture(scope="session")
def tables(bars: pl.DataFrame, pytestconfig: pytest.Config) -> dict[str, pl.DataFrame]:
    return small_tables(bars, pytestconfig.cache.mkdir("small_market"))


@pytest.fixture(scope="session")
def inputs(bars: pl.DataFrame, tables: dict[str, pl.DataFrame]) -> FeatureInputs:
    return inputs_of(bars, tables)
