"""Residual scores against statsmodels, and what must not survive neutralisation."""

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from scipy.stats import rankdata

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.ic import daily_rank_ic
from gogoku_pipeline.evaluation.neutral import neutralise
from tests.unit.evaluation.panels import Panel

FACTORS = ["log10_adv_20d_jpy", "vol_20d", "beta_60d"]


def test_residuals_equal_ordinary_least_squares_on_ranks_and_sector_dummies():
    panel = Panel(days=6, names=50)
    scores, exposures = panel.scores("m", 0.3, seeds=1), panel.exposures()
    ours = neutralise(scores, exposures).join(
        scores.join(exposures, on=["session", "code"]), on=["session", "code"], suffix="_raw"
    )
    for session in panel.sessions:
        day = ours.filter(session=session).sort("code")
        ranks = (day.select(pl.col(FACTORS).rank("average")).to_numpy() - 0.5) / day.height
        dummies = day.select("sector33_code").to_dummies().to_numpy()
        fit = sm.OLS(day["score_raw"].to_numpy(), np.hstack([ranks, dummies])).fit()
        np.testing.assert_allclose(day["score"].to_numpy(), fit.resid, atol=1e-10)


def test_a_score_that_is_only_size_and_sector_leaves_nothing_to_rank():
    panel = Panel(days=5, names=60)
    exposures = panel.exposures()
    only = exposures.with_columns(
        (pl.col("log10_adv_20d_jpy").rank().over("session") * 3.0 + pl.col("sector33_code").cast(pl.Float64)).alias(
            "score"
        ),
        pl.lit(5, dtype=pl.Int16).alias("horizon_d"),
    ).select("session", "code", "horizon_d", "score")
    left = neutralise(only, exposures)
    assert left["score"].null_count() == left.height
    assert daily_rank_ic(left, panel.labels())["rank_ic"].is_nan().all()


def test_an_edge_beside_the_exposures_survives():
    panel = Panel(days=60, names=100)
    exposures = panel.exposures()
    scores = (
        panel.scores("m", 0.3, seeds=1)
        .join(exposures, on=["session", "code"])
        .with_columns((pl.col("score") + 3 * pl.col("log10_adv_20d_jpy")).alias("score"))
    )
    raw = daily_rank_ic(scores, panel.labels())["rank_ic"].mean()
    left = daily_rank_ic(neutralise(scores, exposures), panel.labels())["rank_ic"].mean()
    assert raw < 0.15
    assert left > 0.2


def test_missing_exposures_take_the_middle_and_missing_scores_stay_missing():
    panel = Panel(days=2, names=40)
    exposures = panel.exposures().with_columns(
        pl.when(pl.int_range(pl.len()) % 9 == 0).then(None).otherwise("vol_20d").alias("vol_20d"),
        pl.when(pl.int_range(pl.len()) % 11 == 0).then(None).otherwise("sector33_code").alias("sector33_code"),
    )
    scores = panel.scores("m", 0.3, seeds=1).with_columns(
        pl.when(pl.col("code") == "10000").then(None).otherwise("score").alias("score")
    )
    left = neutralise(scores, exposures)
    assert left.filter(code="10000")["score"].null_count() == 2
    assert left["score"].null_count() == 2


def test_a_day_with_no_more_names_than_independent_regressors_has_no_residual():
    panel = Panel(days=3, names=2)
    assert neutralise(panel.scores("m", 0.3, seeds=1), panel.exposures())["score"].null_count() == 6


def test_frames_without_exposures_or_with_repeated_ones_are_refused():
    panel = Panel(days=2, names=10)
    scores, exposures = panel.scores("m", 0.3), panel.exposures()
    with pytest.raises(EvaluationError, match="at least one of"):
        neutralise(scores, exposures.select("session", "code", "sector33_code"))
    with pytest.raises(EvaluationError, match="two rows"):
        neutralise(scores, pl.concat([exposures, exposures]))


def test_a_missing_exposure_is_the_middle_of_the_day():
    panel = Panel(days=1, names=41)
    scores = panel.scores("m", 0.3, seeds=1)
    size = pl.Series("log10_adv_20d_jpy", [None, *np.random.default_rng(3).normal(size=40)], dtype=pl.Float64)
    exposures = panel.keys().select("session", "code", size)
    left = neutralise(scores, exposures).sort("code")["score"].to_numpy()
    ranks = np.concatenate([[0.5], (rankdata(size.to_numpy()[1:]) - 0.5) / 40])
    fit = sm.OLS(scores.sort("code")["score"].to_numpy(), sm.add_constant(ranks)).fit()
    np.testing.assert_allclose(left, fit.resid, atol=1e-10)
