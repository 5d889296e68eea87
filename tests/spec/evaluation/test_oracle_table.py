"""Metric, oracle, agreement: each figure of the judge beside the library that defines it for the field.

metric                      oracle                                          agreement
rank_ic                     scipy.stats.spearmanr (ties, holes)             1e-12
rank_ic                     alphalens factor_information_coefficient        1e-12
ic                          scipy.stats.pearsonr                            1e-12
p_at_50                     sklearn precision_score                         1e-12
ndcg_at_50, ndcg_at_10pct   sklearn ndcg_score (ties shared)                1e-12
quantile means              alphalens mean_return_by_quantile               1e-12
mae, rmse, r2               sklearn.metrics                                 1e-12
pinball                     sklearn mean_pinball_loss                       1e-12
hit rate interval           statsmodels proportion_confint, wilson          1e-6 (z = 1.959964)
neutral score               statsmodels OLS on ranks and sector dummies     1e-10 (unit: test_neutral)
Newey-West t                statsmodels HAC                                 1e-10 (unit: test_significance)
stationary bootstrap        arch StationaryBootstrap, optimal_block_length  5 %, random (same place)
DM-HLN, h = 1               figures printed with the published dm_test      1e-12
DM-HLN, h > 1               the formula of the papers, loops                1e-10 (unit: test_significance)
probabilistic Sharpe        purgedcv                                        1e-12
deflated Sharpe             purgedcv                                        1e-12
PBO, its logits and slope   purgedcv                                        1e-12 (slope 1e-9)
combinatorial splits        skfolio, purgedcv                               the same sessions (spec/dataset)
walk-forward splits         purgedcv                                        the same sessions (spec/dataset)
"""

import random

import numpy as np
import pandas as pd
import polars as pl
import purgedcv
import pytest
from alphalens import performance
from scipy import stats
from sklearn import metrics
from statsmodels.stats.proportion import proportion_confint

from gogoku_pipeline.evaluation.accuracy import accuracy_by_day
from gogoku_pipeline.evaluation.calibration import calibration_by_day
from gogoku_pipeline.evaluation.daily import daily_metrics
from gogoku_pipeline.evaluation.deflation import deflated_sharpe, expected_maximum_sharpe, probabilistic_sharpe
from gogoku_pipeline.evaluation.frames import align
from gogoku_pipeline.evaluation.gains import gains_by_day
from gogoku_pipeline.evaluation.layout import by_day
from gogoku_pipeline.evaluation.overfitting import backtest_overfitting
from gogoku_pipeline.evaluation.ranking import quantile_means_of, wilson_interval
from gogoku_pipeline.evaluation.significance import dm_hln
from tests.unit.evaluation.panels import Panel


@pytest.fixture(scope="module")
def tied():
    """Twelve days of 90 names with ties and holes: aligned, and one frame per day without nulls."""
    panel = Panel(days=12, names=90, seed=4)
    rng = np.random.default_rng(5)
    labels = panel.labels().with_columns(pl.col("ret_open").round(2))
    labels = labels.with_columns(pl.when(pl.Series(rng.random(labels.height) > 0.1)).then("ret_open").alias("ret_open"))
    scores = panel.scores("m", 0.3, seeds=1).select("session", "code", "horizon_d", pl.col("score").round(1))
    scores = scores.with_columns(pl.when(pl.Series(rng.random(scores.height) > 0.1)).then("score").alias("score"))
    aligned = align(scores, labels)
    days = aligned.drop_nulls().partition_by("session", maintain_order=True)
    return scores, labels, aligned, days


def _each(days, figure):
    return [float(figure(day["score"].to_numpy(), day["label"].to_numpy())) for day in days]


def _gain(label):
    return np.clip(np.floor((stats.rankdata(label) - 0.5) / len(label) * 5), 0, 4)


def _ndcg(k):
    return lambda score, label: metrics.ndcg_score(_gain(label)[None, :], score[None, :], k=k or round(len(label) / 10))


