"""A judgement: the stronger baseline is the bar, every fit a trial, coverage measured, luck told beside criteria."""

import math
from dataclasses import replace
from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.clocks import JST
from gogoku_pipeline.core.errors import ConfigError
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.gate import GateContext
from gogoku_pipeline.evaluation.ic import daily_rank_ic
from gogoku_pipeline.evaluation.trials import TRIALS, Trial, new_trials, trial_rows
from gogoku_pipeline.evaluation.verdict import GateConfig
from gogoku_pipeline.registry.contest import Contest, stronger
from gogoku_pipeline.registry.interval_coverage import coverage_gap, walked_quantiles
from gogoku_pipeline.registry.judging import judge
from gogoku_pipeline.registry.luck import apart, deflated, overfitting
from gogoku_pipeline.registry.terms import Terms
from gogoku_pipeline.training.recipe_boosted import objectives
from gogoku_pipeline.training.recipe_ladder import LadderRecipe
from gogoku_pipeline.training.walk_forward import run_walk_forward, scores_from_table

AT = datetime(2024, 5, 8, 20, tzinfo=JST)
TERMS = Terms(
    gate=GateConfig(resamples=200, min_days=10), seeds=(1, 2), n_folds=2, embargo=5, min_train=60, validation=15
)
RUNGS = tuple(LadderRecipe(name) for name in ("random", "reversal_1d", "low_volatility"))


@pytest.fixture(scope="module")
def quick(boosted):
    return objectives(replace(boosted.config, rounds=6, patience=6))


@pytest.fixture(scope="module")
def walks(tmp_path_factory):
    return tmp_path_factory.mktemp("walks")


@pytest.fixture(scope="module")
def judged(data, market, quick, walks):
    context = GateContext(market.universe, True, None, True, TRIALS.empty())
    contest = Contest((LadderRecipe("ridge"),), quick, RUNGS)
    return judge(contest, data, market.sessions[-8], TERMS, context, exposures=None, cache_dir=walks)


@pytest.fixture(scope="module")
def two(data, market, quick, judged, walks):
    context = GateContext(market.universe, True, None, True, TRIALS.empty())
    challengers = (LadderRecipe("ridge"), LadderRecipe("reversal_5d"))
    contest = Contest(challengers, quick, RUNGS, LadderRecipe("ridge"))
    return judge(contest, data, market.sessions[-8], TERMS, context, exposures=None, cache_dir=walks)


def test_several_challengers_meet_the_same_bar_on_the_same_days(judged, two):
    assert [one.challenger for one in two.verdicts] == ["ridge", "reversal_5d"]
    assert {one.baseline for one in two.verdicts} == {judged.verdicts[0].baseline}
    alone, beside = judged.verdicts[0], two.verdicts[0]
    assert beside.criterion("edge_ratio") == alone.criterion("edge_ratio")
    assert beside.edge[0] == alone.edge[0]
    assert beside.edge[1] < alone.edge[1] and beside.edge[2] > alone.edge[2], "an interval for both together"
    assert "97.5% interval" in beside.criterion("paired_interval").words
    assert two.scores.filter(pl.col("model") != "reversal_5d").equals(judged.scores)
    assert two.contestants == ("ridge", "reversal_5d", alone.baseline)
    assert sum(one.decision == "promote" for one in two.verdicts) <= 1


def test_who_serves_is_not_compared_with_itself_and_the_others_are(two):
    own, other = (one.criterion("incumbent") for one in two.verdicts)
    assert own.passed is None and other.passed is not None
    assert other.words.startswith("difference to the incumbent")


def test_the_fits_of_every_challenger_are_trials_in_the_luck_of_each(judged, two):
    names = {trial.model for trial, _ in two.trials}
    assert names == {"ridge", "reversal_5d", "lightgbm", "lightgbm_lambdarank"}
    assert len(two.trials) == len(judged.trials) + 1
    for one in two.verdicts:
        assert f"best of {len(two.trials)} trials ever logged" in one.criterion("deflated_sharpe").words
    assert len({one.criterion("overfitting").words for one in two.verdicts}) == 1


