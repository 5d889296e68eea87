"""How often the gate errs: markets in which no challenger has an edge, and markets in which one has a large one."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.evaluation.choice import one_promotion
from gogoku_pipeline.evaluation.gate import GateConfig, GateContext, decide
from gogoku_pipeline.evaluation.significance import stationary_bootstrap_ci
from tests.laws.evaluation.contests import HORIZON
from tests.unit.evaluation.panels import Panel

TERMS = GateConfig(resamples=300)


def _verdicts(
    trial: int, ics: list[float], baseline_ic: float, days: int = 80, *, simulated: bool = False
) -> list[str]:
    """What is decided of challengers of these RankICs at one cut-off."""
    panel = Panel(days=days, names=40, seed=10_000 + trial)
    challengers = [panel.scores(f"challenger{n or ''}", ic) for n, ic in enumerate(ics)]
    baseline = panel.scores("lightgbm", baseline_ic)
    ladder = panel.scores("random", 0.0, seeds=1)
    given = (baseline, ladder, None, panel.labels(), panel.exposures(), replace(TERMS, family=len(ics)))
    context = GateContext(audit_passed=True, simulated=simulated)
    found = one_promotion([decide(scores, *given, context) for scores in challengers])
    return [verdict.decision for verdict in found]


def _share(decision: str, trials: int, ics: list[float], baseline_ic: float) -> float:
    found = [decision in _verdicts(trial, ics, baseline_ic) for trial in range(trials)]
    return pl.Series(found).mean()


@pytest.mark.slow
def test_an_equal_challenger_is_promoted_at_most_once_in_twenty():
    """One in forty is what the interval promises; 80 days and 200 markets allow no sharper question."""
    assert _share("promote", 200, [0.05], 0.05) <= 0.05


@pytest.mark.slow
def test_of_four_equal_challengers_any_is_promoted_at_most_once_in_twenty():
    assert _share("promote", 100, [0.05] * 4, 0.05) <= 0.05


def test_a_challenger_without_edge_is_rarely_promoted():
    assert _share("promote", 30, [0.0], 0.03) <= 1 / 30


def test_a_large_edge_is_found():
    assert _share("promote", 12, [0.095], 0.0) >= 0.5


def test_of_two_with_a_large_edge_one_is_promoted_and_never_both():
    found = [_verdicts(trial, [0.2, 0.2], 0.0, simulated=True) for trial in range(2)]
    assert [sorted(decisions) for decisions in found] == [["passed_over", "promote"]] * 2


def test_the_intervals_of_a_family_together_err_as_rarely_as_one_alone():
    """Four challengers without an edge share a baseline whose luck they all profit from; 160 families of 120 days."""
    rng, family, alone, erred = np.random.default_rng(7), 4, TERMS.level, {True: 0, False: 0}
    trials, days = 160, 120
    for seed in range(trials):
        shocks = rng.normal(size=(days + HORIZON - 1, family + 1))
        ics = np.lib.stride_tricks.sliding_window_view(shocks, HORIZON, axis=0).sum(axis=-1)
        for corrected, level in ((True, replace(TERMS, family=family).paired_level), (False, alone)):
            lows = [
                stationary_bootstrap_ci(ics[:, one] - ics[:, -1], horizon_d=HORIZON, level=level, resamples=200,
                                        seed=seed).low
                for one in range(family)
            ]  # fmt: skip
            erred[corrected] += max(lows) > 0
    assert erred[True] / trials <= 0.05 < erred[False] / trials, "without the wider level the family errs too often"
