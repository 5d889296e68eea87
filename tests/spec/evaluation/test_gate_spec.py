"""The gate as a table: situations on the left, verdicts on the right."""

import math
from datetime import timedelta

import polars as pl
import pytest

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.gate import GateConfig, GateContext, decide
from gogoku_pipeline.evaluation.ic import daily_rank_ic
from tests.unit.evaluation.panels import Panel

TERMS = GateConfig(resamples=400)
GREEN = GateContext(audit_passed=True)
CRITERIA = {
    "enough_days", "edge_ratio", "paired_interval", "not_hopeless", "neutral_rank_ic", "rank_icir",
    "spread_after_costs", "no_degenerate_day", "calibration", "all_seeds", "coverage", "leak_audit", "direction",
    "plausibility", "incumbent", "holdout",
}  # fmt: skip


class Case:
    """A challenger that earns its promotion; every test spoils one thing."""

    def __init__(self, days=100, names=120):
        self.panel = Panel(days, names, seed=11)
        self.challenger = self.panel.scores("apex_ranker", 0.09)
        self.baseline = self.panel.scores("lightgbm", 0.03)
        self.ladder = pl.concat(
            [self.panel.scores("random", 0.0, seeds=1), self.panel.scores("reversal_5d", 0.01, seeds=1)]
        )
        self.incumbent = None
        self.labels = self.panel.labels()
        self.exposures = self.panel.exposures()
        self.config, self.context = TERMS, GREEN

    def verdict(self):
        return decide(
            self.challenger, self.baseline, self.ladder, self.incumbent, self.labels, self.exposures, self.config,
            self.context,
        )  # fmt: skip


@pytest.fixture
def case():
    return Case()


def failures(verdict):
    return {criterion.name for criterion in verdict.criteria if criterion.passed is False}


def test_a_surely_better_challenger_is_promoted_and_every_criterion_is_printed(case):
    verdict = case.verdict()
    assert verdict.decision == "promote"
    assert not failures(verdict)
    names = [criterion.name for criterion in verdict.criteria]
    assert len(names) == len(set(names))
    assert set(names) == CRITERIA | {"ladder_random", "ladder_reversal_5d"}
    assert all(name in verdict.text() for name in names)
    assert verdict.sessions_needed == 0


def _upside_down(case):
    case.challenger = case.challenger.with_columns(-pl.col("score"))


def _flat_for_a_day(case):
    first = case.panel.sessions[7]
    case.challenger = case.challenger.with_columns(
        pl.when((pl.col("session") == first) & (pl.col("seed") == 1)).then(0.5).otherwise("score").alias("score")
    )


def _constant(case):
    case.challenger = case.challenger.with_columns(pl.lit(1.0).alias("score"))


def _leaking(case):
    case.context = GateContext(audit_passed=False)


def _unaudited(case):
    case.context = GateContext(audit_passed=None)


def _too_good(case):
    case.challenger = case.panel.scores("apex_ranker", 0.3)


def _no_better(case):
    case.challenger = case.baseline.with_columns(pl.lit("apex_ranker").alias("model"))


def _slightly_better(case):
    case.challenger = case.panel.scores("apex_ranker", 0.045)


def _few_days(case):
    case.challenger = case.challenger.filter(pl.col("session") < case.panel.sessions[40])


def _two_seeds(case):
    case.challenger = case.challenger.filter(pl.col("seed") < 2)


def _one_useless_seed(case):
    noise = case.panel.scores("apex_ranker", 0.0, seeds=1)["score"]
    useless = case.challenger.filter(seed=0).with_columns(noise.alias("score"))
    case.challenger = pl.concat([useless, case.challenger.filter(pl.col("seed") > 0)])


def _abstaining(case):
    case.challenger = case.challenger.filter(pl.col("code") < "10900")


def _no_ladder(case):
    case.ladder = None


def _naive_is_better(case):
    case.ladder = case.panel.scores("momentum_12_1", 0.5, seeds=1)


def _no_exposures(case):
    case.exposures = None


