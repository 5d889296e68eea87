"""One list against several horizons: the label changes, the scores do not."""

import numpy as np
import polars as pl
import pytest

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.ensemble import ensemble_scores
from gogoku_pipeline.evaluation.horizons import rank_ic_by_horizon
from gogoku_pipeline.evaluation.ic import daily_rank_ic
from gogoku_pipeline.evaluation.significance import stationary_bootstrap_ci
from tests.unit.evaluation.panels import Panel

PANEL = Panel(days=80, names=40)
SCORES = pl.concat([PANEL.scores("good", 0.4), PANEL.scores("blind", 0.0)])


def at(horizon, ret):
    """Labels of one horizon."""
    return PANEL.labels().with_columns(
        horizon_d=pl.lit(horizon, dtype=pl.Int16), ret_open=pl.Series("ret_open", np.asarray(ret).ravel())
    )


def labels():
    """The hidden signal at one and five sessions, pure noise at twenty."""
    noise = np.random.default_rng(4).normal(size=PANEL.hidden.shape)
    return pl.concat([at(1, PANEL.hidden), at(5, PANEL.hidden + noise), at(20, noise)])


def test_an_edge_fades_with_the_horizon_and_is_gone_where_nothing_was_planted():
    found = rank_ic_by_horizon(SCORES, labels(), resamples=300)
    assert found.select("model", "horizon_d").rows() == [(m, h) for m in ("blind", "good") for h in (1, 5, 20)]
    good = {row["horizon_d"]: row for row in found.filter(model="good").iter_rows(named=True)}
    assert good[1]["rank_ic"] > good[5]["rank_ic"] > 0.1 and good[5]["low"] > 0
    assert good[20]["low"] < 0 < good[20]["high"]
    assert all(row["low"] < 0 < row["high"] for row in found.filter(model="blind").iter_rows(named=True))


def test_the_scores_own_horizon_gives_the_figures_of_its_own_room():
    found = rank_ic_by_horizon(SCORES.filter(model="good"), labels(), resamples=200, seed=3)
    own = ensemble_scores(SCORES.filter(model="good"))
    series = daily_rank_ic(own, labels().filter(horizon_d=5))["rank_ic"].to_numpy()
    row = found.filter(horizon_d=5).row(0, named=True)
    interval = stationary_bootstrap_ci(series, horizon_d=5, resamples=200, seed=3)
    assert row["rank_ic"] == pytest.approx(series.mean())
    assert (row["low"], row["high"], row["n_days"]) == (interval.low, interval.high, 80)


def test_a_model_that_scores_several_horizons_is_judged_on_each_by_its_own():
    both = pl.concat([SCORES.filter(model="good"), SCORES.filter(model="good").with_columns(
        horizon_d=pl.lit(20, dtype=pl.Int16), score=-pl.col("score"))])  # fmt: skip
    found = rank_ic_by_horizon(both, pl.concat([at(5, PANEL.hidden), at(20, PANEL.hidden)]), resamples=100)
    ics = dict(found.select("horizon_d", "rank_ic").rows())
    assert ics[5] == pytest.approx(-ics[20]) and ics[5] > 0


def test_constant_scores_have_days_of_no_ranking_and_no_figure():
    flat = SCORES.filter(model="good").with_columns(score=pl.lit(1.0))
    row = rank_ic_by_horizon(flat, labels(), resamples=100).row(0, named=True)
    assert row["n_days"] == 0 and row["rank_ic"] is None and row["low"] is None


def test_labels_of_other_names_are_refused():
    with pytest.raises(EvaluationError, match="nothing in common"):
        rank_ic_by_horizon(SCORES, labels().with_columns(code=pl.lit("00000")).unique(["session", "horizon_d"]))
