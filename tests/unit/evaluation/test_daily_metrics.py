"""Every metric of every day: coverage counted, seeds put together, and what cannot be judged refused by name."""

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.daily import DailyConfig, daily_metrics
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.frames import align
from gogoku_pipeline.evaluation.gains import gains_by_day
from gogoku_pipeline.evaluation.ic import daily_rank_ic, rank_ic_by_day
from gogoku_pipeline.evaluation.neutral import neutralise
from gogoku_pipeline.evaluation.ranking import ranking_by_day, turnover_by_day
from tests.unit.evaluation.panels import Panel

KEY = ["model", "horizon_d", "session"]


@pytest.fixture(scope="module")
def panel():
    return Panel(days=14, names=70, seed=2)


@pytest.fixture(scope="module")
def scores(panel):
    return pl.concat([panel.scores("a", 0.3), panel.scores("b", 0.0)])


def _close(found, wanted):
    for name in wanted.columns:
        if wanted[name].dtype.is_float():
            left, right = (side[name].fill_null(np.nan).to_numpy() for side in (found, wanted))
            assert left == pytest.approx(right, nan_ok=True, abs=1e-12), name


def test_all_metrics_at_once_equal_the_metrics_one_by_one(panel, scores):
    exposures = panel.exposures()
    universe = panel.keys().select("session", "code", (pl.col("code") < "10600").alias("is_tradable"))
    found = daily_metrics(scores, panel.labels(), universe=universe, exposures=exposures)
    aligned = align(ensemble_scores(scores), panel.labels(), universe=universe)
    for table in (rank_ic_by_day, ranking_by_day, gains_by_day):
        wanted = table(aligned).sort(KEY)
        _close(found, wanted.select(pl.selectors.float()))
    neutral = align(neutralise(ensemble_scores(scores), exposures), panel.labels(), universe=universe)
    wanted = rank_ic_by_day(neutral).sort(KEY).rename({"rank_ic": "neutral_rank_ic"})
    _close(found, wanted.select("neutral_rank_ic"))
    wanted = turnover_by_day(aligned, horizon_d=5).select(*KEY, "turnover")
    _close(found.join(wanted, on=KEY, suffix="_wanted"), wanted.sort(KEY).select("turnover"))


def test_threads_change_nothing():
    panel = Panel(days=130, names=30)
    scores = panel.scores("m", 0.2, seeds=2)
    one, two = (daily_metrics(scores, panel.labels(), config=DailyConfig(threads=n)) for n in (1, 3))
    assert one.equals(two)


def test_coverage_counts_the_universe_the_scored_and_those_left_out(panel):
    scores = panel.scores("m", 0.2, seeds=1)
    holes = scores.filter(pl.col("code") != "10000").with_columns(
        pl.when(pl.col("code") == "10010").then(float("nan")).otherwise("score").alias("score")
    )
    ghost = scores.filter(code="10000").with_columns(pl.lit("99990").alias("code"))
    universe = panel.keys().select("session", "code", (pl.col("code") < "10600").alias("is_tradable"))
    labels = panel.labels().with_columns(
        pl.when(pl.col("code") == "10020").then(None).otherwise("ret_open").alias("ret_open")
    )
    row = daily_metrics(pl.concat([holes, ghost]), labels, universe=universe).row(0, named=True)
    assert row["n_universe"] == 60
    assert row["n_scored"] == 58
    assert row["n"] == 57
    assert row["n_outside"] == 11, "ten names outside the universe and one that is not listed"
    assert row["coverage"] == pytest.approx(58 / 60)


def test_a_score_for_an_unlisted_code_changes_no_figure(panel):
    scores = panel.scores("m", 0.2, seeds=1)
    ghost = scores.filter(code="10000").with_columns(pl.lit("99990").alias("code"), pl.lit(1e9).alias("score"))
    plain, haunted = (daily_metrics(one, panel.labels()) for one in (scores, pl.concat([scores, ghost])))
    same = ["rank_ic", "p_at_10pct", "spread", "ndcg_at_10pct", "hit_rate", "n_universe", "n"]
    assert plain.select(same).equals(haunted.select(same))
    assert haunted["n_outside"].to_list() == [1] * 14


