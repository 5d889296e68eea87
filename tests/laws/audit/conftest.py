"""The market under audit, kept between runs, and a case over it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gogoku_pipeline.audit.case import Case
from tests.unit.audit.audited import SHORT_ROAD, audited_market


@pytest.fixture(scope="session")
def market(pytestconfig):
    return audited_market(pytestconfig.cache.mkdir("audited_market"))


@pytest.fixture
def case(market, tmp_path):
    return Case(market, SHORT_ROAD, tmp_path, sample=1)


@pytest.fixture
def spoilt(case):
    """The case with some frames of its market replaced."""
    return lambda **frames: replace(case, market=replace(case.market, **frames))
