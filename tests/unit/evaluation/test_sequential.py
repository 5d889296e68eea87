"""The live test of a champion: rare false alarms, timely ones, a return, and nothing that is not yet known."""

import math

import numpy as np
import pytest

from gogoku_pipeline.core.errors import ConfigError, EvaluationError
from gogoku_pipeline.evaluation.sequential import Claim, LiveTerms, standings

TERMS = LiveTerms()
DAILY = Claim(mean=0.08, deviation=0.10, horizon_d=1)
WEEKLY = Claim(mean=0.08, deviation=0.10, horizon_d=5)


def overlapping(seed: int, days: int, mean: float, claim: Claim) -> np.ndarray:
    """Daily RankICs whose neighbours share returns, as labels of h sessions do."""
    shocks = np.random.default_rng(seed).normal(size=days + claim.horizon_d - 1)
    window = np.ones(claim.horizon_d) / math.sqrt(claim.horizon_d)
    return mean + claim.deviation * np.convolve(shocks, window, "valid")


def states(live: np.ndarray, claim: Claim, terms: LiveTerms = TERMS) -> list[str]:
    place = list(range(live.size))
    known = [day + 1 + claim.horizon_d for day in place]
    return [found.state for found in standings(live, place, known, live.size, claim, terms)]


def first(found: list[str], state: str) -> float:
    return found.index(state) if state in found else math.inf


@pytest.mark.parametrize("claim", [DAILY, WEEKLY], ids=["1d", "5d"])
def test_a_champion_that_keeps_its_claim_is_hardly_ever_suspended(claim):
    fired = [first(states(overlapping(seed, 1225, claim.mean, claim), claim), "suspended") for seed in range(40)]
    assert sum(math.isfinite(day) for day in fired) <= 1


def test_at_the_edge_of_decline_a_false_alarm_takes_years_on_average():
    """Alarms end the wait at 1,225 sessions here: an average of 1,225 or more is at least 770 when cut off there."""
    waits = [first(states(overlapping(seed, 1225, 0.04, DAILY), DAILY), "suspended") for seed in range(40)]
    assert np.minimum(waits, 1225).mean() >= 600


@pytest.mark.parametrize(("claim", "within"), [(DAILY, 120), (WEEKLY, 400)], ids=["1d", "5d"])
def test_a_dead_signal_is_found_and_its_revival_too(claim, within):
    live = np.concatenate([overlapping(3, 600, 0.0, claim), overlapping(4, 600, claim.mean, claim)])
    found = states(live, claim)
    assert first(found, "suspended") <= within
    assert found[-1] == "serves"


def test_a_reversed_signal_is_found_within_weeks():
    assert first(states(overlapping(5, 200, -0.08, DAILY), DAILY), "suspended") <= 40


def test_an_evening_knows_only_what_is_known_on_it():
    live = overlapping(6, 300, 0.0, WEEKLY)
    other = live.copy()
    other[200:] = 0.9
    place = list(range(300))
    known = [day + 6 for day in place]
    left = standings(live, place, known, 206, WEEKLY, TERMS)
    assert left == standings(other, place, known, 206, WEEKLY, TERMS)
    assert left[205] != standings(other, place, known, 207, WEEKLY, TERMS)[206]


def test_after_a_turn_older_decisions_count_no_more():
    live = overlapping(7, 200, -0.2, WEEKLY)
    found = standings(live, list(range(200)), [day + 6 for day in range(200)], 200, WEEKLY, TERMS)
    turn = [standing.state for standing in found].index("suspended")
    assert found[turn].days == 0
    assert found[turn + 6].days == 0
    assert found[turn + 7].days == 1


def test_a_day_without_a_ranking_is_no_evidence():
    live = overlapping(8, 100, 0.05, DAILY)
    gappy = np.insert(live, 50, math.nan)
    place = [*range(50), 50, *range(50, 100)]
    known = [day + 2 for day in place]
    assert (
        standings(gappy, place, known, 102, DAILY, TERMS)[-1]
        == standings(live, list(range(100)), [day + 2 for day in range(100)], 102, DAILY, TERMS)[-1]
    )


@pytest.mark.parametrize(
    "build",
    [
        lambda: LiveTerms(retained=1.0),
        lambda: LiveTerms(false_alarm_every=5),
        lambda: LiveTerms(false_return_every=1),
    ],
)
def test_terms_that_never_or_always_fire_are_refused(build):
    with pytest.raises(ConfigError, match="LiveTerms"):
        build()


def test_a_claim_of_nothing_is_refused():
    with pytest.raises(EvaluationError, match="positive mean"):
        Claim(mean=0.0, deviation=0.1, horizon_d=5)


def test_days_out_of_order_are_refused():
    with pytest.raises(EvaluationError, match="time order"):
        standings([0.1, 0.2], [1, 0], [2, 3], 5, DAILY, TERMS)