def test_constant_scores_have_no_ranking_and_score_like_chance(panel):
    flat = panel.scores("m", 0.2, seeds=2).with_columns(pl.lit(3.0).alias("score"))
    found = daily_metrics(flat, panel.labels())
    assert found["rank_ic"].is_nan().all() and found["ic"].is_nan().all()
    assert found["n_degenerate_seeds"].to_list() == [2] * 14
    for name in ("p_at_10pct", "p_at_50", "ndcg_at_10pct", "ndcg_at_50", "wil_at_10pct"):
        assert found[name].to_list() == pytest.approx(found[f"{name}_random"].to_list()), name
    assert found["spread"].to_list() == pytest.approx([0.0] * 14, abs=1e-15)


def test_a_day_of_three_names_has_figures_but_no_top_fifty(panel):
    few = panel.scores("m", 0.9, seeds=1).filter(pl.col("code") < "10030")
    labels = panel.labels().filter(pl.col("code") < "10030")
    found = daily_metrics(few, labels)
    assert found["rank_ic"].is_finite().all()
    assert found["n"].to_list() == [3] * 14
    assert found["p_at_50"].null_count() == found["ndcg_at_50"].null_count() == 14
    assert daily_metrics(few, labels, config=DailyConfig(min_names=4))["rank_ic"].is_nan().all()


def test_days_whose_labels_are_all_unknown_have_no_figures(panel):
    labels = panel.labels().with_columns(pl.lit(None, dtype=pl.Float64).alias("ret_open"))
    found = daily_metrics(panel.scores("m", 0.9), labels)
    assert found["n"].to_list() == [0] * 14
    assert found["coverage"].to_list() == [1.0] * 14
    for name in ("p_at_10pct", "spread", "hit_rate", "ndcg_at_10pct", "mae", "turnover"):
        assert found[name].null_count() == 14, name
    assert found["rank_ic"].is_nan().all()


def test_a_horizon_without_labels_is_refused_even_beside_one_that_has_them(panel):
    scores = panel.scores("m", 0.2, seeds=1)
    other = scores.with_columns(pl.lit(10, dtype=pl.Int16).alias("horizon_d"))
    with pytest.raises(EvaluationError, match=r"horizons \[5, 10\].*\[5\]"):
        daily_metrics(pl.concat([scores, other]), panel.labels())


def test_overlapping_folds_give_two_scores_for_one_key_and_are_refused(panel):
    scores = panel.scores("m", 0.2, seeds=1)
    again = scores.head(70).with_columns(pl.lit(1).alias("fold"))
    with pytest.raises(EvaluationError, match="scores of m: got two rows for one"):
        daily_metrics(pl.concat([scores, again]), panel.labels())


def test_two_labels_for_one_key_and_infinite_scores_are_refused(panel):
    scores, labels = panel.scores("m", 0.2, seeds=1), panel.labels()
    with pytest.raises(EvaluationError, match="labels: got two rows"):
        daily_metrics(scores, pl.concat([labels, labels.head(1)]))
    with pytest.raises(EvaluationError, match="infinite"):
        daily_metrics(scores.with_columns(pl.lit(float("-inf")).alias("score")), labels)


def test_embargo_days_are_not_measured(panel):
    late = panel.sessions[4]
    scores = panel.scores("m", 0.2).with_columns((pl.col("session") >= late).alias("is_counted"))
    assert daily_metrics(scores, panel.labels())["session"].min() == late


def test_each_horizon_is_judged_by_its_own_labels(panel):
    scores, labels = panel.scores("m", 0.4, seeds=1), panel.labels()
    far = scores.with_columns(pl.lit(20, dtype=pl.Int16).alias("horizon_d"))
    shifted = labels.with_columns(pl.lit(20, dtype=pl.Int16).alias("horizon_d"), -pl.col("ret_open"))
    both = daily_metrics(pl.concat([scores, far]), pl.concat([labels, shifted]))
    near, turned = (both.filter(horizon_d=h)["rank_ic"].to_numpy() for h in (5, 20))
    assert near == pytest.approx(-turned)
    assert near == pytest.approx(daily_rank_ic(scores, labels)["rank_ic"].to_numpy())
