"""The compiled engine and a naive Polars plan, written apart, compute the same forty features."""

from __future__ import annotations

from datetime import date

from benchmarks.features import NAMES, differences, naive, synthetic_inputs
from gogoku_pipeline.features.engine import compute


def test_the_engine_equals_a_naive_polars_plan():
    inputs = synthetic_inputs(codes=45, sessions=330, seed=5)
    ours = compute(NAMES, inputs, start=date(2000, 1, 1), end=date(2100, 1, 1))
    apart = differences(ours, naive(inputs))
    assert {name: gap for name, gap in apart.items() if gap[0] or gap[1] > 1e-4} == {}
