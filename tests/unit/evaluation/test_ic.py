"""RankIC against scipy, day by day and all at once."""

import math
from datetime import date

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.ic import daily_rank_ic, rank_ic
from tests.unit.evaluation.panels import Panel


def test_rank_ic_is_spearmans_rho_also_with_ties_and_gaps():
    rng = np.random.default_rng(3)
    for _ in range(50):
        scores, labels = rng.normal(size=80).round(1), rng.normal(size=80).round(1)
        scores[rng.random(80) < 0.1], labels[rng.random(80) < 0.1] = np.nan, np.nan
        both = ~(np.isnan(scores) | np.isnan(labels))
        assert rank_ic(scores, labels) == pytest.approx(spearmanr(scores[both], labels[both]).statistic, abs=1e-12)


def test_daily_rank_ic_equals_one_day_at_a_time():
    panel = Panel(days=20, names=40)
    scores = panel.scores("m", 0.2, seeds=2).with_columns(pl.col("score").round(1))
    scores = scores.with_columns(
        pl.when(pl.int_range(pl.len()) % 7 == 0).then(float("nan")).otherwise("score").alias("score")
    )
    daily = daily_rank_ic(scores, panel.labels())
    assert daily.height == 40
    joined = scores.join(panel.labels(), on=["session", "code", "horizon_d"])
    for row in daily.iter_rows(named=True):
        day = joined.filter(session=row["session"], seed=row["seed"])
        known = day.filter(pl.col("score").is_not_nan())
        assert row["n"] == known.height
        assert row["rank_ic"] == pytest.approx(rank_ic(day["score"], day["ret_open"]), abs=1e-12)
        assert row["rank_ic"] == pytest.approx(spearmanr(known["score"], known["ret_open"]).statistic, abs=1e-12)


def test_a_frame_without_model_and_seed_gives_session_horizon_rank_ic_and_n():
    panel = Panel(days=5, names=20)
    scores = panel.scores("m", 0.2, seeds=1).select("session", "code", "horizon_d", "score")
    assert daily_rank_ic(scores, panel.labels()).columns == ["session", "horizon_d", "rank_ic", "n"]


@pytest.mark.parametrize(
    ("scores", "labels", "want"),
    [
        ([1, 2, 3], [10, 20, 30], 1.0),
        ([1, 2, 3], [30, 20, 10], -1.0),
        ([1, 1, 1], [10, 20, 30], math.nan),
        ([1, 2, 3], [5, 5, 5], math.nan),
        ([1, 2], [10, 20], math.nan),
        ([1, 2, math.nan], [10, 20, 30], math.nan),
        ([], [], math.nan),
        ([1, 1, 2], [10, 20, 30], math.sqrt(3) / 2),
    ],
)
def test_tiny_days(scores, labels, want):
    assert rank_ic(scores, labels) == pytest.approx(want, nan_ok=True, abs=1e-12)


def test_vectors_of_unequal_length_are_refused():
    with pytest.raises(EvaluationError, match="shapes"):
        rank_ic([1, 2, 3], [1, 2])


def test_the_universe_decides_who_is_judged():
    day = date(2024, 5, 8)
    codes = ["10010", "10020", "10030", "10040"]
    key = {"session": [day] * 4, "code": codes}
    scores = pl.DataFrame({**key, "horizon_d": [5] * 4, "score": [1.0, 2.0, 3.0, 4.0]})
    labels = pl.DataFrame({**key, "horizon_d": [5] * 4, "ret_open": [0.1, 0.2, 0.3, -9.0]})
    universe = pl.DataFrame({**key, "is_tradable": [True, True, True, False]})
    assert daily_rank_ic(scores, labels)["rank_ic"][0] < 0.5
    judged = daily_rank_ic(scores, labels, universe=universe)
    assert judged["rank_ic"][0] == 1.0
    assert judged["n"][0] == 3