def test_a_walk_taken_up_from_its_other_end_finds_every_fit_again(judged, data, quick, walks):
    """Two processes walk a contest from both ends: neither makes what the other has made."""
    contest = Contest((LadderRecipe("ridge"),), quick, RUNGS, LadderRecipe("reversal_5d"))
    assert [one.name for one in contest.everybody] == [
        "ridge", *(one.name for one in (*quick, *RUNGS)), "reversal_5d",
    ]  # fmt: skip
    assert Contest(contest.challengers, quick, RUNGS, LadderRecipe("ridge")).everybody == contest.everybody[:-1]
    folds = TERMS.folds(data.sessions, judged.cutoff)
    for recipe in reversed(contest.everybody[:-1]):
        seeds = TERMS.seeds[::-1] if recipe.is_seeded else TERMS.seeds
        found = run_walk_forward(recipe, data, folds, seeds, 5, None, walks)
        assert found.resumed == len(folds) * (len(seeds) if recipe.is_seeded else 1), recipe.name


@pytest.mark.parametrize("names", [(), ("ridge", "ridge")])
def test_a_contest_of_nobody_or_of_the_same_name_twice_is_refused(quick, names):
    with pytest.raises(ConfigError, match="each with a name of its own"):
        Contest(tuple(map(LadderRecipe, names)), quick)


def test_the_verdict_says_which_baseline_counts_and_pairs_with_it(judged, market):
    kept = scores_from_table(judged.scores).filter("is_counted")
    known = market.labels.filter(pl.col("available_at").dt.date() <= judged.cutoff)
    daily = {
        name: daily_rank_ic(ensemble_scores(kept.filter(model=name)), known)["rank_ic"].mean()
        for name in ("lightgbm", "lightgbm_lambdarank")
    }
    best = max(daily, key=daily.get)
    choice = judged.verdicts[0].criterion("baseline_choice")
    assert judged.verdicts[0].baseline == best
    assert choice.passed is None
    assert choice.words.startswith(f"reported, not gated: {best} counts")
    assert choice.value == pytest.approx(max(daily.values()), abs=1e-9)
    assert choice.threshold == pytest.approx(min(daily.values()), abs=1e-9)
    assert {"lightgbm", "lightgbm_lambdarank"} <= set(judged.scores["model"]), "both walks are kept"


def test_the_stronger_of_two_is_told_on_the_days_on_which_both_rank(judged, data, market):
    known = market.labels
    walk = run_walk_forward(
        LadderRecipe("ridge"), data, TERMS.folds(data.sessions, market.sessions[-8]), (1,), 5
    ).scores
    upside = walk.with_columns(-pl.col("score"), pl.lit("flipped").alias("model"))
    silent = walk.with_columns(pl.lit(None, dtype=pl.Float64).alias("score"), pl.lit("silent").alias("model"))
    for order in ([walk, upside], [upside, walk]):
        assert stronger(order, known, TERMS, GateContext())[0]["model"][0] == "ridge"
    chosen, words = stronger([silent, walk], known, TERMS, GateContext())
    assert chosen["model"][0] == "silent", "no day is common: the first stands, and the gate refuses it by name"
    assert "over 0 days" in words.words
    assert math.isnan(stronger([walk], known, TERMS, GateContext())[1].threshold)


def test_every_fit_that_could_serve_is_a_trial_and_a_naive_one_is_not(judged, data, quick):
    told = [(trial.model, trial.seed) for trial, _ in judged.trials]
    assert told == [("ridge", 1), *((one.name, seed) for one in quick for seed in (1, 2))]
    assert {trial.feature_hash for trial, _ in judged.trials} == {data.panel.catalogue_hash}
    counted = judged.daily_ic.filter(model="ridge").height
    assert len(judged.trials[0][1]) == math.ceil(counted / 5), "positions of five sessions that do not overlap"