def _only_size(case):
    """The challenger orders stocks by turnover, which happens to pay."""
    one = case.challenger.filter(seed=0)
    case.challenger = pl.concat([one.with_columns(pl.lit(seed).alias("seed")) for seed in range(3)])
    size = one.select("session", "code", pl.col("score").alias("log10_adv_20d_jpy"))
    case.exposures = case.exposures.drop("log10_adv_20d_jpy").join(size, on=["session", "code"])


def _incumbent_is_far_better(case):
    case.incumbent = case.panel.scores("atft_gat_fan", 0.4)


def _incumbent_is_worse(case):
    case.incumbent = case.panel.scores("atft_gat_fan", 0.02)


def _miscalibrated(case):
    case.context = GateContext(audit_passed=True, calibration_gap=0.08)


def _missing_rung(case):
    case.config = GateConfig(resamples=400, ladder=("random", "ridge"))


SITUATIONS = [
    (_upside_down, "reject", {"direction", "not_hopeless"}),
    (_flat_for_a_day, "reject", {"no_degenerate_day"}),
    (_constant, "reject", {"no_degenerate_day", "direction"}),
    (_leaking, "reject", {"leak_audit"}),
    (_no_better, "reject", {"not_hopeless", "edge_ratio", "paired_interval"}),
    (_incumbent_is_far_better, "reject", {"incumbent"}),
    (_unaudited, "inconclusive", {"leak_audit"}),
    (_too_good, "inconclusive", {"plausibility"}),
    (_slightly_better, "inconclusive", {"paired_interval"}),
    (_few_days, "inconclusive", {"enough_days", "coverage"}),
    (_two_seeds, "inconclusive", {"all_seeds"}),
    (_one_useless_seed, "inconclusive", {"all_seeds"}),
    (_abstaining, "inconclusive", {"coverage"}),
    (_no_ladder, "inconclusive", {"ladder_any"}),
    (_naive_is_better, "inconclusive", {"ladder_momentum_12_1"}),
    (_missing_rung, "inconclusive", {"ladder_ridge"}),
    (_no_exposures, "inconclusive", {"neutral_rank_ic"}),
    (_only_size, "inconclusive", {"neutral_rank_ic"}),
    (_miscalibrated, "inconclusive", {"calibration"}),
    (_incumbent_is_worse, "promote", set()),
]


@pytest.mark.parametrize(("spoil", "decision", "failing"), SITUATIONS, ids=lambda value: getattr(value, "__name__", ""))
def test_situation_and_verdict(case, spoil, decision, failing):
    spoil(case)
    verdict = case.verdict()
    assert verdict.decision == decision, verdict.text()
    assert failing <= failures(verdict), verdict.text()
    assert {c.name for c in verdict.criteria} >= CRITERIA, "no criterion hides another"
    for name in failures(verdict):
        assert any(reason.startswith(f"{name}:") for reason in verdict.reasons)


def test_only_what_was_spoiled_fails(case):
    for spoil, failing in ((_unaudited, {"leak_audit"}), (_two_seeds, {"all_seeds"}), (_no_ladder, {"ladder_any"})):
        fresh = Case()
        spoil(fresh)
        assert failures(fresh.verdict()) == failing


def test_an_implausible_score_is_called_suspect_unless_the_market_is_simulated(case):
    _too_good(case)
    assert case.verdict().is_suspect
    case.context = GateContext(audit_passed=True, simulated=True)
    verdict = case.verdict()
    assert not verdict.is_suspect
    assert verdict.decision == "promote"
    assert verdict.criterion("plausibility").passed is None


def test_an_inconclusive_verdict_says_what_could_have_been_seen_and_how_long_it_would_take(case):
    _slightly_better(case)
    verdict = case.verdict()
    assert 0 < verdict.minimum_detectable_effect < 0.1
    assert verdict.sessions_needed > 100
    assert "more sessions" in verdict.reasons[-1]


def test_no_quantile_heads_means_not_applicable_and_does_not_stand_in_the_way(case):
    calibration = case.verdict().criterion("calibration")
    assert calibration.passed is None
    assert "no quantile or interval" in calibration.words


