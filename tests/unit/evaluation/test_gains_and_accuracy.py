"""Metrics that pay earlier places more, and how close the numbers were: small enough to check by hand."""

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.evaluation.accuracy import accuracy_by_day
from gogoku_pipeline.evaluation.dispersion import dispersion_by_day, with_drift
from gogoku_pipeline.evaluation.gains import gains_by_day
from gogoku_pipeline.evaluation.ranking import net_of_costs
from tests.unit.evaluation.panels import Panel


def _day(scores, labels):
    panel = Panel(days=1, names=len(scores))
    return panel.keys().with_columns(
        pl.Series("score", scores, dtype=pl.Float64), pl.Series("label", labels, dtype=pl.Float64)
    )


def test_the_weighted_hit_rate_pays_place_i_085_to_the_i():
    labels = [0.02, -0.01, 0.03] + [-0.01] * 27
    row = gains_by_day(_day(list(range(30, 0, -1)), labels)).row(0, named=True)
    assert row["wil_at_10pct"] == pytest.approx((1 + 0.85**2) / (1 + 0.85 + 0.85**2))
    assert row["wil_at_10pct_random"] == pytest.approx(2 / 30)
    last = gains_by_day(_day(list(range(30)), labels)).row(0, named=True)
    assert last["wil_at_10pct"] == 0.0


def test_ndcg_pays_the_best_fifth_four_and_the_worst_nothing():
    labels = list(range(20))
    best = gains_by_day(_day(labels, labels)).row(0, named=True)
    worst = gains_by_day(_day([-label for label in labels], labels)).row(0, named=True)
    assert (best["ndcg_at_10pct"], worst["ndcg_at_10pct"]) == (1.0, 0.0)
    assert best["ndcg_at_10pct_random"] == pytest.approx(2 / 4)
    swapped = [*labels[:15], 18, 19, 17, 16, 15]
    row = gains_by_day(_day([0.0] * 15 + [3, 1, 2, 4, 5], labels)).row(0, named=True)
    assert row["ndcg_at_10pct"] == 1.0, "the two best by score, 19 and 18, gain four each"
    row = gains_by_day(_day([0.0] * 15 + [5, 1, 2, 3, 4], swapped)).row(0, named=True)
    assert row["ndcg_at_10pct"] == pytest.approx((4 + 3 / np.log2(3)) / (4 + 4 / np.log2(3)))


def test_a_day_of_equal_labels_has_no_ndcg():
    row = gains_by_day(_day(list(range(60)), [0.01] * 60)).row(0, named=True)
    assert row["ndcg_at_10pct"] is None and row["ndcg_at_50"] is None
    assert row["wil_at_10pct"] == 1.0


def test_accuracy_by_hand():
    row = accuracy_by_day(_day([0.01, 0.02, 0.03], [0.01, 0.04, 0.01])).row(0, named=True)
    assert row["mae"] == pytest.approx(0.04 / 3)
    assert row["rmse"] == pytest.approx(np.sqrt(0.0008 / 3))
    assert row["rmse_naive"] == pytest.approx(np.sqrt(0.0018 / 3))
    assert row["r2"] == pytest.approx(1 - 0.0008 / 0.0006)
    assert row["std_ratio"] == pytest.approx(0.01 / np.std([0.01, 0.04, 0.01], ddof=1))


def test_equal_labels_have_no_r2_and_no_ratio():
    row = accuracy_by_day(_day([0.01, 0.02], [0.5, 0.5])).row(0, named=True)
    assert row["r2"] is None and row["std_ratio"] is None
    assert row["mae"] == pytest.approx(0.485)


def test_scores_that_shrink_drift_below_zero_and_steady_ones_do_not():
    panel = Panel(days=90, names=40)
    scores = panel.scores("m", 0.2, seeds=1).with_columns(
        pl.when(pl.col("session") >= panel.sessions[80]).then(pl.col("score") * 0.1).otherwise("score").alias("score")
    )
    drift = with_drift(dispersion_by_day(scores))["std_drift"]
    assert drift[:20].null_count() == 20
    assert drift[20:80].abs().max() < 0.5
    assert drift[80:].to_numpy() == pytest.approx(np.full(10, np.log(0.1)), abs=0.5)


def test_what_replacing_names_costs():
    assert net_of_costs(0.01, 0.5, 0.001) == pytest.approx(0.01 - 0.5 * 4 * 0.001)
    assert net_of_costs(0.01, None, 0.001) == pytest.approx(0.01 - 4 * 0.001)