def test_the_deflated_sharpe_ratio_counts_what_the_ledger_held_before(judged):
    series = dict((trial.model, values) for trial, values in judged.trials)["ridge"]
    alone = deflated(series, judged.trials, TRIALS.empty())
    assert "best of 5 trials ever logged" in alone.words
    assert judged.verdicts[0].criterion("deflated_sharpe").words == alone.words
    rng = np.random.default_rng(1)
    many = trial_rows([(Trial("m", "c", "f", seed), rng.normal(size=20)) for seed in range(200)], recorded_at=AT)
    more = deflated(series, judged.trials, many)
    assert "best of 205 trials" in more.words
    repeated = deflated(series, judged.trials, trial_rows(judged.trials, recorded_at=AT))
    assert repeated.words == alone.words, "a trial that is in the ledger counts once"
    modest = rng.normal(0.3, 1.0, size=60)
    assert deflated(modest, [], many).value < deflated(modest, judged.trials[:1], TRIALS.empty()).value


def test_without_a_ledger_the_report_says_so(judged):
    none = deflated(np.ones(3), [], None)
    assert none.passed is None and math.isnan(none.value)
    assert "no ledger of trials was given" in none.words
    short = deflated(np.array([0.1, 0.2]), judged.trials, TRIALS.empty())
    assert "2 positions carry no deflated Sharpe ratio; 5 trials ever logged" in short.words
    assert "holds no trial" in deflated(np.ones(3), [], TRIALS.empty()).words


def test_a_version_logged_before_it_was_judged_gets_its_ratio_later_and_counts_once():
    trial = Trial("m", "c", "f", 1)
    unjudged = trial_rows([(trial, ())], recorded_at=AT)
    series = np.random.default_rng(0).normal(size=30)
    judged = trial_rows([(trial, series)], recorded_at=AT.replace(hour=21))
    fresh = new_trials(unjudged, judged)
    assert fresh.equals(judged)
    ledger = pl.concat([unjudged, fresh])
    assert new_trials(ledger, judged).is_empty() and new_trials(ledger, unjudged).is_empty()
    assert new_trials(TRIALS.empty(), ledger).equals(judged)
    assert "best of 1 trials" in deflated(series, [], ledger).words


def test_overfitting_is_told_over_the_walked_designs(judged):
    said = judged.verdicts[0].criterion("overfitting")
    assert said.passed is None
    assert "best of 6 walked designs" in said.words
    assert 0 <= said.value < 0.5, "a planted signal is no accident of one half of the days"
    assert "fewer than two designs" in overfitting(judged.daily_ic.filter(model="ridge")).words


def test_coverage_of_the_intervals_is_measured_on_the_test_days_and_gated(judged, data, market):
    said = judged.verdicts[0].criterion("calibration")
    assert said.passed is not None
    assert "largest coverage gap" in said.words
    folds = TERMS.folds(data.sessions, market.sessions[-8])
    walk = run_walk_forward(LadderRecipe("ridge"), data, folds, (1,), 5)
    known = market.labels.filter(pl.col("available_at").dt.date() <= market.sessions[-8])
    assert coverage_gap(walk, data, 5, known, market.universe) == said.value
    assert set(walked_quantiles(walk, data, 5)["session"]) == {day for fold in folds for day in fold.counted}
    stretched = market.labels.with_columns(pl.col("excess_open") * 5)
    assert coverage_gap(walk, data, 5, stretched, market.universe) > 0.2


def test_intervals_that_cannot_be_calibrated_are_no_gap_of_zero(data, market):
    folds = TERMS.folds(data.sessions, market.sessions[-8])
    walk = run_walk_forward(LadderRecipe("ridge"), data, folds, (1,), 5)
    few = replace(walk, validation=walk.validation.filter(pl.col("session") == folds[0].validation[0]))
    assert coverage_gap(replace(few, scores=walk.scores.filter(fold=0)), data, 5, market.labels, None) is None


def test_overlapping_positions_are_taken_every_h_sessions():
    days = [date(2024, 1, day) for day in range(4, 16)]
    rows = [(day, 5, f"{n}", float(n), float(n) * (place + 1)) for place, day in enumerate(days) for n in range(20)]
    aligned = pl.DataFrame(rows, schema=["session", "horizon_d", "code", "score", "label"], orient="row")
    assert apart(aligned, 5).tolist() == pytest.approx([18.0, 18.0 * 6, 18.0 * 11])
    assert apart(aligned.clear(), 5).size == 0
