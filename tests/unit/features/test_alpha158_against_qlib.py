"""The 158 columns against qlib's own, where the extra `[bench]` is installed."""

from __future__ import annotations

import importlib.util

import pytest

from benchmarks.alpha158 import market, peer, prove, provider
from gogoku_pipeline.features.alpha158.frame import alpha158

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("qlib") is None, reason="qlib is not installed (extra [bench])"),
    pytest.mark.filterwarnings("ignore"),
]


@pytest.mark.parametrize("gaps", [True, False], ids=["suspended days", "gaps filled forward"])
def test_every_column_is_qlibs_own_within_a_thousandth_of_a_deviation(gaps: bool) -> None:
    prices = market(24, 200, gaps=gaps)
    with provider(prices) as root:
        theirs = peer(root, prices["code"].unique().to_list())()
    prove(alpha158(prices), theirs, "alpha158 = qlib")