ORACLES = {
    "rank_ic": lambda score, label: stats.spearmanr(score, label).statistic,
    "ic": lambda score, label: stats.pearsonr(score, label).statistic,
    "mae": metrics.mean_absolute_error,
    "rmse": metrics.root_mean_squared_error,
    "r2": lambda score, label: metrics.r2_score(label, score),
    "rmse_naive": lambda score, label: metrics.root_mean_squared_error(np.zeros_like(label), label),
    "std_ratio": lambda score, label: score.std(ddof=1) / label.std(ddof=1),
    "ndcg_at_50": _ndcg(50),
    "ndcg_at_10pct": lambda score, label: metrics.ndcg_score(
        _gain(label)[None, :], score[None, :], k=int(np.floor(len(label) * 0.1 + 0.5))
    ),
}


@pytest.mark.parametrize("metric", ORACLES)
def test_a_daily_metric_equals_its_oracle(tied, metric):
    scores, labels, aligned, days = tied
    wanted = _each(days, ORACLES[metric])
    assert daily_metrics(scores, labels)[metric].to_list() == pytest.approx(wanted, abs=1e-12)
    tables = {"rank_ic": None, "ic": None} | dict.fromkeys(("ndcg_at_50", "ndcg_at_10pct"), gains_by_day)
    table = tables.get(metric, accuracy_by_day)
    if table is not None:
        assert table(aligned)[metric].to_list() == pytest.approx(wanted, abs=1e-12)


def test_precision_at_fifty_equals_scikit_learn():
    panel = Panel(days=8, names=200)
    aligned = align(panel.scores("m", 0.3, seeds=1), panel.labels())
    wanted = _each(
        aligned.partition_by("session", maintain_order=True),
        lambda score, label: metrics.precision_score(label > np.median(label), stats.rankdata(-score) <= 50),
    )
    found = daily_metrics(panel.scores("m", 0.3, seeds=1), panel.labels())
    assert found.height == 8
    again = daily_metrics(aligned.select("session", "code", "horizon_d", "score"), panel.labels())
    assert again["p_at_50"].to_list() == pytest.approx(wanted, abs=1e-12)


@pytest.fixture(scope="module")
def factor():
    """What alphalens takes: (date, asset) with a forward return, a factor and its tenth; no ties, 100 names."""
    panel = Panel(days=10, names=100, seed=6)
    aligned = align(panel.scores("m", 0.3, seeds=1), panel.labels()).drop("model", "seed")
    frame = aligned.select(
        pl.col("session").cast(pl.Datetime("ns")).alias("date"),
        pl.col("code").alias("asset"),
        pl.col("label").alias("1D"),
        pl.col("score").alias("factor"),
    ).to_pandas()
    frame["factor_quantile"] = frame.groupby("date")["factor"].transform(
        lambda day: pd.qcut(day, 10, labels=False).astype(int) + 1
    )
    return aligned, frame.set_index(["date", "asset"])


def test_rank_ic_equals_alphalens(factor):
    aligned, frame = factor
    wanted = performance.factor_information_coefficient(frame)["1D"].to_numpy()
    scores = aligned.select("session", "code", "horizon_d", "score")
    labels = aligned.select("session", "code", "horizon_d", pl.col("label").alias("ret_open"))
    assert daily_metrics(scores, labels)["rank_ic"].to_list() == pytest.approx(wanted, abs=1e-12)


