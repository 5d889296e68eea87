"""At most one promotion per cut-off: who is chosen of those that pass, and what the others are told."""

import pytest

from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.evaluation.choice import ONE_PROMOTION, one_promotion
from gogoku_pipeline.evaluation.significance import Interval
from gogoku_pipeline.evaluation.verdict import Criterion, GateConfig, Verdict


def verdict(name, low, decision="promote"):
    passed = Criterion("paired_interval", low, 0.0, decision == "promote", "the interval")
    return Verdict(
        decision, (passed,), ("every criterion that applies holds", "power"), name, "lightgbm", 250,
        (low + 0.01, low, low + 0.02), 0.01, 0, False, "hash",
    )  # fmt: skip


def apart(low):
    return Interval(low + 0.005, low, low + 0.01, 0.003, 5.0, 250)


def decisions(*given, **rule):
    return {one.challenger: one.decision for one in one_promotion(given, **rule)}


def test_nobody_or_one_who_passes_changes_nothing():
    for given in ((verdict("a", 0.01, "reject"), verdict("b", -0.01, "inconclusive")), (verdict("a", 0.01),)):
        assert one_promotion(given) == given


def test_of_two_that_pass_the_higher_lower_bound_is_promoted_and_the_other_written_down_with_reasons():
    over, chosen = one_promotion((verdict("apex_ranker", 0.004), verdict("atft_gat_fan", 0.007)))
    assert (over.decision, chosen.decision) == ("passed_over", "promote")
    assert over.reasons[0].startswith("one_promotion: would also pass; 2 challengers pass")
    assert "atft_gat_fan, which has the highest lower bound" in over.reasons[0] and "+0.0040 here" in over.reasons[0]
    assert over.reasons[1:] == ("every criterion that applies holds", "power")
    assert (over.criterion(ONE_PROMOTION).passed, chosen.criterion(ONE_PROMOTION).passed) == (False, True)
    assert over.criterion(ONE_PROMOTION).threshold == chosen.edge[1] == 0.007


def test_equals_are_settled_by_the_registered_order():
    assert decisions(verdict("b", 0.005), verdict("a", 0.005)) == {"b": "promote", "a": "passed_over"}


def test_who_serves_and_passes_again_goes_on_serving_against_one_who_only_looks_better():
    given = (verdict("serves", 0.002), verdict("other", 0.009), verdict("weak", 0.02, "inconclusive"))
    said = decisions(*given, incumbent="serves", over_incumbent={"other": apart(-0.001)})
    assert said == {"serves": "promote", "other": "passed_over", "weak": "inconclusive"}


def test_who_is_surely_better_than_the_incumbent_takes_its_place():
    given = (verdict("serves", 0.002), verdict("sure", 0.006), verdict("high", 0.009))
    over = {"sure": apart(0.001), "high": apart(-0.002)}
    said = decisions(*given, incumbent="serves", over_incumbent=over)
    assert said == {"serves": "passed_over", "sure": "promote", "high": "passed_over"}


def test_an_incumbent_that_does_not_pass_has_no_say():
    given = (verdict("serves", 0.02, "inconclusive"), verdict("a", 0.002), verdict("b", 0.003))
    assert decisions(*given, incumbent="serves") == {"serves": "inconclusive", "a": "passed_over", "b": "promote"}


@pytest.mark.parametrize(("family", "level"), [(1, 0.95), (2, 0.975), (5, 0.99)])
def test_the_interval_of_each_is_wide_enough_for_all(family, level):
    assert GateConfig(family=family).paired_level == pytest.approx(level)
    assert GateConfig(family=family).hash != GateConfig(family=family + 1).hash, "how many were judged is registered"


def test_a_family_of_nobody_is_refused():
    with pytest.raises(ConfigError, match="family"):
        GateConfig(family=0)
