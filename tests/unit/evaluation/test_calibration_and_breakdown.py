"""Quantiles that mean what they say, and where an edge sits: months, regimes, sectors, sizes."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from gogoku_pipeline.core.errors import EvaluationError
from gogoku_pipeline.evaluation.breakdown import buckets_by_day, by_bucket, by_month, by_regime, market_regimes
from gogoku_pipeline.evaluation.calibration import calibration, calibration_by_day, calibration_gap, crossed_share
from gogoku_pipeline.evaluation.daily import daily_metrics
from gogoku_pipeline.evaluation.frames import align
from tests.unit.evaluation.panels import Panel

LEVELS = (0.1, 0.5, 0.9)


def _quantiles(panel, width=1.0):
    """Quantiles of the panel's labels (normal with deviation 0.03), stretched by `width`."""
    return pl.concat(
        panel.keys().with_columns(
            pl.lit(level).alias("quantile"), pl.lit(0.03 * width * norm.ppf(level)).alias("value")
        )
        for level in LEVELS
    )


def test_true_quantiles_are_calibrated_and_narrow_ones_are_not():
    panel = Panel(days=100, names=100)
    true = calibration_by_day(_quantiles(panel), panel.labels())
    assert calibration_gap(true) < 0.01
    assert calibration(true)["n_days"].to_list() == [100] * 3
    narrow = calibration(calibration_by_day(_quantiles(panel, 0.5), panel.labels()))
    wanted = norm.cdf(0.5 * norm.ppf(LEVELS)) - LEVELS
    assert narrow["gap"].to_numpy() == pytest.approx(wanted, abs=0.01)
    assert (narrow["pinball"] >= calibration(true)["pinball"]).all()


def test_buckets_show_a_model_that_is_right_only_on_average():
    panel = Panel(days=60, names=100)
    restless = np.arange(100) % 2 == 1
    labels = panel.labels().with_columns(pl.Series("ret_open", (panel.hidden * np.where(restless, 0.06, 0.01)).ravel()))
    buckets = panel.keys().select("session", "code", pl.Series("bucket", np.tile(restless, 60).astype(str)))
    found = calibration(calibration_by_day(_quantiles(panel), labels, buckets=buckets))
    assert found.height == 6
    low = found.filter(quantile=0.1)
    assert low.filter(bucket="False")["gap"][0] < -0.05 < 0.05 < low.filter(bucket="True")["gap"][0]


def test_days_count_the_same_however_many_names_they_have():
    panel = Panel(days=2, names=50)
    first = panel.sessions[0]
    rows = _quantiles(panel).filter((pl.col("session") == first) | (pl.col("code") < "10100"))
    daily = calibration_by_day(rows, panel.labels())
    assert sorted(daily["n"].unique().to_list()) == [10, 50]
    assert calibration(daily)["coverage"].to_list() == pytest.approx(
        daily.group_by("quantile").agg(pl.col("coverage").mean()).sort("quantile")["coverage"].to_list()
    )


def test_quantiles_that_cross_are_counted():
    panel = Panel(days=3, names=10)
    assert crossed_share(_quantiles(panel)) == 0.0
    assert crossed_share(_quantiles(panel, -1.0)) == 1.0


@pytest.mark.parametrize(("spoil", "words"), [
    (lambda rows: rows.with_columns(pl.lit(90.0).alias("quantile")), "90.0"),
    (lambda rows: pl.concat([rows, rows.head(1)]), "two values"),
    (lambda rows: rows.drop("value"), "value"),
    (lambda rows: rows.with_columns(pl.lit(None, dtype=pl.Float64).alias("value")), "no quantile"),
])  # fmt: skip
def test_quantiles_that_cannot_be_judged_are_refused(spoil, words):
    panel = Panel(days=2, names=10)
    with pytest.raises(EvaluationError, match=words):
        calibration_by_day(spoil(_quantiles(panel)), panel.labels())


def test_months_add_up_to_the_whole():
    panel = Panel(days=80, names=40)
    daily = daily_metrics(panel.scores("m", 0.3), panel.labels())
    months = by_month(daily)
    assert months["group"].to_list() == ["2024-01", "2024-02", "2024-03"]
    assert months["n_days"].sum() == 80
    whole = (months["rank_ic_mean"] * months["n_days"]).sum() / 80
    assert whole == pytest.approx(daily["rank_ic"].mean())


def test_an_edge_that_lives_in_one_regime_is_found_there():
    panel = Panel(days=60, names=60)
    good = panel.sessions[:30]
    scores = panel.scores("m", 0.6, seeds=1).with_columns(
        pl.when(pl.col("session").is_in(good)).then("score").otherwise(-pl.col("score")).alias("score")
    )
    regimes = pl.DataFrame({"session": panel.sessions[:50], "regime": ["rising"] * 30 + ["falling"] * 20})
    found = by_regime(daily_metrics(scores, panel.labels()), regimes)
    assert found["group"].to_list() == ["falling", "rising", "unknown"]
    assert found["n_days"].to_list() == [20, 30, 10]
    assert found.filter(group="rising")["rank_ic_mean"][0] > 0.4
    assert found.filter(group="falling")["rank_ic_mean"][0] < -0.4


def test_an_edge_that_lives_in_one_sector_is_found_there_and_names_without_one_are_kept():
    panel = Panel(days=40, names=90)
    codes = panel.codes
    sector = dict(zip(codes, ["banks", "foods", None] * 30, strict=True))
    scores = panel.scores("m", 0.8, seeds=1).with_columns(pl.col("code").replace(sector).alias("bucket"))
    noise = panel.scores("m", 0.0, seeds=1)["score"]
    scores = scores.with_columns(
        pl.when(pl.col("bucket") == "banks").then("score").otherwise(noise).alias("score")
    ).drop("bucket")
    buckets = panel.keys().select("session", "code", pl.col("code").replace_strict(sector).alias("bucket"))
    found = by_bucket(align(scores, panel.labels()), buckets)
    assert found["group"].to_list() == ["banks", "foods", "unknown"]
    assert found["names"].to_list() == [30.0] * 3
    assert found.filter(group="banks")["rank_ic_mean"][0] > 0.6
    assert abs(found.filter(group="foods")["rank_ic_mean"][0]) < 0.15


def test_size_buckets_hold_a_fifth_of_the_day_each_and_leave_out_the_unknown():
    panel = Panel(days=3, names=50)
    sizes = panel.keys().with_columns(pl.Series("log10_mcap_jpy", [None, *range(1, 50)] * 3, dtype=pl.Float64))
    found = buckets_by_day(sizes, "log10_mcap_jpy").group_by("session", "bucket").len()
    assert found["len"].sum() == 49 * 3
    assert set(found["len"]) <= {9, 10}
    assert sorted(found["bucket"].unique()) == ["1", "2", "3", "4", "5"]


def test_the_regime_of_a_session_is_known_at_its_close_and_never_changes_afterwards():
    rng = np.random.default_rng(0)
    calm, wild = rng.normal(0.002, 0.002, 300), rng.normal(-0.004, 0.03, 120)
    closes = 1000 * np.exp(np.cumsum(np.concatenate([calm, wild])))
    days = [date(2022, 1, 3) + timedelta(days=n) for n in range(420)]
    market = pl.DataFrame({"session": days, "close_points": closes})
    whole = market_regimes(market)
    assert whole["regime"][:79].unique().to_list() == ["unknown"]
    assert whole["regime"][290] in ("rising, calm", "rising, restless")
    assert whole["regime"][-1] == "falling, restless"
    assert market_regimes(market.head(350)).equals(whole.head(350))