def test_a_naive_model_without_any_ranking_is_not_applicable(case):
    flat = case.panel.scores("momentum_12_1", 0.0, seeds=1).with_columns(pl.lit(None, dtype=pl.Float64).alias("score"))
    case.ladder = pl.concat([case.ladder, flat])
    verdict = case.verdict()
    assert verdict.criterion("ladder_momentum_12_1").passed is None
    assert verdict.decision == "promote"


def test_untradable_names_are_not_judged(case):
    awful = case.panel.codes[:60]
    reverse = pl.when(pl.col("code").is_in(awful)).then(-pl.col("score")).otherwise("score").alias("score")
    case.challenger = case.challenger.with_columns(reverse)
    assert case.verdict().decision != "promote"
    universe = case.labels.select("session", "code", (~pl.col("code").is_in(awful)).alias("is_tradable"))
    case.context = GateContext(universe=universe, audit_passed=True)
    assert case.verdict().criterion("edge_ratio").passed


def test_a_baseline_below_zero_does_not_turn_the_ratio_round(case):
    case.baseline = case.panel.scores("lightgbm", -0.05)
    case.challenger = case.panel.scores("apex_ranker", -0.052)
    verdict = case.verdict()
    bar = daily_rank_ic(ensemble_scores(case.baseline), case.labels)["rank_ic"].mean()
    assert bar < 0
    assert verdict.criterion("edge_ratio").threshold == pytest.approx(0.9 * bar)
    assert verdict.decision == "reject"


def test_embargo_rows_are_never_judged(case):
    embargo = [case.panel.sessions[0] + timedelta(days=n) for n in range(30)]
    case.challenger = case.challenger.with_columns(
        pl.when(pl.col("session").is_in(embargo)).then(0.0).otherwise("score").alias("score"),
        (~pl.col("session").is_in(embargo)).alias("is_counted"),
    )
    case.baseline = case.baseline.with_columns((~pl.col("session").is_in(embargo)).alias("is_counted"))
    verdict = case.verdict()
    assert verdict.n_days == 70
    assert verdict.decision == "promote"


def test_the_same_evidence_gives_the_same_verdict_in_any_row_order(case):
    first = case.verdict()
    case.challenger = case.challenger.sample(fraction=1, shuffle=True, seed=1)
    case.baseline, case.labels = case.baseline.reverse(), case.labels.sample(fraction=1, shuffle=True, seed=2)
    second = case.verdict()
    assert second.decision == first.decision
    assert [c.passed for c in second.criteria] == [c.passed for c in first.criteria]
    for a, b in zip(first.criteria, second.criteria, strict=True):
        assert a.value == pytest.approx(b.value, nan_ok=True, rel=1e-9), a.name


def test_unknown_labels_a_flat_baseline_and_two_challengers_cannot_be_judged(case):
    known = case.labels
    case.labels = known.with_columns(pl.lit(None, dtype=pl.Float64).alias("ret_open"))
    with pytest.raises(EvaluationError, match="no known label"):
        case.verdict()
    case.labels, bar = known, case.baseline
    case.baseline = bar.with_columns(pl.lit(0.0).alias("score"))
    with pytest.raises(EvaluationError, match="baseline"):
        case.verdict()
    case.baseline, case.challenger = bar, pl.concat([case.challenger, bar])
    with pytest.raises(EvaluationError, match="exactly one"):
        case.verdict()


def test_other_horizons_are_not_gated(case):
    case.challenger = case.challenger.with_columns(pl.lit(10, dtype=pl.Int16).alias("horizon_d"))
    with pytest.raises(EvaluationError, match="registered horizon 5"):
        case.verdict()


def test_the_terms_have_a_hash_and_every_term_counts():
    assert GateConfig().hash == GateConfig().hash
    assert GateConfig(edge_ratio=1.2).hash != GateConfig().hash
    assert not math.isnan(float(int(GateConfig().hash, 16)))
