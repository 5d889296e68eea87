"""How often the gate errs: markets in which the challenger has no edge, and markets in which it has a large one."""

import polars as pl
import pytest

from gogoku_pipeline.evaluation.gate import GateConfig, GateContext, decide
from tests.unit.evaluation.panels import Panel

TERMS = GateConfig(resamples=300)


def _verdict(trial: int, challenger_ic: float, baseline_ic: float, days: int = 80) -> str:
    panel = Panel(days=days, names=40, seed=10_000 + trial)
    challenger = panel.scores("challenger", challenger_ic)
    baseline = panel.scores("lightgbm", baseline_ic)
    ladder = panel.scores("random", 0.0, seeds=1)
    context = GateContext(audit_passed=True)
    verdict = decide(challenger, baseline, ladder, None, panel.labels(), panel.exposures(), TERMS, context)
    return verdict.decision


def _share(decision: str, trials: int, challenger_ic: float, baseline_ic: float) -> float:
    found = [_verdict(trial, challenger_ic, baseline_ic) for trial in range(trials)]
    return pl.Series(found).eq(decision).mean()


@pytest.mark.slow
def test_an_equal_challenger_is_promoted_at_most_once_in_twenty():
    """One in forty is what the interval promises; 80 days and 200 markets allow no sharper question."""
    assert _share("promote", 200, 0.05, 0.05) <= 0.05


def test_a_challenger_without_edge_is_rarely_promoted():
    assert _share("promote", 30, 0.0, 0.03) <= 1 / 30


def test_a_large_edge_is_found():
    assert _share("promote", 12, 0.095, 0.0) >= 0.5
