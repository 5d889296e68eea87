"""Every effect planted in the simulator is recovered by the features made for it, as far as they can see it.

One market per effect with that dial alone, and one without any; `planted_effects` says what is compared. The markets
are small and their dials turned up, so that intervals tell apart; `python -m tests.flow.planted_effects --strength 1`
prints the table for the effects as the house plants them. Seeds are fixed.
"""

from __future__ import annotations

import pytest

from gogoku_pipeline.simulator.config import Dials, MarketConfig
from gogoku_pipeline.simulator.market import generate_market
from tests.flow.planted_effects import EFFECTS, START, Recovered, Road, road, table, without_effect

SEED, SILENT_SEED = 11, 12
CASES = [(name, feature) for name, effect in EFFECTS.items() for feature in effect.signs]


def in_words(case: tuple[str, str]) -> str:
    return f"{case[0]}-{case[1].split(',')[0]}"


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, str], Recovered]:
    return {(line.effect, line.feature): line for line in table(list(EFFECTS), SEED, {})}


@pytest.fixture(scope="module")
def silent() -> Road:
    """Long enough for surprises of results, which need nine quarters."""
    market = generate_market(MarketConfig(90, 720, START, SILENT_SEED, Dials.zero()))
    horizons = sorted({effect.horizon_d for effect in EFFECTS.values()})
    return road(market, [feature for _, feature in CASES], horizons)


@pytest.mark.parametrize("case", CASES, ids=in_words)
def test_a_feature_finds_the_effect_it_was_made_for_with_its_sign(case, found) -> None:
    line = found[case]
    low, high = sorted((line.sign * line.found.low, line.sign * line.found.high))
    assert 0.0 < low < high, line.line()


@pytest.mark.parametrize("case", CASES, ids=in_words)
def test_what_it_finds_is_the_share_of_the_planted_effect_that_it_sees(case, found) -> None:
    line = found[case]
    assert line.sign * line.likeness > 0.1, line.line()
    assert line.found.low <= line.attainable <= line.found.high, line.line()
    assert abs(line.attainable) < line.planted


@pytest.mark.parametrize("case", CASES, ids=in_words)
def test_where_nothing_is_planted_it_finds_nothing(case, silent) -> None:
    name, feature = case
    interval = without_effect(feature, EFFECTS[name].horizon_d, silent)
    assert interval.n > 100
    assert interval.low <= 0.0 <= interval.high, f"{feature}: RankIC {interval}"