def test_quantile_means_equal_alphalens(factor):
    aligned, frame = factor
    mean, _ = performance.mean_return_by_quantile(frame, by_date=True, demeaned=False)
    wanted = mean["1D"].unstack("factor_quantile").to_numpy()
    ours = by_day(aligned, lambda sections: quantile_means_of(sections, 10)).select(str(q) for q in range(1, 11))
    np.testing.assert_allclose(ours.to_numpy(), wanted, atol=1e-12)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_pinball_loss_equals_scikit_learn(quantile):
    panel = Panel(days=6, names=40)
    value = panel.scores("m", 0.5, seeds=1).select(
        "session", "code", "horizon_d", pl.lit(quantile).alias("quantile"), (pl.col("score") * 0.03).alias("value")
    )
    ours = calibration_by_day(value, panel.labels())
    joined = value.join(panel.labels(), on=["session", "code", "horizon_d"]).partition_by("session")
    wanted = [metrics.mean_pinball_loss(day["ret_open"], day["value"], alpha=quantile) for day in joined]
    assert ours["pinball"].to_list() == pytest.approx(wanted, abs=1e-12)
    assert ours["coverage"].to_list() == [(day["ret_open"] <= day["value"]).mean() for day in joined]


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (5, 10), (530, 1000), (99, 100)])
def test_wilsons_interval_equals_statsmodels(hits, trials):
    assert wilson_interval(hits, trials) == pytest.approx(proportion_confint(hits, trials, method="wilson"), abs=1e-6)


def _sample_as_first_printed(stream):
    """`random.sample(range(100), 100)` of the Python the example was printed with; newer ones draw differently."""
    pool, out = list(range(100)), []
    for taken in range(100):
        place = int(stream.random() * (100 - taken))
        out.append(pool[place])
        pool[place] = pool[100 - taken - 1]
    return np.array(out, dtype=float)


@pytest.mark.parametrize(
    ("loss", "statistic", "p_value"),
    [
        (np.abs, 1.3275742446369585, 0.18737195617455585),
        (np.square, 1.2112523589452902, 0.22868210381769466),
        (lambda error: error**4, 0.9124498079287283, 0.36374861695187799),
    ],
    ids=["absolute", "squared", "fourth power"],
)
def test_diebold_mariano_equals_a_published_worked_example(loss, statistic, p_value):
    """The example printed with John Tsang's `dm_test` (2017): seed 123, three shuffles of 0 .. 99, h = 1."""
    stream = random.Random(123)
    actual, first, second = (_sample_as_first_printed(stream) for _ in range(3))
    found = dm_hln(loss(actual - first) - loss(actual - second), horizon_d=1)
    assert found.t == pytest.approx(statistic, rel=1e-12)
    assert found.p_value == pytest.approx(p_value, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_probabilistic_and_deflated_sharpe_equal_purgedcv(seed):
    returns = np.random.default_rng(seed).standard_t(5, 400) * 0.01 + 0.0006
    for benchmark in (0.0, 0.05):
        wanted = purgedcv.probabilistic_sharpe_ratio(returns, benchmark)
        assert probabilistic_sharpe(returns, benchmark) == pytest.approx(wanted, rel=1e-12)
    for trials in (1, 2, 45, 3000):
        wanted = purgedcv.deflated_sharpe_ratio_full(returns, trials, 0.002)
        ours = deflated_sharpe(returns, n_trials=trials, variance=0.002)
        assert ours.probability == pytest.approx(wanted.dsr, rel=1e-12, abs=1e-300)
        assert ours.benchmark == pytest.approx(wanted.sr_star, rel=1e-12)
        assert ours.sharpe == pytest.approx(wanted.observed_sr, rel=1e-12)


def test_the_expected_maximum_of_luck_is_what_drawing_it_gives():
    draws = np.random.default_rng(0).normal(0, 0.05, size=(20_000, 100)).max(axis=1).mean()
    assert expected_maximum_sharpe(100, 0.05**2) == pytest.approx(draws, rel=0.02)


@pytest.mark.parametrize(("configurations", "days", "blocks"), [(2, 40, 4), (12, 243, 8), (30, 500, 10)])
def test_the_probability_of_overfitting_equals_purgedcv(configurations, days, blocks):
    figures = np.random.default_rng(configurations).normal(0.02, 0.1, size=(configurations, days))
    ours = backtest_overfitting(figures, blocks=blocks)
    wanted = purgedcv.probability_of_backtest_overfitting(figures, n_splits=blocks)
    assert ours.probability == wanted.pbo
    np.testing.assert_allclose(np.sort(ours.logits), np.sort(wanted.logits), atol=1e-12)
    assert ours.slope == pytest.approx(wanted.slope, rel=1e-9)
