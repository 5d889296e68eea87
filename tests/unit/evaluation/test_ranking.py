"""Ranking metrics against the words of their definitions, with numbers small enough to check by hand."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import precision_score

from gogoku_pipeline.evaluation.frames import align
from gogoku_pipeline.evaluation.ranking import quantile_returns, ranking_by_day, turnover_by_day, wilson_interval
from tests.unit.evaluation.panels import Panel


def _day(scores, labels):
    panel = Panel(days=1, names=len(scores))
    return panel.keys().with_columns(
        pl.Series("score", scores, dtype=pl.Float64), pl.Series("label", labels, dtype=pl.Float64)
    )


def test_precision_at_ten_percent_counts_the_top_tenth_above_the_median():
    scores = list(range(20, 0, -1))
    labels = [0.09, -0.05, *np.linspace(-0.02, 0.02, 18)]
    row = ranking_by_day(_day(scores, labels)).row(0, named=True)
    assert row["p_at_10pct"] == 0.5
    assert row["p_at_10pct_random"] == 0.5
    assert row["p_at_10pct_positive"] == 0.5
    assert row["p_at_10pct_positive_random"] == 0.5
    assert row["p_at_50"] is None
    assert row["spread"] == pytest.approx((0.09 - 0.05) / 2 - np.mean(np.linspace(-0.02, 0.02, 18)[-2:]))


def test_precision_at_fifty_agrees_with_scikit_learn():
    panel = Panel(days=30, names=200)
    aligned = align(panel.scores("m", 0.3, seeds=1), panel.labels())
    ours = ranking_by_day(aligned)
    for row in ours.iter_rows(named=True):
        day = aligned.filter(session=row["session"])
        above = (day["label"] > day["label"].median()).to_numpy()
        chosen = (day["score"].rank("ordinal", descending=True) <= 50).to_numpy()
        assert row["p_at_50"] == pytest.approx(precision_score(above, chosen))


def test_a_tie_at_the_edge_is_shared_and_constant_scores_score_like_chance():
    tied = ranking_by_day(_day([9.0] + [5.0] * 3 + list(range(4, -12, -1)), [1.0, 1.0, -1.0, -1.0] + [0.0] * 16))
    assert tied["p_at_10pct"][0] == pytest.approx((1 + 1 / 3) / 2)
    flat = ranking_by_day(_day([1.0] * 30, np.random.default_rng(0).normal(size=30))).row(0, named=True)
    assert flat["p_at_10pct"] == pytest.approx(flat["p_at_10pct_random"])
    assert flat["spread"] == pytest.approx(0.0, abs=1e-15)
    assert flat["hit_names"] == 0


def test_the_hit_rate_of_the_truth_is_one_and_of_its_negative_zero():
    labels = np.random.default_rng(1).normal(size=40)
    truth = ranking_by_day(_day(labels - np.median(labels) + labels.mean(), labels)).row(0, named=True)
    assert truth["hit_rate"] > 0.85
    opposite = ranking_by_day(_day(-labels, labels)).row(0, named=True)
    assert opposite["hit_rate"] < 0.15
    assert truth["hit_rate_random"] == pytest.approx(0.5, abs=0.02)


def test_quantiles_hold_the_same_number_of_names_and_rise_with_a_good_score():
    panel = Panel(days=50, names=100)
    table = quantile_returns(align(panel.scores("m", 0.5, seeds=1), panel.labels()))
    assert table["quantile"].to_list() == list(range(1, 11))
    assert table["n_days"].to_list() == [50] * 10
    assert table["mean_label"].is_sorted()
    aligned = align(panel.scores("m", 0.5, seeds=1), panel.labels())
    top = quantile_returns(aligned).filter(quantile=10)["mean_label"][0]
    bottom = quantile_returns(aligned).filter(quantile=1)["mean_label"][0]
    assert ranking_by_day(aligned)["spread"].mean() == pytest.approx(top - bottom)


def test_turnover_is_zero_for_a_frozen_list_one_for_a_flipped_and_counts_from_the_horizon():
    panel = Panel(days=8, names=20)
    frozen = panel.keys().with_columns(
        pl.col("code").cast(pl.Float64).alias("score"), pl.lit(0.0).alias("label"), pl.col("session").alias("day")
    )
    same = turnover_by_day(frozen, horizon_d=5)
    assert same.height == 3
    assert same["turnover"].to_list() == [0.0] * 3
    flip = frozen.with_columns(
        pl.when(pl.col("session").dt.day() % 2 == 0).then(-pl.col("score")).otherwise("score").alias("score")
    )
    assert turnover_by_day(flip, horizon_d=5)["turnover"].to_list() == [1.0] * 3
    assert turnover_by_day(flip, horizon_d=2)["turnover"].to_list() == [0.0] * 6


def test_wilsons_interval_matches_the_textbook():
    assert wilson_interval(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson_interval(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert all(np.isnan(wilson_interval(0, 0)))
